//! The list of events, its filters and its search.

use serde_json::json;

use crate::support::builders::WebhookBuilder;
use crate::support::logpoint::{Behaviour, FakeLogpoint, Options};
use crate::support::scenario::Scenario;
use crate::support::{TestApp, event};
use gatepost::identity::Scope;

#[tokio::test]
async fn the_list_shows_every_event_with_its_result() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let webhook = |name: &str, triggers: &[&str]| {
        let webhook = WebhookBuilder::reopen(&logpoint).name(name).triggers(triggers);
        webhook.with("retry_schedule", json!(["5s"]))
    };
    let first = app.webhooks(&webhook("First", &["Granted", "Manual"]).file()).await.remove(0);
    let second = app.webhooks(&webhook("Second", &["Granted", "Expired"]).file()).await.remove(0);
    let token = app.token(Scope::Events).await;
    app.send(&token, &event("Granted", "1")).await;
    app.wait_for("delivered", 2).await;
    app.send(&token, &event("Created", "2")).await;
    logpoint.behave([Behaviour::Status(500, String::new()), Behaviour::Status(500, String::new())]);
    app.send(&token, &event("Expired", "3")).await;
    app.wait_until("a first attempt", async || logpoint.requests().len() == 3).await;
    app.wait_for("due", 1).await;

    let mut ann = app.admin().await;
    let results = async |ann: &mut crate::support::user::TestUser, query: &str| {
        ann.get(&format!("/events{query}")).await.texts("tbody tr td:first-child")
    };
    assert_eq!(results(&mut ann, "").await, ["1 waiting", "not sent", "2 delivered"]);
    app.advance(std::time::Duration::from_secs(6)).await;
    app.wait_for("failed", 1).await;
    assert_eq!(results(&mut ann, "").await, ["1 failed", "not sent", "2 delivered"]);
    for (query, found) in [
        ("?result=failed", &["1 failed"][..]),
        ("?result=not_sent", &["not sent"]),
        ("?result=delivered", &["2 delivered"]),
        ("?result=unfinished", &[]),
        ("?trigger=Created", &["not sent"]),
        ("?trigger=Created&result=failed", &[]),
        ("?result=nonsense&trigger=nonsense", &["1 failed", "not sent", "2 delivered"]),
    ] {
        assert_eq!(results(&mut ann, query).await, found, "{query}");
    }
    // A sample is marked, and found by its own filter.
    let path = format!("/webhooks/{first}/send");
    ann.get(&path).await;
    assert_eq!(ann.post(&path, &[("event", "Granted")]).await.status, 303);
    app.wait_for("delivered", 3).await;
    let samples = ann.get("/events?trigger=sample").await;
    assert_eq!(samples.texts("tbody tr td:nth-child(3)"), ["Granted Sample"]);
    assert_eq!(results(&mut ann, "?trigger=Granted").await, ["2 delivered"]);
    // A deleted webhook's unfinished deliveries are cancelled.
    logpoint.behave([Behaviour::Status(500, String::new())]);
    app.send(&token, &event("Expired", "4")).await;
    app.wait_for("due", 1).await;
    let path = format!("/webhooks/{second}/delete");
    ann.get(&path).await;
    assert_eq!(ann.post(&path, &[]).await.status, 303);
    assert_eq!(results(&mut ann, "").await[0], "1 cancelled");
    app.finish().await;
}

