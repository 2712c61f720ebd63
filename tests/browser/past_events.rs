//! Past events to test with, and past revisions to restore.

use gatepost::identity::Scope;
use serde_json::json;

use crate::driver::{Browser, ESCAPE};
use crate::support::builders::WebhookBuilder;
use crate::support::logpoint::{Behaviour, FakeLogpoint, Options};
use crate::support::{TestApp, event};

/// Sends an event. Returns its id.
async fn receive(app: &TestApp, token: &str, trigger: &str, request: &str) -> String {
    let (_, response) = app.send(token, &event(trigger, request)).await;
    response["events"][0]["id"].as_str().unwrap().to_owned()
}

/// Fills in a webhook that sends the id of the access request to the simulated Logpoint.
async fn fill_in(ann: &Browser, logpoint: &FakeLogpoint) {
    ann.fill("#name", "Tell").await;
    ann.fill("#url", &logpoint.url("/reopen_incident")).await;
    ann.click_text("#tls_verify label.pill", "None").await;
    ann.click("#body_template").await;
    ann.press("{ \"request\": \"{{data.friendly_id}}\", \"secret_key\": \"demo-key\" }").await;
}

async fn select_granted(ann: &Browser) {
    ann.click_text("#triggers summary", "Choose triggers").await;
    ann.click_text("#triggers label", "Granted").await;
    ann.press(ESCAPE).await;
}

