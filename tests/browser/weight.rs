//! Bytes of a first visit, with nothing in the browser's cache.

use serde_json::json;

use crate::driver::Browser;
use crate::support::TestApp;
use crate::support::logpoint::{FakeLogpoint, Options};

/// Bytes of the page and of everything it loads, headers included.
const TRANSFERRED: &str = "[...performance.getEntriesByType('navigation'), \
    ...performance.getEntriesByType('resource')].reduce((sum, entry) => sum + entry.transferSize, 0)";
/// Limit for every page but the webhook form, in bytes.
const MAX_PAGE_BYTES: u64 = 60_000;
/// Limit for the webhook form, which loads the editor, in bytes.
const MAX_FORM_BYTES: u64 = 200_000;

#[tokio::test]
async fn a_first_visit_of_each_page_is_light() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let filled = crate::filled::fill(&app, &logpoint).await;
    let ann = Browser::signed_in(&app).await;
    for (path, loaded, limit) in [
        ("/webhooks".to_owned(), "tbody", MAX_PAGE_BYTES),
        (format!("/webhooks/{}", filled.webhook), ".history", MAX_PAGE_BYTES),
        ("/deliveries".to_owned(), "tbody", MAX_PAGE_BYTES),
        (format!("/deliveries/{}", filled.good), "#attempts", MAX_PAGE_BYTES),
        ("/troubleshooting".to_owned(), ".tip", MAX_PAGE_BYTES),
        ("/webhooks/new".to_owned(), ".cm-content", MAX_FORM_BYTES),
        (format!("/webhooks/{}/edit", filled.webhook), ".cm-content", MAX_FORM_BYTES),
    ] {
        ann.devtools("Network.clearBrowserCache", json!({})).await;
        ann.open(&path).await;
        ann.see(loaded).await;
        let bytes = ann.js(TRANSFERRED).await.as_u64().unwrap();
        assert!((5_000..=limit).contains(&bytes), "{path}: {bytes} bytes");
        // The second visit loads the page alone.
        ann.reload().await;
        ann.see(loaded).await;
        let again = ann.js(TRANSFERRED).await.as_u64().unwrap();
        assert!(again < bytes / 2, "{path}: {again} of {bytes} bytes again");
    }
    ann.finish().await;
    app.finish_with_leftovers().await;
}
