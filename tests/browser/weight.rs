//! Sizes of pages without anything in the browser's cache.

use serde_json::json;

use crate::driver::Browser;
use crate::support::TestApp;
use crate::support::logpoint::{FakeLogpoint, Options};

/// Bytes of the page and everything that it loads, including headers.
const TRANSFERRED: &str = "[...performance.getEntriesByType('navigation'), \
    ...performance.getEntriesByType('resource')].reduce((sum, entry) => sum + entry.transferSize, 0)";
/// Limit for all pages except the webhook form, in bytes.
const MAX_PAGE_BYTES: u64 = 60_000;
/// Limit for the webhook form, which loads the editor, in bytes.
const MAX_FORM_BYTES: u64 = 200_000;

#[tokio::test]
async fn a_first_visit_of_each_page_is_light() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let data = crate::sample_data::fill(&app, &logpoint).await;
    let ann = Browser::signed_in(&app).await;
    for (path, loaded, limit) in [
        ("/webhooks".to_owned(), "tbody", MAX_PAGE_BYTES),
        (format!("/webhooks/{}", data.webhook), ".history", MAX_PAGE_BYTES),
        ("/events".to_owned(), "tbody", MAX_PAGE_BYTES),
        ("/deliveries".to_owned(), "tbody", MAX_PAGE_BYTES),
        (format!("/deliveries/{}", data.good), "#attempts", MAX_PAGE_BYTES),
        ("/secrets".to_owned(), "tbody", MAX_PAGE_BYTES),
        ("/secrets/new".to_owned(), "#value", MAX_PAGE_BYTES),
        ("/troubleshooting".to_owned(), ".tip", MAX_PAGE_BYTES),
        ("/webhooks/new".to_owned(), ".cm-content", MAX_FORM_BYTES),
        (format!("/webhooks/{}/edit", data.webhook), ".cm-content", MAX_FORM_BYTES),
    ] {
        ann.devtools("Network.clearBrowserCache", json!({})).await;
        ann.open(&path).await;
        ann.wait_for(loaded).await;
        let bytes = ann.eval(TRANSFERRED).await.as_u64().unwrap();
        assert!((5_000..=limit).contains(&bytes), "{path}: {bytes} bytes");
        // The second visit loads only the page.
        ann.reload().await;
        ann.wait_for(loaded).await;
        let again = ann.eval(TRANSFERRED).await.as_u64().unwrap();
        assert!(again < bytes / 2, "{path}: {again} of {bytes} bytes again");
    }
    ann.finish().await;
    app.finish_with_leftovers().await;
}
