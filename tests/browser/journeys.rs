//! The main tasks of users, from beginning to end.

use gatepost::identity::Scope;
use serde_json::{Value, json};

use crate::driver::{Browser, ENTER, ESCAPE};
use crate::support::app::{EMAIL, PASSWORD};
use crate::support::logpoint::{API_USER, FakeLogpoint, INCIDENTS, Options, State};
use crate::support::{TestApp, event, http};

/// Fills in the form for the call that Logpoint documents, except for the certificate.
async fn fill_in_reopen(ann: &Browser, logpoint: &FakeLogpoint, secret_key: &str) {
    ann.open("/webhooks").await;
    ann.click_text("a", "Add Webhook").await;
    ann.wait_for_path("/webhooks/new").await;
    ann.click_text(".preset-list a", "Logpoint: reopen").await;
    ann.wait_for_path("/webhooks/new?preset=logpoint-reopen").await;
    ann.fill("#url", &logpoint.url("/reopen_incident")).await;
    let ids = INCIDENTS.map(|id| format!("\"{id}\"")).join(", ");
    ann.replace("#body_template", "<user name>", "svc-gatepost").await;
    ann.replace("#body_template", "<secret key>", secret_key).await;
    ann.replace("#body_template", "\"<incident id>\"", &ids).await;
    // The body is the one of Logpoint's documentation, with three incidents.
    let body: Value = serde_json::from_str(&ann.value("#body_template").await).unwrap();
    let data = json!({"version": "0.1", "incident_ids": INCIDENTS});
    let documented =
        json!({"username": "svc-gatepost", "secret_key": secret_key, "requestData": data});
    assert_eq!(body, documented);
}

async fn pin_fetched_certificate(ann: &Browser, logpoint: &FakeLogpoint) {
    ann.click_text("label.pill", "Pinned certificate").await;
    ann.click_text("button", "Fetch certificate").await;
    ann.wait_for_text("#certificate", "Self-signed").await;
    ann.wait_for_text("#certificate", logpoint.fingerprint()).await;
    ann.wait_for_value("#tls_sha256", logpoint.fingerprint()).await;
}

fn states(logpoint: &FakeLogpoint) -> Vec<State> {
    INCIDENTS.iter().map(|id| logpoint.incident(id).unwrap().state).collect()
}

/// Assigns, resolves and closes the incidents, like an analyst in Logpoint.
async fn close_all(logpoint: &FakeLogpoint) {
    let certificate = reqwest::Certificate::from_pem(logpoint.ca_pem().as_bytes()).unwrap();
    #[expect(clippy::disallowed_methods, reason = "the analyst's own requests")]
    let analyst =
        reqwest::Client::builder().tls_certs_only([certificate]).no_proxy().build().unwrap();
    for path in ["/assign_incident", "/resolve_incident", "/close_incident"] {
        let data = json!({"version": "0.1", "incident_ids": INCIDENTS, "new_assignee": API_USER});
        let body =
            json!({"username": "svc-gatepost", "secret_key": "demo-key", "requestData": data});
        let response = analyst.post(logpoint.url(path)).json(&body).send().await.unwrap();
        assert_eq!(response.json::<Value>().await.unwrap()["success"], true, "{path}");
    }
    assert_eq!(states(logpoint), [State::Closed; 3]);
}