#[tokio::test]
async fn a_received_event_is_searched_and_used_in_a_test() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let token = app.token(Scope::Events).await;
    for request in 0..25 {
        receive(&app, &token, "Granted", &request.to_string()).await;
    }
    let ann = Browser::signed_in(&app).await;
    ann.open("/webhooks/new").await;
    fill_in(&ann, &logpoint).await;
    select_granted(&ann).await;
    // The event is too old for the menu, so it is searched in the panel.
    ann.select("#preview_event", "Find another event…").await;
    ann.wait_for_focus("dialog [data-panel-focus]").await;
    ann.press("AR-3").await;
    ann.wait_until("document.querySelectorAll('dialog [data-choose-event]').length === 1").await;
    ann.click("dialog [data-choose-event]").await;
    ann.wait_until_gone("dialog").await;
    ann.wait_for_focus("#preview_event").await;
    ann.wait_for_text("#preview pre", "AR-3").await;
    assert_eq!(ann.path().await, "/webhooks/new");
    // The menu of Test is independent.
    let older = "document.querySelector('#test_event optgroup:nth-of-type(2) option').value";
    let newest = ann.eval(older).await.as_str().unwrap().to_owned();
    ann.select_value("#test_event", &newest).await;
    ann.click("#test").await;
    ann.wait_for_text("#test-result", "View Invocation Data").await;
    assert_eq!(logpoint.requests()[0].json()["request"], "AR-24");
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn a_test_that_hangs_is_cancelled() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    logpoint.always(Behaviour::HangBeforeResponse);
    let ann = Browser::signed_in(&app).await;
    ann.open("/webhooks/new").await;
    fill_in(&ann, &logpoint).await;
    select_granted(&ann).await;
    ann.click("#test").await;
    ann.click_text("button", "Cancel test").await;
    ann.wait_for_text("#test-result", "Cancelled.").await;
    ann.wait_until_gone("#test-progress").await;
    ann.wait_for_focus("#test").await;
    // The next test works.
    logpoint.always(Behaviour::Accept);
    ann.click("#test").await;
    ann.wait_for_text("#test-result", "View Invocation Data").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn a_form_is_tried_on_past_events() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let token = app.token(Scope::Events).await;
    for (trigger, request) in [("Granted", "1"), ("Granted", "2"), ("Expired", "3")] {
        receive(&app, &token, trigger, request).await;
    }
    let ann = Browser::signed_in(&app).await;
    ann.open("/webhooks/new").await;
    fill_in(&ann, &logpoint).await;
    ann.click("#try-past").await;
    ann.wait_for_text("#backtest", "Choose at least one trigger").await;
    select_granted(&ann).await;
    ann.click("#try-past").await;
    ann.wait_for_text("#backtest .tally", "2 would be sent").await;
    ann.wait_for_text("#backtest .reasons", "1 Trigger Expired is not selected").await;
    ann.click(".past-list summary").await;
    let body = ann.wait_for_text(".past-list pre", "AR-2").await;
    assert!(!body.contains("demo-key"), "{body}");
    assert!(logpoint.requests().is_empty());
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn an_earlier_revision_is_compared_and_restored() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/webhooks/new").await;
    fill_in(&ann, &logpoint).await;
    select_granted(&ann).await;
    ann.click_text(".bar button", "Save Webhook").await;
    ann.click_text("td.name a", "Tell").await;
    ann.click_text(".head a", "Edit").await;
    ann.fill("#name", "Tell more").await;
    ann.click_text(".bar button", "Save Webhook").await;
    ann.click_text("td.name a", "Tell more").await;
    let path = ann.path().await;
    ann.click_text(".history a", "View change").await;
    ann.wait_for_text("dialog[open] .differences", "Tell more").await;
    ann.wait_for_path_prefix(&format!("{path}/changes")).await;
    ann.press(ESCAPE).await;
    ann.wait_until_gone("dialog").await;
    ann.wait_for_path(&path).await;
    ann.click_text(".history a", "Restore").await;
    ann.wait_for_text("h1", "Restore revision 1?").await;
    ann.click_text("main button", "Restore").await;
    ann.wait_for_path(&path).await;
    ann.wait_for_text("#toasts", "Restored revision 1").await;
    ann.wait_for_text("h1", "Tell").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn a_stale_form_shows_the_other_change_and_can_be_saved_again() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let webhook = WebhookBuilder::new("Tell", &logpoint.url("/reopen_incident"));
    let id = app.webhooks(&webhook.clone().triggers(&["Granted"]).file()).await.remove(0);
    let path = format!("/webhooks/{id}");
    let ann = Browser::signed_in(&app).await;
    ann.open(&format!("{path}/edit")).await;
    let changed = webhook.triggers(&["Expired"]).file();
    app.change_webhook(&id, &changed, "bo@example.com").await;
    ann.fill("#name", "Mine").await;
    ann.click_text(".bar button", "Save Webhook").await;
    ann.wait_for_text("[role=alert]", "bo@example.com saved this webhook").await;
    ann.wait_for_focus("[role=alert]").await;
    ann.wait_for_value("#name", "Mine").await;
    ann.screenshot("webhook-stale").await;
    ann.click_text("[role=alert] a", "See what changed").await;
    ann.wait_for_text("dialog[open] .differences", "Expired").await;
    ann.press(ESCAPE).await;
    ann.wait_until_gone("dialog").await;
    ann.wait_for_value("#name", "Mine").await;
    ann.click_text(".bar button", "Save Webhook").await;
    ann.wait_for_path("/webhooks").await;
    ann.wait_for_text("td.name", "Mine").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn past_events_and_revisions_work_without_scripts() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let token = app.token(Scope::Events).await;
    let id = receive(&app, &token, "Granted", "7").await;
    let ann = Browser::start(&app).await;
    ann.devtools("Emulation.setScriptExecutionDisabled", json!({"value": true})).await;
    ann.open("/login").await;
    ann.sign_in().await;
    ann.open("/webhooks/new").await;
    fill_in(&ann, &logpoint).await;
    ann.click("#triggers summary").await;
    ann.click_text("#triggers label", "Manual").await;
    ann.click_text("#triggers label", "Granted").await;
    ann.select_value("#test_event", &id).await;
    ann.click("#test").await;
    ann.wait_for_text("#test-result", "View Invocation Data").await;
    assert_eq!(logpoint.requests()[0].json()["request"], "AR-7");
    ann.click("#try-past").await;
    ann.wait_for_path("/webhooks/backtest").await;
    ann.wait_for_text("#backtest .tally", "1 would be sent").await;
    // The page scrolls to the result.
    assert_eq!(ann.eval("location.hash").await, "#backtest");
    ann.click_text(".bar button", "Save Webhook").await;
    ann.click_text(".webhooks td.name a", "Tell").await;
    ann.click_text(".head a", "Send now").await;
    ann.select_value("#event", &id).await;
    ann.click_text("main button", "Send now").await;
    ann.wait_for_path_prefix("/deliveries/").await;
    app.wait_for("delivered", 1).await;
    assert_eq!(logpoint.requests()[1].json()["request"], "AR-7");
    ann.click_text(".facts a", "Tell").await;
    ann.click_text(".head button", "Deactivate").await;
    ann.wait_for_text(".head .lead", "Inactive").await;
    ann.click_text(".history a", "View change").await;
    ann.wait_for_text(".differences", "Inactive").await;
    ann.click_text("a", "Restore revision 1").await;
    ann.click_text("main button", "Restore").await;
    ann.wait_for_text(".head .lead", "Active").await;
    ann.finish().await;
    app.finish().await;
}
