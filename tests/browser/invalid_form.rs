//! Invalid forms: errors at their fields, without losing input.

use crate::driver::{Browser, ENTER, TAB};
use crate::support::TestApp;

/// Fills in every part of the form, with two errors: no name, and a URL without a scheme.
async fn fill_in(ann: &Browser) {
    ann.open("/webhooks/new").await;
    ann.wait_for_focus("#name").await;
    ann.select("#method", "PUT").await;
    ann.fill("#url", "10.0.0.5/x").await;
    ann.fill("#body_template", "{\"who\": \"{{data.requester.email}}\", \"n\": 1}").await;
    ann.click_text("button", "Add header").await;
    ann.press("X-Team").await;
    ann.press(TAB).await;
    ann.press("red & blue").await;
    ann.click("#triggers summary").await;
    ann.click_text("#triggers label", "Granted").await;
    ann.click("#filter-approval summary").await;
    ann.click_text("#filter-approval label", "Manual").await;
    ann.click("#filter-integration-entry").await;
    ann.press("prod-*").await;
    ann.press(ENTER).await;
    ann.press("staging,").await;
    ann.click_text("summary", "More filters").await;
    ann.click("#filter-requester-entry").await;
    ann.press("*@example.com").await;
    ann.press(TAB).await;
}

/// Fails unless the form still contains all input.
async fn assert_input_is_kept(ann: &Browser) {
    ann.wait_for_value("#method", "PUT").await;
    ann.wait_for_value("#url", "10.0.0.5/x").await;
    let body = ann.value("#body_template").await;
    assert_eq!(body, "{\"who\": \"{{data.requester.email}}\", \"n\": 1}");
    ann.wait_for_value("#header-0", "X-Team").await;
    ann.wait_for_value("#header-0-value", "red & blue").await;
    assert_eq!(ann.texts("#triggers-chosen .chip").await, ["Granted"]);
    assert_eq!(ann.texts("#approval-chosen .chip").await, ["Manual"]);
    ann.wait_for_value("[name=filter-approval]:checked", "manual").await;
    ann.wait_for_value("#filter-integration", "prod-*\nstaging").await;
    let chips = "[data-chips]:has(#filter-integration) .chip";
    assert_eq!(ann.texts(chips).await, ["prod-*", "staging"]);
    // Its section stays open.
    let chips = "[data-chips]:has(#filter-requester) .chip";
    assert_eq!(ann.texts(chips).await, ["*@example.com"]);
    ann.wait_for(chips).await;
    ann.wait_for_text("#condition", "prod-* or staging").await;
    ann.wait_for_text(".cm-content .t-hbs", "{{data.requester.email}}").await;
}

#[tokio::test]
async fn saving_an_invalid_form_shows_each_error_and_keeps_the_input() {
    let app = TestApp::start().await;
    let ann = Browser::signed_in(&app).await;
    fill_in(&ann).await;
    ann.click_text(".bar button", "Save Webhook").await;
    ann.wait_for_text("[role=alert]", "Fix 2 errors before saving").await;
    ann.wait_for_text("#name-error", "Enter a name").await;
    ann.wait_for_text("#url-error", "no scheme").await;
    ann.wait_for_focus("#name[aria-invalid=true]").await;
    assert_input_is_kept(&ann).await;

    // The errors are corrected one after the other.
    ann.press("Archive").await;
    ann.press(ENTER).await;
    ann.wait_for_text("[role=alert]", "Fix 1 error before").await;
    ann.wait_for_focus("#url[aria-invalid=true]").await;
    assert_input_is_kept(&ann).await;
    ann.fill("#url", "https://10.0.0.5/x").await;
    ann.press(ENTER).await;
    ann.wait_for_path("/webhooks").await;
    ann.wait_for_text("#toasts", "Saved “Archive”").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn testing_an_invalid_form_sends_nothing_and_keeps_the_input() {
    let app = TestApp::start().await;
    let ann = Browser::signed_in(&app).await;
    fill_in(&ann).await;
    ann.click_text("button", "Test").await;
    ann.wait_for_text("[role=alert]", "before testing").await;
    ann.wait_for_text("#test-result", "Nothing was sent").await;
    ann.wait_for_focus("#name[aria-invalid=true]").await;
    assert_input_is_kept(&ann).await;
    // The form was replaced, and still works.
    ann.click("#filter-integration-entry").await;
    ann.press("dev\u{e007}").await;
    ann.wait_for_value("#filter-integration", "prod-*\nstaging\ndev").await;
    ann.click_text("button", "Add header").await;
    ann.wait_for_focus("[name=header_name]:not([id])").await;
    ann.finish().await;
    app.finish().await;
}
