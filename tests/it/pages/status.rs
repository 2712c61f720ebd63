//! The page Status.

use std::time::Duration;

use gatepost::identity::Role;

use crate::support::builders::WebhookBuilder;
use crate::support::logpoint::Behaviour;
use crate::support::scenario::Scenario;
use crate::support::user::TestResponse;
use crate::support::{TestApp, event};

/// Waits until the app is listed as an instance.
async fn start() -> TestApp {
    let app = TestApp::start_with(|config| config.egress_allow.clear()).await;
    is_listed(&app).await;
    app
}

async fn is_listed(app: &TestApp) {
    app.wait_until("the instance is listed", async || {
        let sql = "select count(*) from instances";
        sqlx::query_scalar::<_, i64>(sql).fetch_one(app.database.pool()).await.unwrap() > 0
    })
    .await;
}

async fn execute(app: &TestApp, sql: &'static str) {
    sqlx::raw_sql(sql).execute(app.database.pool()).await.unwrap();
}

/// Titles of the checks that are not ok.
fn wrong(page: &TestResponse) -> Vec<String> {
    page.texts(".findings h3")
}

/// The texts of the first table below a heading.
fn cells(page: &TestResponse, heading: &str) -> Vec<String> {
    page.texts(&format!("section[aria-labelledby={heading}] tbody td"))
}

#[tokio::test]
async fn all_checks_of_a_new_installation_are_ok() {
    let app = start().await;
    let mut ann = app.admin().await;
    let page = ann.get("/status").await;
    assert_eq!(page.text(".nav [aria-current]"), "Status");
    assert_eq!(page.text("main .banner"), "All checks are ok.");
    assert_eq!(wrong(&page), [""; 0]);
    let states = page.texts("section[aria-labelledby=checks] .badge");
    // All but the disk space, which is unknown.
    assert_eq!(states, ["OK"; 17]);
    assert_eq!(cells(&page, "hours")[1..5], ["0", "0.0", "0", "0"]);
    let instance = cells(&page, "instances");
    assert_eq!(instance[1..4], ["Running", env!("CARGO_PKG_VERSION"), &app.address.to_string()]);
    let facts = page.text(".facts");
    for fact in
        ["Unfinished deliveries", "None is late", "PostgreSQL 1", "Agrees with the database"]
    {
        assert!(facts.contains(fact), "{facts}");
    }
    // A part is loaded again while the page is open.
    let part = ann.get_part("/status").await;
    assert!(part.body.trim_start().starts_with("<div id=\"status-report\""), "{}", part.body);
    app.finish().await;
}

#[tokio::test]
async fn only_administrators_see_addresses_and_settings() {
    let app = TestApp::start().await;
    is_listed(&app).await;
    let address = app.address.to_string();
    let page = app.admin().await.get("/status").await;
    assert_eq!(wrong(&page), ["Egress rules"]);
    assert!(page.body.contains(&address) && page.body.contains("GATEPOST_EGRESS_ALLOW"));
    for role in [Role::Viewer, Role::Editor] {
        let page = app.user(role).await.get("/status").await;
        assert_eq!(wrong(&page), [""; 0]);
        assert!(!page.body.contains(&address) && !page.body.contains("127.0.0.1"));
        let checks = page.texts("section[aria-labelledby=checks] td.name");
        for title in ["Egress rules", "Public URL", "Mail", "Settings"] {
            assert!(!checks.iter().any(|shown| shown == title), "{role}: {checks:?}");
        }
        assert!(page.text("section[aria-labelledby=instances]").contains("Running"));
    }
    app.finish().await;
}

#[tokio::test]
async fn deliveries_of_this_hour_are_counted_and_failures_are_at_the_top() {
    let Scenario { app, logpoint, token, .. } =
        Scenario::with_webhook(|webhook| webhook.with("retry_schedule", serde_json::json!(["1s"])))
            .await;
    for number in 1..=3 {
        app.send(&token, &event("Granted", &number.to_string())).await;
    }
    app.wait_for("delivered", 3).await;
    logpoint.behave([500, 500].map(|status| Behaviour::Status(status, "no".to_owned())));
    app.send(&token, &event("Granted", "4")).await;
    app.wait_for("due", 1).await;
    // Less than what the clocks may differ by.
    app.advance(Duration::from_millis(1500)).await;
    app.wait_for("failed", 1).await;
    is_listed(&app).await;
    let mut viewer = app.user(Role::Viewer).await;
    let page = viewer.get("/status").await;
    assert_eq!(wrong(&page), ["Failed deliveries"]);
    let finding = page.text(".findings li p:first-of-type");
    assert!(
        finding.contains("1 delivery has failed since") && finding.contains("3 were delivered"),
        "{finding}"
    );
    assert_eq!(page.attribute(".findings a", "href").unwrap(), "/deliveries?state=failed");
    let rows = cells(&page, "hours");
    let sum = |column: usize| -> u32 {
        [column, column + 5].iter().map(|index| rows[*index].parse::<u32>().unwrap()).sum()
    };
    // The hour may have changed meanwhile.
    assert_eq!((sum(1), sum(3), sum(4)), (3, 1, 1), "{rows:?}");
    assert!(page.text(".facts").contains("Events in the last 5 minutes"));
    app.finish().await;
}

