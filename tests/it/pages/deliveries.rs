//! The list of deliveries, a delivery, and its attempts.

use crate::support::logpoint::Behaviour;
use crate::support::scenario::Scenario;
use crate::support::{TestApp, event};

#[tokio::test]
async fn the_list_can_be_filtered_and_paged() {
    let Scenario { app, logpoint: _logpoint, webhook, token } = Scenario::start().await;
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
        (format!("webhook={webhook}").as_str(), 50),
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
async fn deliveries_are_found_by_request_and_requester() {
    let Scenario { app, logpoint: _logpoint, token, .. } = Scenario::start().await;
    let mut batch: Vec<_> = (0..60).map(|n| event("Granted", &format!("request-{n}"))).collect();
    batch[7]["data"]["friendly_id"] = "AR-\u{202e}7%_".into();
    batch[8]["data"]["requester"]["email"] = "bo.lind@example.com".into();
    app.send(&token, &batch.into()).await;
    app.wait_for("delivered", 60).await;
    let mut ann = app.admin().await;
    for (query, count) in [
        ("q=REQUEST-7", 1),
        ("q=ar-%E2%80%AE7%25", 1),
        ("q=%25", 1),
        ("q=+bo.lind+", 1),
        ("q=request-1", 11),
        ("q=request", 50),
        ("q=request-7&state=failed", 0),
        ("q=%00", 50),
    ] {
        let seen = ann.get_part(&format!("/deliveries?{query}")).await;
        assert_eq!(seen.texts("tbody tr").len(), count, "{query}");
    }
    let found = ann.get("/deliveries?q=request-7").await;
    assert_eq!(found.attribute("#q", "value").unwrap(), "request-7");
    // The text is isolated, and its full length is in the tooltip.
    assert_eq!(found.attribute("tbody .mono bdi", "title").unwrap(), "AR-\u{202e}7%_");
    let none = ann.get("/deliveries?q=nothing").await;
    assert_eq!(none.text(".none"), "No matching deliveries. Clear filters");
    let first = ann.get("/deliveries?q=request").await;
    let older = first.attribute("a[rel=next]", "href").unwrap();
    assert_eq!(ann.get(&older).await.texts("tbody tr").len(), 10);
    app.finish().await;
}

#[tokio::test]
async fn a_search_is_limited_and_can_be_continued() {
    let app = TestApp::start().await;
    let event = "00000000-0000-7000-8000-ffffffffffff";
    let rows = "insert into delivery_history
            (id, event_id, webhook_id, state, attempts, created_at, finished_at)
         select ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
                case n when 1 then $1::uuid else gen_random_uuid() end,
                gen_random_uuid(), 'delivered', 1, now(), now()
         from generate_series(1, 701) n";
    sqlx::query(rows).bind(event).execute(app.database.pool()).await.unwrap();
    let oldest = "insert into events
            (id, received_at, trigger, event_type, request_id, request, requester, integrations, payload)
         values ($1::uuid, now(), 'Granted', 'RequestGranted', '1', 'AR-1', '', '', '{}')";
    sqlx::query(oldest).bind(event).execute(app.database.pool()).await.unwrap();
    let mut ann = app.admin().await;
    let first = ann.get("/deliveries?q=AR-1").await;
    assert!(first.text(".search-end").contains("Searched back to 1 Jan 1970"), "{}", first.body);
    assert_eq!(first.text("a[rel=next]"), "Search older deliveries");
    let rest = ann.get(&first.attribute("a[rel=next]", "href").unwrap()).await;
    assert_eq!(rest.texts("tbody tr").len(), 1);
    assert!(rest.texts("a[rel=next]").is_empty());
    // A script adds the missing rows to the page.
    let rows = ann.get_part(&first.attribute(".search-end", "hx-get").unwrap()).await;
    assert_eq!(rows.body.matches("<tr>").count(), 2, "{}", rows.body);
    assert!(rows.body.contains("No more matching deliveries."), "{}", rows.body);
    assert!(!rows.body.contains("<table") && !rows.body.contains("<form"), "{}", rows.body);
    let nothing = ann.get("/deliveries?q=AR-2").await;
    let rows = ann.get_part(&nothing.attribute(".search-end", "hx-get").unwrap()).await;
    assert!(rows.body.contains("No matching deliveries. <a"), "{}", rows.body);
    app.finish().await;
}

#[tokio::test]
async fn the_list_without_deliveries_explains_what_it_will_show() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let seen = ann.get("/deliveries").await;
    assert_eq!(seen.text(".empty h2"), "Nothing has been delivered yet");
    assert!(seen.texts("form.filters").is_empty(), "no filters without deliveries");
    // With a filter, the list says that nothing matches.
    let filtered = ann.get("/deliveries?state=failed").await;
    assert!(filtered.text(".none").contains("No matching deliveries"), "{}", filtered.body);
    assert_eq!(filtered.texts("form.filters").len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn a_delivery_shows_its_attempts_with_their_invocation_data() {
    let Scenario { app, logpoint, token, .. } = Scenario::start().await;
    logpoint.behave([Behaviour::RejectWithStatus200]);
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
