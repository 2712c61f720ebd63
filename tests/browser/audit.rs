//! The pages of the audit log, with and without JavaScript.

use serde_json::json;

use crate::appearance::{check_all, scene};
use crate::driver::Browser;
use crate::sample_data::{SampleData, fill};
use crate::support::TestApp;
use crate::support::builders::WebhookBuilder;
use crate::support::logpoint::{FakeLogpoint, Options};

/// Changes the body template of a webhook. Returns the path of the entry.
async fn change(app: &TestApp, webhook: &str) -> String {
    let builder = WebhookBuilder::new("Reopen the incident", "https://10.0.0.5/reopen_incident")
        .with("body_template", "{\"type\": \"{{event_type}}\",\n\"id\": 2}");
    app.change_webhook(webhook, &builder.file(), "bob@example.com").await;
    let path = "select '/audit/' || max(seq) from audit_log where action = 'webhook.changed'";
    sqlx::query_scalar(path).fetch_one(app.database.pool()).await.unwrap()
}

#[tokio::test]
async fn pages_of_the_audit_log() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let SampleData { webhook, .. } = fill(&app, &logpoint).await;
    let changed = change(&app, &webhook).await;
    let scenes = [
        scene("audit", "/audit"),
        scene("audit-no-match", "/audit?actor=nothing-like-it"),
        scene("audit-error", "/audit?from=2026-11-28T00:00&to=2026-11-27T00:00"),
        scene("audit-entry", changed),
        scene("audit-entry-without-details", "/audit/1"),
    ];
    check_all(&app, &scenes).await;
    app.finish_with_leftovers().await;
}

#[tokio::test]
async fn entries_are_filtered_with_and_without_scripts() {
    let app = TestApp::start().await;
    let webhook = WebhookBuilder::new("Archive", "https://10.0.0.5/x").file();
    let webhook = app.webhooks(&webhook).await.remove(0);
    change(&app, &webhook).await;
    for scripts in [true, false] {
        let ann = Browser::signed_in(&app).await;
        let disabled = json!({"value": !scripts});
        ann.devtools("Emulation.setScriptExecutionDisabled", disabled).await;
        ann.open("/audit").await;
        ann.fill("#object", "archive").await;
        if !scripts {
            ann.click_text("button", "Apply").await;
        }
        ann.wait_for_path_prefix("/audit?").await;
        ann.wait_for_text("#audit-table", "Webhook added").await;
        ann.wait_for_value("#audit-table [name=object]", "archive").await;
        ann.click_text("td a", "Webhook added").await;
        ann.wait_for_path_prefix("/audit/").await;
        ann.wait_for_text("h1", "Webhook added").await;
        ann.finish().await;
    }
    app.finish().await;
}
