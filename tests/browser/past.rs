//! What was received, and what was saved before: to try things out with, and to go back to.

use gatepost::identity::Scope;
use serde_json::json;

use crate::driver::{Browser, ESCAPE};
use crate::support::logpoint::{Behaviour, FakeLogpoint, Options};
use crate::support::{TestApp, event};

/// Sends an event; gives its id.
async fn receive(app: &TestApp, token: &str, trigger: &str, request: &str) -> String {
    let (_, answer) = app.send(token, &event(trigger, request)).await;
    answer["events"][0]["id"].as_str().unwrap().to_owned()
}

/// A form that sends the request's name to the simulated Logpoint.
async fn fill_in(ann: &Browser, logpoint: &FakeLogpoint) {
    ann.fill("#name", "Tell").await;
    ann.fill("#url", &logpoint.url("/reopen_incident")).await;
    ann.click_text("#tls_verify label.pill", "None").await;
    ann.click("#body_template").await;
    ann.press("{ \"request\": \"{{data.friendly_id}}\", \"secret_key\": \"demo-key\" }").await;
}

async fn choose_granted(ann: &Browser) {
    ann.click_text("#triggers summary", "Choose triggers").await;
    ann.click_text("#triggers label", "Granted").await;
    ann.press(ESCAPE).await;
}

