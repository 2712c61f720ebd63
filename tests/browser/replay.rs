//! Replays and sample access requests: sending past events to a new webhook, and seeing a set-up work from end to end.

use gatepost::identity::Scope;
use serde_json::json;

use crate::appearance::{check_all, scene};
use crate::driver::Browser;
use crate::support::builders::WebhookBuilder;
use crate::support::logpoint::{FakeLogpoint, Options};
use crate::support::{TestApp, event};

/// Events that were received before their webhook was added. Returns the webhook.
async fn past_events(app: &TestApp, logpoint: &FakeLogpoint) -> String {
    let token = app.token(Scope::Events).await;
    for trigger in ["Created", "Approved", "Granted"] {
        for request in ["1", "2", "3", "4"] {
            app.send(&token, &event(trigger, request)).await;
        }
    }
    let webhook =
        WebhookBuilder::reopen(logpoint).with("filters", json!({"integration": ["prod*"]}));
    app.webhooks(&webhook.file()).await.remove(0)
}

#[tokio::test]
async fn past_events_are_sent_to_a_new_webhook() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let webhook = past_events(&app, &logpoint).await;
    let ann = Browser::signed_in(&app).await;
    ann.open(&format!("/webhooks/{webhook}")).await;
    ann.click(".more-actions summary").await;
    ann.click_text(".head a", "Replay…").await;
    ann.wait_for_text("h1", "Replay").await;
    // The proposed range ends with the last whole minute.
    ann.eval("document.querySelector('#to').value = '2099-01-01T00:00'").await;
    ann.click_text("button", "Dry run").await;
    ann.wait_for_text(".tally", "8 would be sent").await;
    ann.wait_for_text(".reasons", "Trigger Approved is not selected").await;
    assert!(logpoint.requests().is_empty());
    ann.click_text("button", "Replay 8 events").await;
    // The page updates itself.
    ann.wait_for_text("#replay", "All events queued.").await;
    ann.wait_until("/Delivered\\s*8/.test(document.querySelector('#replay .facts').textContent)")
        .await;
    ann.assert_no_console_errors("replay").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn a_sample_access_request_runs_from_end_to_end() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    app.webhooks(&WebhookBuilder::reopen(&logpoint).file()).await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/events").await;
    ann.click_text(".head a", "Send a sample…").await;
    ann.wait_for_text("h1", "Send a sample access request").await;
    ann.fill("#integration", "prod-eu").await;
    ann.click_text("button", "Send").await;
    ann.wait_for_text("#sample", "Sending.").await;
    ann.wait_for_text("#sample", "Finished.").await;
    assert_eq!(logpoint.requests().len(), 2, "Created and Granted match");
    ann.click_text("#sample a", "Approved").await;
    ann.wait_for_text(".explained", "Trigger Approved is not selected").await;
    ann.assert_no_console_errors("sample").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn pages_about_replays_and_samples() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let webhook = past_events(&app, &logpoint).await;
    let mut ann = app.admin().await;
    let replay = format!("/webhooks/{webhook}/replay");
    let range = [("from", "2020-01-01T00:00"), ("to", "2099-01-01T00:00")];
    ann.get(&replay).await;
    let progress = ann.post(&replay, &range).await.location().to_owned();
    let form = ann.get("/events/samples/new").await;
    assert_eq!(form.status, 200);
    let values: Vec<(&str, &str)> = gatepost::model::event::SAMPLE_FIELDS
        .iter()
        .map(|field| (field.name, "A value"))
        .chain([("path", "granted"), ("pause", "60")])
        .collect();
    let sample = ann.post("/events/samples", &values).await.location().to_owned();
    let query = "from=2020-01-01T00%3A00&to=2099-01-01T00%3A00&repeat=true";
    let scenes = [
        scene("replay", &replay),
        scene("replay-dry-run", format!("{replay}?{query}")),
        scene("replay-invalid", format!("{replay}?from=x&to=2026-01-01T00%3A00")),
        scene("replay-progress", progress),
        scene("webhook-replayed", format!("/webhooks/{webhook}")),
        scene("sample", "/events/samples/new"),
        scene("sample-of-webhook", format!("/events/samples/new?webhook={webhook}")),
        scene("sample-progress", sample),
        scene("send-now-sample", format!("/webhooks/{webhook}/send")),
    ];
    check_all(&app, &scenes).await;
    app.finish_with_leftovers().await;
}