#[tokio::test]
async fn events_are_found_by_text_and_by_time() {
    let Scenario { app, logpoint: _logpoint, token, .. } = Scenario::start().await;
    let mut batch: Vec<_> = (0..60).map(|n| event("Expired", &format!("request-{n}"))).collect();
    batch[7]["data"]["friendly_id"] = "AR-7%_".into();
    batch[8]["data"]["requester"]["email"] = "bo.lind@example.com".into();
    batch[9]["data"]["access_groups"][0]["integration"]["name"] = "Staging db".into();
    app.send(&token, &batch.into()).await;
    let mut ann = app.admin().await;
    for (query, count) in [
        ("", 50),
        ("q=REQUEST-7", 1),
        ("q=ar-7%25", 1),
        ("q=%25", 1),
        ("q=+bo.lind+", 1),
        ("q=staging", 1),
        ("q=request-1", 11),
        ("q=request-1&result=delivered", 0),
        ("q=request-1&result=not_sent", 11),
        ("q=%00", 50),
        ("from=2026-01-01T00:00", 50),
        ("to=2026-01-01T00:00:59", 0),
        ("from=2020-01-01T00:00&to=9999-01-01T00:00&q=staging", 1),
    ] {
        let seen = ann.get_part(&format!("/events?{query}")).await;
        assert_eq!(seen.texts("tbody tr").len(), count, "{query}");
    }
    for query in ["", "?q=request", "?result=not_sent", "?trigger=Expired&from=2026-01-01T00:00"] {
        let first = ann.get(&format!("/events{query}")).await;
        assert_eq!(first.texts("tbody tr").len(), 50, "{query}");
        let rest = ann.get(&first.attribute("a[rel=next]", "href").unwrap()).await;
        assert_eq!(rest.texts("tbody tr").len(), 10, "{query}");
        assert!(rest.texts("a[rel=next]").is_empty(), "{query}");
        assert_eq!(rest.text(".pager a"), "Newest");
    }
    let none = ann.get("/events?q=nothing").await;
    assert_eq!(none.text(".none"), "No matching events. Clear filters");
    let found = ann.get("/events?q=request-7&trigger=Expired&from=2026-01-01T00:00").await;
    assert_eq!(found.attribute("#q", "value").unwrap(), "request-7");
    assert_eq!(found.attribute("[name=from]", "value").unwrap(), "2026-01-01T00:00");
    assert_eq!(found.texts("option[selected]"), ["Expired"]);
    app.finish().await;
}

#[tokio::test]
async fn invalid_times_are_shown_with_everything_that_was_entered() {
    let Scenario { app, logpoint: _logpoint, token, .. } = Scenario::start().await;
    app.send(&token, &event("Expired", "1")).await;
    let mut ann = app.admin().await;
    let query = "/events?q=AR&from=yesterday&to=2026-11-27T09:30&result=failed";
    let page = ann.get(query).await;
    assert_eq!(page.status, 422);
    assert!(page.text("#from-error").contains("\"yesterday\" is not a time"), "{}", page.body);
    assert_eq!(page.attribute("[name=from]", "aria-describedby").unwrap(), "from-error");
    assert_eq!(page.attribute("#q", "value").unwrap(), "AR");
    let part = ann.get_part("/events?from=2026-11-27T09:31&to=2026-11-27T09:30").await;
    assert_eq!((part.status, part.texts("form").len()), (422, 0));
    assert!(part.text("[role=alert]").contains("after its end"), "{}", part.body);
    app.finish().await;
}

#[tokio::test]
async fn a_search_is_limited_and_can_be_continued() {
    let app = TestApp::start().await;
    // The oldest event is the only match.
    let rows = "insert into events
            (id, received_at, trigger, event_type, request_id, request, requester, integrations, payload)
         select ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, now(),
                case n when 1 then 'Granted' else 'Created' end, 'RequestGranted', '1',
                case n when 1 then 'AR-1' else 'other' end, '', '', '{}'
         from generate_series(1, 4001) n";
    sqlx::query(rows).execute(app.database.pool()).await.unwrap();
    let mut ann = app.admin().await;
    for query in ["q=AR-1", "trigger=Granted"] {
        let first = ann.get(&format!("/events?{query}")).await;
        assert!(first.text(".search-end").contains("Searched back to 1 Jan 1970"), "{query}");
        assert_eq!(first.text("a[rel=next]"), "Search older events");
        let rest = ann.get(&first.attribute("a[rel=next]", "href").unwrap()).await;
        assert_eq!(rest.texts("tbody tr").len(), 1, "{query}");
        assert!(rest.texts("a[rel=next]").is_empty());
        let rows = ann.get_part(&first.attribute(".search-end", "hx-get").unwrap()).await;
        assert_eq!(rows.body.matches("<tr>").count(), 2, "{}", rows.body);
        assert!(rows.body.contains("No more matching events."), "{}", rows.body);
    }
    let first = ann.get("/events?result=failed").await;
    assert!(first.text(".search-end").contains("Searched back to"), "{}", first.body);
    app.finish().await;
}

#[tokio::test]
async fn the_list_without_events_explains_how_to_send_them() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let seen = ann.get("/events").await;
    assert_eq!(seen.text(".empty h2"), "No events have been received yet");
    assert!(seen.texts("form.filters").is_empty(), "no filters without events");
    let filtered = ann.get("/events?result=failed").await;
    assert_eq!(filtered.text(".none"), "No matching events. Clear filters");
    assert_eq!(filtered.texts("form.filters").len(), 1);
    app.finish().await;
}
