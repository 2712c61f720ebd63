//! The pages about API tokens.

use std::time::Duration;

use crate::support::TestApp;
use crate::support::app::EMAIL;
use crate::support::event;
use crate::support::user::{TestResponse, TestUser};

async fn create(ann: &mut TestUser, name: &str, scope: &str, expires: &str) -> TestResponse {
    ann.get("/tokens/new").await;
    ann.post("/tokens", &[("name", name), ("scope", scope), ("expires", expires)]).await
}

#[tokio::test]
async fn a_token_is_shown_once_used_and_revoked() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let empty = ann.get("/tokens").await;
    assert_eq!(empty.text(".empty h2"), "No API tokens yet");
    assert_eq!(empty.attribute(".empty a.button", "href").unwrap(), "/tokens/new");
    let form = ann.get("/tokens/new").await;
    assert_eq!(form.attribute("[name=scope][checked]", "value").unwrap(), "events");
    assert_eq!(form.attribute("#expires [selected]", "value").unwrap(), "90");

    let created = create(&mut ann, " Apono ", "events", "90").await;
    assert_eq!((created.status, created.text("h1")), (200, "Token created".to_owned()));
    let token = created.text("#token");
    assert!(token.starts_with("gp_"), "{token}");
    assert_eq!(created.headers["cache-control"], "no-store");
    let curl = created.text("#curl");
    let start = format!("curl {} \\ -H 'Authorization: Bearer {token}'", app.url("/api/v1/events"));
    assert!(curl.starts_with(&start), "{curl}");
    // The command sends a valid event.
    let data = curl.split("--data '").nth(1).unwrap().trim_end_matches('\'');
    assert_eq!(app.send(&token, &serde_json::from_str(data).unwrap()).await.0, 202);

    let list = ann.get("/tokens").await;
    let cells = list.texts(".tokens td");
    assert_eq!(cells[..3], ["Apono", &format!("{}…", token.get(..8).unwrap()), "events"]);
    assert_eq!(cells[3..5], ["–", &format!("just now by {EMAIL}")]);
    assert_eq!(cells[5..7], ["just now from 127.0.0.1", "in 90 days"]);
    assert!(!list.body.contains(&token));
    assert_eq!(app.send(&token, &event("Granted", "1")).await.0, 202);

    let revoke = list.attribute(".tokens a[href$=revoke]", "href").unwrap();
    let confirm = ann.get(&revoke).await;
    assert_eq!(confirm.text("h1"), "Revoke Apono?");
    assert!(confirm.text("form .hint").starts_with("Last used just now from 127.0.0.1."));
    assert_eq!(ann.post(&revoke, &[]).await.location(), "/tokens");
    app.clock.advance(Duration::from_secs(1));
    let (status, problem) = app.send(&token, &event("Granted", "2")).await;
    assert_eq!(status, 401);
    assert!(problem["detail"].as_str().unwrap().starts_with("Unknown or revoked token."));
    let list = ann.get("/tokens").await;
    assert_eq!(list.text(".toast p"), "Revoked “Apono”.");
    for path in [revoke.as_str(), "/tokens/x/revoke"] {
        assert_eq!(ann.get(path).await.status, 404, "{path}");
        assert_eq!(ann.post(path, &[]).await.status, 404, "{path}");
    }
    let actions: Vec<String> = sqlx::query_scalar(
        "select action || ' ' || object_name from audit_log where object_kind = 'token' order by seq",
    )
    .fetch_all(app.database.pool())
    .await
    .unwrap();
    assert_eq!(actions, ["token.created Apono", "token.revoked Apono"]);
    app.finish().await;
}

