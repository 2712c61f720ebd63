//! The log of the default level: one line per decision, and none per delivery.

use serde_json::{Value, json};

use super::beside_with_input;
use crate::support::builders::WebhookBuilder;
use crate::support::database::TestDatabase;
use crate::support::event;
use crate::support::logpoint::{Behaviour, FakeLogpoint, Options};
use crate::support::process::{Server, directory, gatepost, wait_long, with_admin, with_database};
use crate::support::user::TestUser;

/// More than the number of failures that opens a circuit breaker.
const EVENTS: i64 = 20;

async fn count(database: &TestDatabase, state: &str) -> i64 {
    let sql = "select count(*) from deliveries where state = $1";
    sqlx::query_scalar(sql).bind(state).fetch_one(database.pool()).await.unwrap()
}

#[tokio::test]
async fn decisions_are_logged_with_ids_and_deliveries_are_not() {
    let (database, directory) = (TestDatabase::create().await, directory());
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let file = directory.path().join("log");
    let mut command = with_admin(with_database(gatepost(), database.url()));
    command.env("GATEPOST_LOG", "info").env("GATEPOST_LOG_FORMAT", "json");
    command.stderr(std::fs::File::create(&file).unwrap());
    let webhook = WebhookBuilder::reopen(&logpoint)
        .with("ordered", false)
        .with("retry_schedule", json!(["1s", "1s", "1s"]));
    let imported =
        beside_with_input(&database, &["webhooks", "import", "-"], &webhook.file()).await;
    imported.printed();
    let token = super::token(&database).await;
    let server = Server::start(command).await;
    for number in 0..EVENTS {
        server.send(&token, &event("Granted", &number.to_string())).await;
    }
    wait_long("all are delivered", async || count(&database, "delivered").await == EVENTS).await;
    logpoint.always(Behaviour::Status(500, "no".to_owned()));
    for number in EVENTS..2 * EVENTS {
        server.send(&token, &event("Granted", &number.to_string())).await;
    }
    let open = "select count(*) from webhook_breakers where probe_at is not null";
    wait_long("the breaker is open", async || {
        sqlx::query_scalar::<_, i64>(open).fetch_one(database.pool()).await.unwrap() == 1
    })
    .await;
    logpoint.always(Behaviour::Accept);
    wait_long("the breaker is closed", async || {
        sqlx::query_scalar::<_, i64>("select count(*) from webhook_breakers")
            .fetch_one(database.pool())
            .await
            .unwrap()
            == 0
    })
    .await;
    let base = server.base.clone();
    assert_eq!(server.interrupt().await, Some(0));
    let log = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let messages: Vec<&str> =
        lines.iter().map(|line| line["fields"]["message"].as_str().unwrap()).collect();
    let once = [
        "created the first administrator",
        "started",
        "opened a circuit breaker",
        "closed a circuit breaker",
        "stopping",
    ];
    // Whether there are these depends on the time.
    let sometimes = ["handed back deliveries", "reported changes of webhooks' health"];
    let others: Vec<&&str> =
        messages.iter().filter(|message| !sometimes.contains(message)).collect();
    assert_eq!(others, once.iter().collect::<Vec<_>>(), "{log}");
    let id: String = sqlx::query_scalar("select id::text from webhooks")
        .fetch_one(database.pool())
        .await
        .unwrap();
    for line in &lines {
        let fields = &line["fields"];
        assert!(fields.get("delivery.id").is_none(), "{line}");
        if fields["message"].as_str().unwrap().contains("breaker") {
            assert_eq!(fields["webhook.id"], id.as_str());
        }
        if fields["message"] == "started" {
            assert_eq!(format!("http://{}", fields["address"].as_str().unwrap()), base);
            assert_eq!(fields["version"], env!("CARGO_PKG_VERSION"));
        }
    }
    database.drop().await;
}

#[tokio::test]
async fn refused_requests_are_logged_without_secrets() {
    let (database, directory) = (TestDatabase::create().await, directory());
    let file = directory.path().join("log");
    let mut command = with_admin(with_database(gatepost(), database.url()));
    command.env("GATEPOST_LOG_FORMAT", "json");
    command.stderr(std::fs::File::create(&file).unwrap());
    let server = Server::start(command).await;
    let url = |path: &str| format!("{}{path}", server.base);
    let http = crate::support::http();
    let wrong_token = http.post(url("/api/v1/events")).header("authorization", "Bearer gp_wrong");
    let other_site = http.post(url("/login")).header("sec-fetch-site", "cross-site");
    let no_token = http
        .post(url("/login?next=secret"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body("password=hidden");
    for (request, status) in [(wrong_token, 401), (other_site, 403), (no_token, 403)] {
        assert_eq!(request.send().await.unwrap().status(), status);
    }
    let mut guess = TestUser::new(server.base.clone());
    guess.get("/login").await;
    for _ in 0..20 {
        guess.post("/login", &[("email", "ann@example.com"), ("password", "hidden")]).await;
    }
    assert_eq!(server.interrupt().await, Some(0));
    let log = std::fs::read_to_string(&file).unwrap();
    assert!(
        !log.contains("gp_wrong") && !log.contains("hidden") && !log.contains("secret"),
        "{log}"
    );
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let refused: Vec<Value> = lines
        .map(|line| line["fields"].clone())
        .filter(|fields| fields["message"] == "refused a request")
        .collect();
    let has = |route: &str, status: u16, reason: &str| {
        refused.iter().any(|fields| {
            let found = fields["reason"].as_str().unwrap_or_default();
            fields["route"] == route
                && fields["status"] == status
                && fields["from"] == "127.0.0.1"
                && found.starts_with(reason)
        })
    };
    assert!(has("/api/v1/events", 401, "Unknown or revoked token."), "{refused:?}");
    assert!(has("/login", 403, "a form from another site"), "{refused:?}");
    let forms = refused.iter().filter(|fields| fields["status"] == 403).count();
    assert_eq!(forms, 2, "{refused:?}");
    assert!(has("/login", 429, ""), "{refused:?}");
    database.drop().await;
}
