//! Without JavaScript, all essential functions work.

use serde_json::json;

use crate::driver::Browser;
use crate::support::TestApp;
use crate::support::logpoint::{FakeLogpoint, INCIDENTS, Options, State};

#[tokio::test]
async fn a_webhook_is_added_tested_and_deactivated_without_scripts() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let ann = Browser::start(&app).await;
    ann.devtools("Emulation.setScriptExecutionDisabled", json!({"value": true})).await;
    ann.open("/login").await;
    ann.sign_in().await;
    ann.click_text("a", "Add Webhook").await;
    ann.wait_for_path("/webhooks/new").await;
    assert_eq!(ann.eval("document.documentElement.classList.contains('js')").await, false);
    ann.click_text(".preset-list a", "Logpoint: reopen").await;
    ann.wait_for_path("/webhooks/new?preset=logpoint-reopen").await;
    ann.fill("#url", &logpoint.url("/reopen_incident")).await;
    ann.replace("#body_template", "<user name>", "svc-gatepost").await;
    ann.replace("#body_template", "<secret key>", "demo-key").await;
    ann.replace("#body_template", "<incident id>", INCIDENTS[0]).await;
    ann.fill("noscript [name=header_name]", "X-Team").await;
    ann.fill("noscript [name=header_value]", "sec").await;
    ann.fill("#filter-integration", "prod-*").await;
    ann.fill("#timeout_in_sec", "5").await;
    ann.click_text("label.pill", "Pinned certificate").await;
    ann.click_text("button", "Fetch certificate").await;
    ann.wait_for_text("#certificate", "Self-signed").await;
    ann.wait_for_value("#tls_sha256", logpoint.fingerprint()).await;

    ann.click_text("button", "Test").await;
    ann.wait_for_text("#test-result", "Test successful").await;
    assert_eq!(logpoint.incident(INCIDENTS[0]).unwrap().state, State::Open);
    let sent = logpoint.requests().pop().unwrap();
    assert_eq!(sent.header("x-team"), Some("sec"));
    // The invocation data is also a page.
    let href = ann.eval("document.querySelector('#test-result a').getAttribute('href')").await;

    ann.click_text(".bar button", "Save Webhook").await;
    ann.wait_for_path("/webhooks").await;
    ann.wait_for_text("td.name", "Logpoint reopen").await;
    ann.wait_for_text("td.status", "Active").await;
    // The actions of a row are on the page of the webhook.
    ann.click(".webhooks td.more a").await;
    ann.click_text(".head button", "Deactivate").await;
    ann.wait_for_text(".head .lead", "Inactive").await;
    ann.wait_for_text("#toasts", "Deactivated").await;

    // All fields are saved.
    ann.click_text(".head a", "Edit").await;
    ann.wait_for_path_prefix("/webhooks/").await;
    ann.wait_for_value("#header-0", "X-Team").await;
    ann.wait_for_value("#filter-integration", "prod-*").await;
    ann.wait_for_value("#validator-0", "$.success").await;
    ann.wait_for_value("#timeout_in_sec", "5").await;
    ann.open(href.as_str().unwrap()).await;
    ann.wait_for_text("#request", "X-Team").await;
    ann.wait_for_text("#response", "Incidents reopened").await;
    ann.finish().await;
    app.finish().await;
}
