//! Leaving a form with unsaved changes.

use crate::driver::Browser;
use crate::support::TestApp;

/// Notes whether the page that is left has the browser ask. chromedriver answers that question by
/// itself, before a test can see it.
async fn note(ann: &Browser) {
    let note = "addEventListener('beforeunload', (event) => \
                sessionStorage.setItem('asked', event.defaultPrevented))";
    ann.js(&format!("(sessionStorage.clear(), {note}, 0)")).await;
}

/// Whether it did.
async fn asked(ann: &Browser) -> bool {
    ann.until("sessionStorage.getItem('asked')").await == "true"
}

#[tokio::test]
async fn unsaved_changes_are_not_lost_without_a_question() {
    let app = TestApp::start().await;
    let ann = Browser::signed_in(&app).await;
    // Nothing was changed: nothing is asked.
    ann.open("/webhooks/new").await;
    note(&ann).await;
    ann.click_text("nav a", "Deliveries").await;
    ann.at("/deliveries").await;
    assert!(!asked(&ann).await);

    // Looking at another sample is no change either.
    ann.open("/webhooks/new?preset=logpoint-reopen").await;
    note(&ann).await;
    ann.choose("#preview_event", "Sample: Expired").await;
    ann.choose("#test_event", "Sample: Granted").await;
    ann.click_text("nav a", "Deliveries").await;
    ann.at("/deliveries").await;
    assert!(!asked(&ann).await);

    for change in ["#name", "#url", "#body_template", "#filter-integration-entry"] {
        ann.open("/webhooks/new").await;
        note(&ann).await;
        ann.fill(change, "half a webhook").await;
        ann.click_text("nav a", "Deliveries").await;
        ann.at("/deliveries").await;
        assert!(asked(&ann).await, "{change}");
    }
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn cancel_asks_and_saving_does_not() {
    let app = TestApp::start().await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/webhooks/new").await;
    note(&ann).await;
    ann.fill("#name", "Half a webhook").await;
    ann.click_text(".bar a", "Cancel").await;
    assert!(ann.question().await.contains("Leave without saving?"));
    ann.answer(false).await;
    ann.holds("#name", "Half a webhook").await;
    // A panel is no way out.
    ann.click_text("a", "View event's payload schema").await;
    ann.see("dialog[open] h1").await;
    ann.click("dialog [data-close-panel]").await;
    ann.gone("dialog").await;
    ann.at("/webhooks/new").await;
    ann.holds("#name", "Half a webhook").await;
    // Asked once, it is not asked again.
    ann.click_text(".bar a", "Cancel").await;
    ann.question().await;
    ann.answer(true).await;
    ann.at("/webhooks").await;
    assert!(!asked(&ann).await);

    ann.open("/webhooks/new").await;
    note(&ann).await;
    ann.fill("#name", "Archive").await;
    ann.click_text(".bar button", "Save Webhook").await;
    ann.reads("[role=alert]", "errors before saving").await;
    // What could not be saved is still unsaved.
    ann.click_text("nav a", "Deliveries").await;
    ann.at("/deliveries").await;
    assert!(asked(&ann).await);
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn every_way_of_leaving_asks() {
    let app = TestApp::start().await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/deliveries").await;
    for way in ["reload", "back", "address", "sign out", "brand"] {
        ann.open("/webhooks/new").await;
        note(&ann).await;
        ann.fill("#name", "half a webhook").await;
        match way {
            "reload" => ann.reload().await,
            "back" => ann.back().await,
            "address" => ann.open("/deliveries").await,
            "sign out" => {
                ann.click(".person summary").await;
                ann.click_text(".person button", "Sign out").await;
                ann.at("/login").await;
                assert!(asked(&ann).await, "{way}");
                ann.sign_in().await;
                continue;
            }
            _ => {
                ann.click(".side .brand").await;
                ann.at("/webhooks").await;
            }
        }
        assert!(asked(&ann).await, "{way}");
    }
    // A preset replaces what was typed: it asks in the page, and only once.
    ann.open("/webhooks/new").await;
    ann.fill("#name", "half a webhook").await;
    ann.click_text(".presets a", "Logpoint: reopen").await;
    assert!(ann.question().await.contains("Leave without saving?"));
    ann.answer(false).await;
    ann.holds("#name", "half a webhook").await;
    note(&ann).await;
    ann.click_text(".presets a", "Logpoint: reopen").await;
    ann.question().await;
    ann.answer(true).await;
    ann.at("/webhooks/new?preset=logpoint-reopen").await;
    assert!(!asked(&ann).await);
    ann.finish().await;
    app.finish().await;
}
