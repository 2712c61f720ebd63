//! The pages of events: finding out why an event did not arrive, and how the pages look.

use gatepost::identity::Scope;
use serde_json::json;

use crate::appearance::{check_all, scene};
use crate::driver::{Browser, ENTER, TAB};
use crate::sample_data::fill;
use crate::support::builders::WebhookBuilder;
use crate::support::logpoint::{FakeLogpoint, Options};
use crate::support::{TestApp, event};

/// Receives events, one of which a filter rejected.
async fn receive(app: &TestApp, logpoint: &FakeLogpoint) {
    let webhook = WebhookBuilder::reopen(logpoint)
        .with("filters", json!({"integration": ["prod-*", "prod db"]}))
        .triggers(&["Created", "Manual"]);
    app.webhooks(&webhook.file()).await;
    let token = app.token(Scope::Events).await;
    for n in 0..3 {
        app.send(&token, &event("Created", &n.to_string())).await;
    }
    let mut rejected = event("Created", "123");
    rejected["data"]["access_groups"][0]["integration"]["name"] = "staging db".into();
    app.send(&token, &rejected).await;
    app.wait_for("delivered", 3).await;
}

#[tokio::test]
async fn why_did_this_event_not_arrive() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    receive(&app, &logpoint).await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/webhooks").await;
    ann.click_text(".nav a", "Events").await;
    ann.wait_for_path("/events").await;
    ann.fill("#q", "AR-123").await;
    ann.wait_for_path_prefix("/events?q=AR-123").await;
    ann.wait_until("document.querySelectorAll('.events tbody tr').length === 1").await;
    ann.wait_for_text(".events tbody", "not sent").await;
    ann.click_text(".events td.name a", "AR-123").await;
    ann.wait_for_path_prefix("/events/").await;
    let reason = "Filter Integration: \"staging db\" matches none of prod-* or prod db";
    ann.wait_for_text(".explained", reason).await;
    // The fix is one step away, and so is sending it.
    ann.click_text(".explained a", "Send now").await;
    ann.wait_for_path_prefix("/webhooks/").await;
    ann.wait_for_text("#event", "AR-123").await;
    ann.click_text("button", "Send now").await;
    ann.wait_for_path_prefix("/deliveries/").await;
    app.wait_for("delivered", 4).await;
    ann.click_text(".facts a", "AccessRequestCreated").await;
    ann.wait_for_path_prefix("/events/").await;
    ann.wait_for_text(".explained", "Sent manually by").await;
    ann.click_text("button", "Copy").await;
    ann.wait_for_text("#payload-title ~ button", "Copied").await;
    ann.assert_no_console_errors("events").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn filters_work_with_the_keyboard_and_keep_the_focus() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    receive(&app, &logpoint).await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/events").await;
    ann.click("#q").await;
    ann.press(TAB).await;
    ann.press("Cr").await;
    ann.wait_for_path_prefix("/events?q=&trigger=Created").await;
    assert!(ann.has_focus("[name=trigger]").await);
    ann.press(TAB).await;
    ann.press("Not").await;
    ann.wait_until("document.querySelectorAll('.events tbody tr').length === 1").await;
    ann.press(TAB).await;
    assert!(ann.has_focus("[name=from]").await);
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn without_scripts_an_event_is_found_and_explained() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    receive(&app, &logpoint).await;
    let ann = Browser::start(&app).await;
    ann.devtools("Emulation.setScriptExecutionDisabled", json!({"value": true})).await;
    ann.open("/login").await;
    ann.sign_in().await;
    ann.open("/events").await;
    ann.select_value("[name=result]", "not_sent").await;
    ann.fill("#q", "staging").await;
    ann.press(ENTER).await;
    ann.wait_for_path_prefix("/events?q=staging&trigger=&result=not_sent").await;
    ann.click_text(".events td.name a", "AR-123").await;
    ann.wait_for_text(".explained", "matches none of").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn pages_of_events() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let data = fill(&app, &logpoint).await;
    let mut ann = app.admin().await;
    let path = format!("/webhooks/{}/send", data.webhook);
    ann.get(&path).await;
    assert_eq!(ann.post(&path, &[("event", "Granted")]).await.status, 303);
    let of = async |delivery: &str| -> String {
        let sql = "select '/events/' || event_id from deliveries where id = $1::uuid";
        sqlx::query_scalar(sql).bind(delivery).fetch_one(app.database.pool()).await.unwrap()
    };
    let many = "insert into webhooks (id, name, active, definition, created_at, updated_at)
                select gen_random_uuid(), 'Archive ' || n, false,
                       (select definition from webhooks where not active and paused_because is null limit 1),
                       now() - interval '9 days', now() - interval '9 days'
                from generate_series(1, 60) n";
    let scenes = [
        scene("events", "/events"),
        scene("events-no-match", "/events?q=nothing-like-it"),
        scene("events-invalid-time", "/events?from=yesterday"),
        scene("event", of(&data.good).await),
        scene("event-failed", of(&data.failed).await),
        scene("event-sample", {
            let list = ann.get("/events?trigger=sample").await;
            list.attribute("td.name a", "href").unwrap()
        }),
    ];
    check_all(&app, &scenes).await;
    sqlx::query(many).execute(app.database.pool()).await.unwrap();
    let event = of(&data.good).await;
    let scenes = [
        scene("event-many-webhooks", event.clone()),
        scene("event-no-webhook", format!("{event}?q=nothing-like-it")),
    ];
    check_all(&app, &scenes).await;
    app.finish_with_leftovers().await;
}