#[tokio::test]
async fn a_webhook_is_added_tested_and_saved_and_an_event_reopens_three_incidents() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let ann = Browser::signed_in(&app).await;
    fill_in_reopen(&ann, &logpoint, "demo-key").await;
    pin_fetched_certificate(&ann, &logpoint).await;

    ann.click_text("button", "Test").await;
    ann.wait_for_text("#test-result", "Test successful").await;
    assert_eq!(states(&logpoint), [State::Open; 3]);

    ann.click_text("#test-result a", "View Invocation Data").await;
    ann.wait_for_text("dialog[open] .verdict", "Delivered").await;
    ann.wait_for_text("dialog[open] #summary", "Incidents reopened").await;
    ann.wait_for_path_prefix("/invocations/").await;
    ann.click_text("dialog [role=tab]", "Request").await;
    let request = ann.wait_for_text("dialog #request", "svc-gatepost").await;
    assert!(request.contains(INCIDENTS[2]) && !request.contains("demo-key"), "{request}");
    ann.press(ESCAPE).await;
    ann.wait_until_gone("dialog").await;
    ann.wait_for_path("/webhooks/new?preset=logpoint-reopen").await;
    ann.wait_for_focus("#test-result a").await;

    ann.click_text(".bar button", "Save Webhook").await;
    ann.wait_for_path("/webhooks").await;
    ann.wait_for_text("#toasts", "Saved “Logpoint reopen”").await;
    ann.wait_for_text(".webhooks td.name", "Logpoint reopen").await;
    ann.wait_for_text(".webhooks td.last", "Never").await;
    let dot = ann.eval("getComputedStyle(document.querySelector('.dot')).backgroundColor").await;
    assert_eq!(dot, "rgb(31, 163, 82)", "the dot is green");

    close_all(&logpoint).await;
    let token = app.token(Scope::Events).await;
    let (status, response) = app.send(&token, &event("Created", "1")).await;
    assert_eq!((status, &response["events"][0]["deliveries"]), (202, &json!(1)));
    app.wait_for("delivered", 1).await;
    assert_eq!(states(&logpoint), [State::Open; 3]);
    ann.reload().await;
    ann.wait_for_text(".webhooks td.last", "Delivered").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn a_wrong_secret_key_is_explained_with_the_message_of_logpoint() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let ann = Browser::signed_in(&app).await;
    fill_in_reopen(&ann, &logpoint, "wrong-key").await;
    pin_fetched_certificate(&ann, &logpoint).await;
    ann.click_text("button", "Test").await;
    ann.wait_for_text("#test-result", "Test failed").await;
    ann.click_text("#test-result a", "View Invocation Data").await;
    ann.wait_for_text("dialog[open] .verdict", "“Authentication Failed”").await;
    ann.wait_for_text("dialog[open] .verdict", "My Preferences").await;
    // Back closes the panel. Its address is also a page.
    let path = ann.path().await;
    ann.back().await;
    ann.wait_until_gone("dialog").await;
    ann.wait_for_path("/webhooks/new?preset=logpoint-reopen").await;
    ann.wait_for_value("#url", &logpoint.url("/reopen_incident")).await;
    ann.open(&path).await;
    ann.wait_for_text("main .verdict", "“Authentication Failed”").await;
    assert_eq!(states(&logpoint), [State::Closed, State::Closed, State::Resolved]);
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn a_self_signed_certificate_is_pinned_from_the_failed_test() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let ann = Browser::signed_in(&app).await;
    fill_in_reopen(&ann, &logpoint, "demo-key").await;
    ann.click_text("button", "Test").await;
    ann.wait_for_text("#test-result", "Test failed").await;
    assert!(logpoint.requests().is_empty(), "no requests to a server that is not trusted");
    ann.click_text("#test-result a", "View Invocation Data").await;
    ann.wait_for_text("dialog[open] .verdict", "certificate is self-signed").await;
    ann.click_text("dialog button", "Pin this certificate").await;
    ann.wait_until_gone("dialog").await;
    ann.wait_for_value("#tls_sha256", logpoint.fingerprint()).await;
    ann.wait_for_value("[name=tls_verify]:checked", "pinned").await;
    // The focus is on Test.
    ann.wait_for_focus("[data-test]").await;
    ann.press(ENTER).await;
    ann.wait_for_text("#test-result", "Test successful").await;
    assert_eq!(states(&logpoint), [State::Open; 3]);
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn the_first_administrator_sets_up_signs_out_and_in_again() {
    let app = TestApp::start_with(|config| config.admin = None).await;
    let code = app.setup_code.clone().unwrap();
    let bo = Browser::start(&app).await;
    bo.open("/").await;
    bo.wait_for_path("/setup").await;
    bo.wait_for_focus("#code").await;
    bo.fill("#code", &code.to_lowercase()).await;
    bo.fill("#email", EMAIL).await;
    bo.fill("#password", PASSWORD).await;
    bo.fill("#password_again", PASSWORD).await;
    bo.click_text("button", "Create administrator").await;
    bo.wait_for_path("/webhooks").await;
    bo.wait_for_text("#toasts", "Gatepost is set up").await;
    bo.wait_for_text("main", "No webhooks yet").await;
    bo.click(".person summary").await;
    bo.click_text(".menu-item", "Sign out").await;
    bo.wait_for_path("/login").await;
    // Pages require signing in again.
    bo.open("/deliveries").await;
    bo.wait_for_path("/login?next=%2Fdeliveries").await;
    bo.fill("#email", EMAIL).await;
    bo.fill("#password", "not the password").await;
    bo.click_text("button", "Sign in").await;
    bo.wait_for_text("[role=alert]", "password is wrong").await;
    bo.wait_for_focus("#password").await;
    bo.press(PASSWORD).await;
    bo.press(ENTER).await;
    bo.wait_for_path("/deliveries").await;
    let seen = http().get(app.url("/setup")).send().await.unwrap();
    assert_eq!(seen.status(), 303, "the code works only once");
    bo.finish().await;
    app.finish().await;
}
