//! The page Status, with and without JavaScript, and with the keyboard only.

use serde_json::json;

use crate::appearance::{check_all, scene};
use crate::driver::{Browser, ENTER, TAB};
use crate::sample_data::{SampleData, fill};
use crate::support::TestApp;
use crate::support::logpoint::{FakeLogpoint, Options};

/// Opens circuit breakers, and adds an instance of another version, one that was killed, and a wait.
const TROUBLE: &str = "
    insert into webhook_breakers (webhook_id, failures, failing_since, last_error, probe_at)
    select id, 10, now() - interval '1 hour',
           'Connection refused: the target does not accept connections on this port, or a firewall rejects them.',
           now() + interval '5 minutes'
    from webhooks where paused_because is null and active
    on conflict (webhook_id) do update set failures = 10;
    insert into instances (id, host_name, version, address, started_at, seen_at)
    values (gen_random_uuid(), 'gatepost-7d9f8b6c5-x2x7k.a-rather-long-name.example.com', '0.0.1',
            '[2001:db8:1234:5678:9abc:def0:1234:5678]:8080', now() - interval '9 days', now()),
           (gen_random_uuid(), 'killed', '0.0.1', '10.0.0.9:8080', now() - interval '9 days', now() - interval '1 hour');
    insert into delivery_queue (id, event_id, webhook_id, state, due_at, created_at)
    values (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'due', now() - interval '20 minutes', now())";

#[tokio::test]
async fn the_page_with_and_without_trouble() {
    let fine = TestApp::start_with(|config| config.egress_allow.clear()).await;
    check_all(&fine, &[scene("status-ok", "/status")]).await;
    fine.finish().await;

    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let SampleData { .. } = fill(&app, &logpoint).await;
    sqlx::raw_sql(TROUBLE).execute(app.database.pool()).await.unwrap();
    check_all(&app, &[scene("status", "/status")]).await;
    app.finish_with_leftovers().await;
}

#[tokio::test]
async fn the_page_works_without_scripts_and_with_the_keyboard() {
    let app = TestApp::start().await;
    sqlx::raw_sql(TROUBLE).execute(app.database.pool()).await.unwrap();
    for scripts in [true, false] {
        let ann = Browser::signed_in(&app).await;
        let disabled = json!({"value": !scripts});
        ann.devtools("Emulation.setScriptExecutionDisabled", disabled).await;
        ann.open("/webhooks").await;
        ann.click_text("nav a", "Status").await;
        ann.wait_for_path("/status").await;
        ann.wait_for_text(".findings", "20 min").await;
        ann.wait_for_text("#wrong-egress_rules", "127.0.0.1").await;
        for _ in 0..40 {
            if ann.has_focus(".findings a").await {
                break;
            }
            ann.press(TAB).await;
        }
        ann.press(ENTER).await;
        ann.wait_for_path("/deliveries?state=due").await;
        ann.finish().await;
    }
    app.finish_with_leftovers().await;
}

#[tokio::test]
async fn an_open_page_shows_what_happens() {
    let app = TestApp::start().await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/status").await;
    ann.wait_for("[data-live][data-state=live]").await;
    ann.wait_for_text(".facts", "Unfinished deliveries").await;
    sqlx::raw_sql(TROUBLE).execute(app.database.pool()).await.unwrap();
    let everything = r#"{"events": true, "deliveries": true, "webhooks": "all"}"#;
    sqlx::query("select pg_notify('gatepost_live', $1)")
        .bind(everything)
        .execute(app.database.pool())
        .await
        .unwrap();
    ann.wait_for_text(".findings", "20 min").await;
    ann.finish().await;
    app.finish_with_leftovers().await;
}
