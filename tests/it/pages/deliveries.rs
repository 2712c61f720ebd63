//! The deliveries' table, one delivery, and its exchanges.

use gatepost::identity::Scope;

use crate::delivery::reopen;
use crate::support::logpoint::{Behaviour, FakeLogpoint, Options};
use crate::support::{TestApp, event};

#[tokio::test]
async fn the_table_can_be_filtered_and_paged() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let ids = app.webhooks(&reopen(&logpoint, "Reopen", "")).await;
    let token = app.token(Scope::Events).await;
    let batch: Vec<_> = (0..60).map(|n| event("Granted", &n.to_string())).collect();
    app.send(&token, &batch.into()).await;
    app.wait_for("delivered", 60).await;
    let mut ann = app.admin().await;
    let first = ann.get("/deliveries").await;
    assert_eq!(first.texts("tbody tr").len(), 50);
    let older = first.attribute("a[rel=next]", "href").unwrap();
    let second = ann.get(&older).await;
    assert_eq!(second.texts("tbody tr").len(), 10);
    assert!(second.texts("a[rel=next]").is_empty());
    for (query, count) in [
        ("state=delivered", 50),
        ("state=failed", 0),
        (format!("webhook={}", ids[0]).as_str(), 50),
        ("state=nonsense", 50),
    ] {
        assert_eq!(
            ann.get_part(&format!("/deliveries?{query}")).await.texts("tbody tr").len(),
            count,
            "{query}"
        );
    }
    app.finish().await;
}

#[tokio::test]
async fn with_nothing_delivered_yet_the_page_says_what_will_be_there() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let seen = ann.get("/deliveries").await;
    assert_eq!(seen.text(".empty h2"), "Nothing has been delivered yet");
    assert!(seen.texts("form.filters").is_empty(), "there is nothing to filter");
    // What was asked for is told as such.
    let filtered = ann.get("/deliveries?state=failed").await;
    assert!(filtered.text(".none").contains("No delivery fits"), "{}", filtered.body);
    assert_eq!(filtered.texts("form.filters").len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn a_delivery_shows_every_attempt_and_each_opens_its_exchange() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    app.webhooks(&reopen(&logpoint, "Reopen", "")).await;
    let token = app.token(Scope::Events).await;
    logpoint.behave([Behaviour::RefuseInside200]);
    app.send(&token, &event("Granted", "7")).await;
    app.wait_for("due", 1).await;
    let mut ann = app.admin().await;
    let list = ann.get("/deliveries").await;
    let row = list.text("tbody tr");
    for part in [
        "Retrying",
        "Reopen",
        "AccessRequestGranted",
        "AR-7",
        "user@example.com",
        "Rejected: Authentication Failed",
        "in ",
    ] {
        assert!(row.contains(part), "{part}: {row}");
    }
    app.advance(std::time::Duration::from_secs(7)).await;
    app.wait_for("delivered", 1).await;
    let path = list.attribute("tbody td.name a", "href").unwrap();
    let page = ann.get(&path).await;
    assert_eq!(page.texts("table.attempts tbody tr").len(), 2);
    assert!(page.text("pre.code").contains("1696263265.851898000"));
    let panel = ann.get_part(&page.attribute("a[data-panel]", "href").unwrap()).await;
    assert!(panel.text(".verdict-line").contains("Authentication Failed"));
    assert!(panel.texts("title").is_empty());
    assert!(!page.body.contains("demo-key") && !panel.body.contains("demo-key"));
    app.finish().await;
}