#[tokio::test]
async fn failing_and_paused_webhooks_are_listed() {
    let app = start().await;
    for name in ["Broken", "Paused", "Fine"] {
        app.webhooks(&WebhookBuilder::new(name, "https://10.0.0.5/x").file()).await;
    }
    execute(
        &app,
        "insert into webhook_breakers (webhook_id, failures, failing_since, last_error, probe_at)
         select id, case when name = 'Fine' then 9 else 10 end, now() - interval '1 hour',
                'Connection refused', now() + interval '5 minutes' from webhooks;
         update webhooks set paused_because = 'No success for 5 days' where name = 'Paused'",
    )
    .await;
    let page = app.admin().await.get("/status").await;
    assert_eq!(wrong(&page), ["Circuit breakers", "Paused webhooks"]);
    let found = page.texts(".findings li p:first-of-type");
    assert_eq!(
        found,
        [
            "1 webhook does not send because attempts fail: “Broken”.",
            "1 webhook was paused by Gatepost: “Paused”."
        ]
    );
    let failing = cells(&page, "failing");
    assert_eq!((failing[0].as_str(), failing[3].as_str()), ("Broken", "Connection refused"));
    assert_eq!(cells(&page, "paused"), ["Paused", "No success for 5 days"]);
    app.finish_with_leftovers().await;
}

#[tokio::test]
async fn late_deliveries_are_reported_unless_their_breaker_is_open() {
    let app = start().await;
    // The dispatcher does not know these webhooks, so it claims nothing.
    execute(
        &app,
        "insert into webhooks (id, name, active, definition, sealed, created_at, updated_at)
         values (gen_random_uuid(), 'Down', true, '{}', '', now(), now());
         insert into webhook_breakers (webhook_id, failures, failing_since, last_error, probe_at)
         select id, 10, now(), 'Down', now() + interval '1 day' from webhooks;
         insert into delivery_queue (id, event_id, webhook_id, state, due_at, created_at)
         select gen_random_uuid(), gen_random_uuid(), id, 'due', now() - interval '3 hours', now()
         from webhooks",
    )
    .await;
    let mut ann = app.admin().await;
    assert_eq!(wrong(&ann.get("/status").await), ["Circuit breakers"]);
    execute(
        &app,
        "insert into delivery_queue (id, event_id, webhook_id, state, due_at, created_at)
         values (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'due',
                 now() - interval '299 seconds', now()),
                (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'due',
                 now() - interval '1000 seconds', now()),
                (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'held',
                 now() - interval '2 days', now())",
    )
    .await;
    let page = ann.get("/status").await;
    assert_eq!(wrong(&page), ["Queue", "Circuit breakers"]);
    let found = page.text("#wrong-queue p:first-of-type");
    assert_eq!(found, "4 deliveries are unfinished. The oldest one has been due for 16 min.");
    let facts = page.text(".facts");
    assert!(
        facts.contains("Due 3") || facts.contains("Due3") || facts.contains("On hold"),
        "{facts}"
    );
    app.finish_with_leftovers().await;
}

#[tokio::test]
async fn problems_are_above_warnings() {
    let app = start().await;
    app.clock.advance(Duration::from_mins(1));
    execute(
        &app,
        "insert into instances (id, host_name, version, address, started_at, seen_at)
         values (gen_random_uuid(), 'other', '0.0.1', '10.9.9.9:80', now() - interval '1 hour', now()),
                (gen_random_uuid(), 'killed', '0.0.2', '10.9.9.8:80', now(), now() - interval '1 hour')",
    )
    .await;
    let page = app.admin().await.get("/status").await;
    assert_eq!(wrong(&page), ["Clock", "Instances"]);
    assert_eq!(page.texts(".findings .badge"), ["Problem", "Warning"]);
    assert!(
        page.text("#wrong-clock p:first-of-type")
            .starts_with("The clock of this machine is 60.0 s ahead")
    );
    assert!(
        page.text("#wrong-instances p:first-of-type")
            .contains("2 servers run, in different versions: 0.0.1, ")
    );
    let listed = page.text("section[aria-labelledby=instances]");
    assert!(listed.contains("killed") && listed.contains("Seen 60 min ago"), "{listed}");
    app.finish().await;
}

#[tokio::test]
async fn missing_and_expired_partitions_are_reported() {
    let app = start().await;
    execute(
        &app,
        "do $$ begin
             execute 'drop table events_' || to_char((now() at time zone 'utc')::date + 1, 'YYYYMMDD');
             perform ensure_partitions(
                 (now() at time zone 'utc')::date - 40, (now() at time zone 'utc')::date - 40);
         end $$",
    )
    .await;
    let page = app.admin().await.get("/status").await;
    assert_eq!(wrong(&page), ["Partitions", "Retention"]);
    assert!(
        page.text("#wrong-partitions p:first-of-type")
            .starts_with("events has no partition for 20")
    );
    assert!(
        page.text("#wrong-retention p:first-of-type")
            .contains("although the history is kept for 30 days")
    );
    app.finish().await;
}
