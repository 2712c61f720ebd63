//! Forms that are not right yet: told where, and nothing lost.

use crate::driver::{Browser, ENTER, TAB};
use crate::support::TestApp;

/// Fills in something everywhere, and two mistakes: no name, no scheme.
async fn fill_in(ann: &Browser) {
    ann.open("/webhooks/new").await;
    ann.focus_on("#name").await;
    ann.choose("#method", "PUT").await;
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

/// Whether all of that still stands there.
async fn nothing_is_lost(ann: &Browser) {
    ann.holds("#method", "PUT").await;
    ann.holds("#url", "10.0.0.5/x").await;
    let body = ann.value("#body_template").await;
    assert_eq!(body, "{\"who\": \"{{data.requester.email}}\", \"n\": 1}");
    ann.holds("#header-0", "X-Team").await;
    ann.holds("#header-0-value", "red & blue").await;
    assert_eq!(ann.texts("#triggers-chosen .chip").await, ["Granted"]);
    assert_eq!(ann.texts("#approval-chosen .chip").await, ["Manual"]);
    ann.holds("[name=filter-approval]:checked", "manual").await;
    ann.holds("#filter-integration", "prod-*\nstaging").await;
    let chips = "[data-chips]:has(#filter-integration) .chip";
    assert_eq!(ann.texts(chips).await, ["prod-*", "staging"]);
    // Folded, it would be out of sight.
    let chips = "[data-chips]:has(#filter-requester) .chip";
    assert_eq!(ann.texts(chips).await, ["*@example.com"]);
    ann.see(chips).await;
    ann.reads("#condition", "prod-* or staging").await;
    ann.reads(".cm-content .t-hbs", "{{data.requester.email}}").await;
}

#[tokio::test]
async fn saving_an_incomplete_form_tells_each_mistake_and_keeps_everything() {
    let app = TestApp::start().await;
    let ann = Browser::signed_in(&app).await;
    fill_in(&ann).await;
    ann.click_text(".bar button", "Save Webhook").await;
    ann.reads("[role=alert]", "Fix 2 errors before saving").await;
    ann.reads("#name-error", "Enter a name").await;
    ann.reads("#url-error", "no scheme").await;
    ann.focus_on("#name[aria-invalid=true]").await;
    nothing_is_lost(&ann).await;

    // One after the other is mended.
    ann.press("Archive").await;
    ann.press(ENTER).await;
    ann.reads("[role=alert]", "Fix 1 error before").await;
    ann.focus_on("#url[aria-invalid=true]").await;
    nothing_is_lost(&ann).await;
    ann.fill("#url", "https://10.0.0.5/x").await;
    ann.press(ENTER).await;
    ann.at("/webhooks").await;
    ann.reads("#toasts", "Saved “Archive”").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn testing_an_incomplete_form_sends_nothing_and_keeps_everything() {
    let app = TestApp::start().await;
    let ann = Browser::signed_in(&app).await;
    fill_in(&ann).await;
    ann.click_text("button", "Test").await;
    ann.reads("[role=alert]", "before testing").await;
    ann.reads("#test-result", "Nothing was sent").await;
    ann.focus_on("#name[aria-invalid=true]").await;
    nothing_is_lost(&ann).await;
    // The form was swapped: everything in it works as before.
    ann.click("#filter-integration-entry").await;
    ann.press("dev\u{e007}").await;
    ann.holds("#filter-integration", "prod-*\nstaging\ndev").await;
    ann.click_text("button", "Add header").await;
    ann.focus_on("[name=header_name]:not([id])").await;
    ann.finish().await;
    app.finish().await;
}