#[tokio::test]
async fn errors_keep_what_was_entered() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    create(&mut ann, "Apono", "events", "30").await;
    let long = "x".repeat(81);
    for (name, says) in [
        ("apono", "Another token has the name \"apono\". Choose another name."),
        ("  ", "Enter a name with 1 to 80 characters."),
        (&long, "Enter a name with 1 to 80 characters."),
    ] {
        let seen = create(&mut ann, name, "manage", "never").await;
        assert_eq!((seen.status, seen.text("#name-error")), (422, says.to_owned()));
        assert_eq!(seen.attribute("#name", "value").unwrap(), name);
        assert_eq!(seen.attribute("[name=scope][checked]", "value").unwrap(), "manage");
        assert_eq!(seen.attribute("#expires [selected]", "value").unwrap(), "never");
    }
    for (scope, expires) in [("all", "30"), ("events", "31"), ("events", "")] {
        assert_eq!(create(&mut ann, "Other", scope, expires).await.status, 400);
    }
    let fields = [("csrf", "wrong"), ("name", "Other"), ("scope", "events"), ("expires", "30")];
    assert_eq!(ann.post("/tokens", &fields).await.status, 403);
    let count: i64 = sqlx::query_scalar("select count(*) from tokens")
        .fetch_one(app.database.pool())
        .await
        .unwrap();
    assert_eq!(count, 1);
    app.finish().await;
}

#[tokio::test]
async fn each_scope_has_its_command() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    for (scope, path) in [
        ("read", "/api/v1/events/EVENT_ID/explain"),
        ("manage", "/api/v1/webhooks/WEBHOOK_ID/invoke"),
    ] {
        let created = create(&mut ann, scope, scope, "never").await;
        let curl = created.text("#curl");
        assert!(curl.starts_with(&format!("curl {} \\ -H", app.url(path))), "{curl}");
        assert!(created.texts("#token ~ .hint").is_empty());
    }
    app.finish().await;
}

#[tokio::test]
async fn the_list_is_searched_and_has_pages() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let many = "insert into tokens (id, name, scope, hash, created_at)
                select gen_random_uuid(), 'Token ' || n, 'read', sha256(n::text::bytea), now()
                from generate_series(100, 219) n";
    sqlx::query(many).execute(app.database.pool()).await.unwrap();
    let mut seen = Vec::new();
    let mut href = "/tokens".to_owned();
    loop {
        let page = ann.get(&href).await;
        seen.extend(page.texts("td.name"));
        match page.attribute(".pager [rel=next]", "href") {
            Some(next) => href = next,
            None => break,
        }
    }
    let expected: Vec<String> = (100..220).map(|n| format!("Token {n}")).collect();
    assert_eq!(seen, expected);
    // Tokens of earlier versions have no prefix and no creator.
    let cells = ann.get("/tokens").await.texts(".tokens tr:nth-child(1) td");
    assert_eq!(cells[1..7], ["–", "read", "–", "just now", "Never", "Never"]);
    assert_eq!(ann.get("/tokens?q=TOKEN+11").await.texts("td.name").len(), 10);
    let part = ann.get_part("/tokens?q=nothing").await;
    assert_eq!(part.text(".none"), "No matching tokens. Clear filters");
    assert!(part.texts("h1").is_empty());
    let end = ann.get("/tokens?after=zzz").await;
    assert_eq!(end.text(".none"), "There are no further tokens. Show the first");
    assert_eq!(ann.get("/tokens?q=%00&after=%00").await.status, 200);
    app.finish().await;
}

#[tokio::test]
async fn a_signature_without_the_scope_events_is_an_error_at_its_field() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    ann.get("/tokens/new").await;
    let fields =
        [("name", "x"), ("scope", "read"), ("expires", "90"), ("signature", "hmac-sha256")];
    let page = ann.post("/tokens", &fields).await;
    assert_eq!(page.status, 422);
    let message =
        "Only tokens with the scope events can require a signature. Choose that scope, or None.";
    assert_eq!(page.text("#signature-error"), message);
    // The focus is at the error.
    assert!(page.attribute("#signature", "autofocus").is_some());
    assert!(page.attribute("#name", "autofocus").is_none());
    assert!(ann.get("/tokens/new").await.attribute("#name", "autofocus").is_some());
    app.finish().await;
}
