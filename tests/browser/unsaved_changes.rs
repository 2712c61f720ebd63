//! Leaving a form with unsaved changes.

use crate::driver::Browser;
use crate::support::TestApp;

/// Records whether the page asks before it is left. chromedriver accepts that dialog before a test can see it.
async fn record_question(ann: &Browser) {
    let listener = "addEventListener('beforeunload', (event) => \
                sessionStorage.setItem('asked', event.defaultPrevented))";
    ann.eval(&format!("(sessionStorage.clear(), {listener}, 0)")).await;
}

/// Whether the page asked before it was left.
async fn has_asked(ann: &Browser) -> bool {
    ann.wait_until("sessionStorage.getItem('asked')").await == "true"
}

#[tokio::test]
async fn leaving_with_unsaved_changes_asks() {
    let app = TestApp::start().await;
    let ann = Browser::signed_in(&app).await;
    // Without changes, there is no question.
    ann.open("/webhooks/new").await;
    record_question(&ann).await;
    ann.click_text("nav a", "Deliveries").await;
    ann.wait_for_path("/deliveries").await;
    assert!(!has_asked(&ann).await);

    // Choosing another sample is not a change.
    ann.open("/webhooks/new?preset=logpoint-reopen").await;
    record_question(&ann).await;
    ann.select("#preview_event", "Sample: Expired").await;
    ann.select("#test_event", "Sample: Granted").await;
    ann.click_text("nav a", "Deliveries").await;
    ann.wait_for_path("/deliveries").await;
    assert!(!has_asked(&ann).await);

    for change in ["#name", "#url", "#body_template", "#filter-integration-entry"] {
        ann.open("/webhooks/new").await;
        record_question(&ann).await;
        ann.fill(change, "half a webhook").await;
        ann.click_text("nav a", "Deliveries").await;
        ann.wait_for_path("/deliveries").await;
        assert!(has_asked(&ann).await, "{change}");
    }
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn cancel_asks_and_saving_does_not() {
    let app = TestApp::start().await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/webhooks/new").await;
    record_question(&ann).await;
    ann.fill("#name", "Half a webhook").await;
    ann.click_text(".bar a", "Cancel").await;
    assert!(ann.dialog_text().await.contains("Leave without saving?"));
    ann.answer_dialog(false).await;
    ann.wait_for_value("#name", "Half a webhook").await;
    // Opening a panel does not leave the page.
    ann.click_text("a", "View event's payload schema").await;
    ann.wait_for("dialog[open] h1").await;
    ann.click("dialog [data-close-panel]").await;
    ann.wait_until_gone("dialog").await;
    ann.wait_for_path("/webhooks/new").await;
    ann.wait_for_value("#name", "Half a webhook").await;
    // The question is asked only once.
    ann.click_text(".bar a", "Cancel").await;
    ann.dialog_text().await;
    ann.answer_dialog(true).await;
    ann.wait_for_path("/webhooks").await;
    assert!(!has_asked(&ann).await);

    ann.open("/webhooks/new").await;
    record_question(&ann).await;
    ann.fill("#name", "Archive").await;
    ann.click_text(".bar button", "Save Webhook").await;
    ann.wait_for_text("[role=alert]", "errors before saving").await;
    // After a rejected save, the changes are still unsaved.
    ann.click_text("nav a", "Deliveries").await;
    ann.wait_for_path("/deliveries").await;
    assert!(has_asked(&ann).await);
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn every_way_of_leaving_asks() {
    let app = TestApp::start().await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/deliveries").await;
    for action in ["reload", "back", "address", "sign out", "brand"] {
        ann.open("/webhooks/new").await;
        record_question(&ann).await;
        ann.fill("#name", "half a webhook").await;
        match action {
            "reload" => ann.reload().await,
            "back" => ann.back().await,
            "address" => ann.open("/deliveries").await,
            "sign out" => {
                // A preview that is answered after signing out would replace the session of the sign-in page.
                ann.fill("#url", "https://10.0.0.5/x").await;
                ann.wait_for_text("#preview", "https://10.0.0.5/x").await;
                ann.click(".person summary").await;
                ann.click_text(".person button", "Sign out").await;
                ann.wait_for_path("/login").await;
                assert!(has_asked(&ann).await, "{action}");
                ann.sign_in().await;
                continue;
            }
            _ => {
                ann.click(".side .brand").await;
                ann.wait_for_path("/webhooks").await;
            }
        }
        assert!(has_asked(&ann).await, "{action}");
    }
    // A preset replaces the input, so the page asks, and the browser does not ask again.
    ann.open("/webhooks/new").await;
    ann.fill("#name", "half a webhook").await;
    ann.click_text(".presets a", "Logpoint: reopen").await;
    assert!(ann.dialog_text().await.contains("Leave without saving?"));
    ann.answer_dialog(false).await;
    ann.wait_for_value("#name", "half a webhook").await;
    record_question(&ann).await;
    ann.click_text(".presets a", "Logpoint: reopen").await;
    ann.dialog_text().await;
    ann.answer_dialog(true).await;
    ann.wait_for_path("/webhooks/new?preset=logpoint-reopen").await;
    assert!(!has_asked(&ann).await);
    ann.finish().await;
    app.finish().await;
}