#[tokio::test]
async fn a_received_event_is_found_and_tested_with() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let token = app.token(Scope::Events).await;
    for request in 0..25 {
        receive(&app, &token, "Granted", &request.to_string()).await;
    }
    let ann = Browser::signed_in(&app).await;
    ann.open("/webhooks/new").await;
    fill_in(&ann, &logpoint).await;
    choose_granted(&ann).await;
    // Too old for the menu: it is found in the panel.
    ann.choose("#preview_event", "Find another event…").await;
    ann.focus_on("dialog [data-panel-focus]").await;
    ann.press("AR-3").await;
    ann.until("document.querySelectorAll('dialog [data-choose-event]').length === 1").await;
    ann.click("dialog [data-choose-event]").await;
    ann.gone("dialog").await;
    ann.focus_on("#preview_event").await;
    ann.reads("#preview pre", "AR-3").await;
    assert_eq!(ann.path().await, "/webhooks/new");
    // The menu of Test is another one.
    let older = "document.querySelector('#test_event optgroup:nth-of-type(2) option').value";
    let newest = ann.js(older).await.as_str().unwrap().to_owned();
    ann.choose_value("#test_event", &newest).await;
    ann.click("#test").await;
    ann.reads("#test-result", "View Invocation Data").await;
    assert_eq!(logpoint.requests()[0].json()["request"], "AR-24");
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn a_test_that_hangs_is_cancelled() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    logpoint.always(Behaviour::HangBeforeAnswer);
    let ann = Browser::signed_in(&app).await;
    ann.open("/webhooks/new").await;
    fill_in(&ann, &logpoint).await;
    choose_granted(&ann).await;
    ann.click("#test").await;
    ann.click_text("button", "Cancel test").await;
    ann.reads("#test-result", "Cancelled.").await;
    ann.gone("#test-progress").await;
    ann.focus_on("#test").await;
    // The next one is none the worse for it.
    logpoint.always(Behaviour::Accept);
    ann.click("#test").await;
    ann.reads("#test-result", "View Invocation Data").await;
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
    ann.reads("#backtest", "Choose at least one trigger").await;
    choose_granted(&ann).await;
    ann.click("#try-past").await;
    ann.reads("#backtest .tally", "2 would be sent").await;
    ann.reads("#backtest .reasons", "1 Trigger Expired is not selected").await;
    ann.click(".past-list summary").await;
    let body = ann.reads(".past-list pre", "AR-2").await;
    assert!(!body.contains("demo-key"), "{body}");
    assert!(logpoint.requests().is_empty());
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn an_earlier_revision_is_looked_at_and_restored() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/webhooks/new").await;
    fill_in(&ann, &logpoint).await;
    choose_granted(&ann).await;
    ann.click_text(".bar button", "Save Webhook").await;
    ann.click_text("td.name a", "Tell").await;
    ann.click_text(".head a", "Edit").await;
    ann.fill("#name", "Tell more").await;
    ann.click_text(".bar button", "Save Webhook").await;
    ann.click_text("td.name a", "Tell more").await;
    let path = ann.path().await;
    ann.click_text(".history a", "View change").await;
    ann.reads("dialog[open] .differences", "Tell more").await;
    ann.under(&format!("{path}/changes")).await;
    ann.press(ESCAPE).await;
    ann.gone("dialog").await;
    ann.at(&path).await;
    ann.click_text(".history a", "Restore").await;
    ann.reads("h1", "Restore revision 1?").await;
    ann.click_text("main button", "Restore").await;
    ann.at(&path).await;
    ann.reads("#toasts", "Restored revision 1").await;
    ann.reads("h1", "Tell").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn a_form_that_was_overtaken_is_told_so_and_may_be_saved_all_the_same() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let yaml = |name: &str, trigger: &str| {
        let url = logpoint.url("/reopen_incident");
        format!(
            "webhooks: [{{ name: {name}, type: {{ http_request: {{ url: '{url}' }} }}, \
             triggers: [{trigger}] }}]"
        )
    };
    let id = app.webhooks(&yaml("Tell", "Granted")).await.remove(0);
    let path = format!("/webhooks/{id}");
    let ann = Browser::signed_in(&app).await;
    ann.open(&format!("{path}/edit")).await;
    app.change_webhook(&id, &yaml("Tell", "Expired"), "bo@example.com").await;
    ann.fill("#name", "Mine").await;
    ann.click_text(".bar button", "Save Webhook").await;
    ann.reads("[role=alert]", "bo@example.com saved this webhook").await;
    ann.focus_on("[role=alert]").await;
    ann.holds("#name", "Mine").await;
    ann.picture("webhook-stale").await;
    ann.click_text("[role=alert] a", "See what changed").await;
    ann.reads("dialog[open] .differences", "Expired").await;
    ann.press(ESCAPE).await;
    ann.gone("dialog").await;
    ann.holds("#name", "Mine").await;
    ann.click_text(".bar button", "Save Webhook").await;
    ann.at("/webhooks").await;
    ann.reads("td.name", "Mine").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn all_of_it_works_without_scripts() {
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
    ann.choose_value("#test_event", &id).await;
    ann.click("#test").await;
    ann.reads("#test-result", "View Invocation Data").await;
    assert_eq!(logpoint.requests()[0].json()["request"], "AR-7");
    ann.click("#try-past").await;
    ann.at("/webhooks/backtest").await;
    ann.reads("#backtest .tally", "1 would be sent").await;
    // The page comes back at the place where the answer stands.
    assert_eq!(ann.js("location.hash").await, "#backtest");
    ann.click_text(".bar button", "Save Webhook").await;
    ann.click(".webhooks .menu summary").await;
    ann.click_text(".menu-item", "Send now…").await;
    ann.choose_value("#event", &id).await;
    ann.click_text("main button", "Send now").await;
    ann.under("/deliveries/").await;
    app.wait_for("delivered", 1).await;
    assert_eq!(logpoint.requests()[1].json()["request"], "AR-7");
    ann.click_text(".facts a", "Tell").await;
    ann.click_text(".head button", "Deactivate").await;
    ann.reads(".head .lead", "Inactive").await;
    ann.click_text(".history a", "View change").await;
    ann.reads(".differences", "Inactive").await;
    ann.click_text("a", "Restore revision 1").await;
    ann.click_text("main button", "Restore").await;
    ann.reads(".head .lead", "Active").await;
    ann.finish().await;
    app.finish().await;
}
