//! Trying a form on past events.

use gatepost::identity::Scope;
use serde_json::{Value, json};

use super::with;
use crate::support::logpoint::{FakeLogpoint, Options};
use crate::support::{TestApp, event};

async fn receive(app: &TestApp, events: &[Value]) {
    let token = app.token(Scope::Events).await;
    for part in events.chunks(500) {
        let (status, response) = app.send(&token, &Value::from(part.to_vec())).await;
        assert_eq!(status, 202, "{response}");
    }
}

fn granted(request: &str, change: impl FnOnce(&mut Value)) -> Value {
    let mut one = event("Granted", request);
    change(&mut one);
    one
}

#[tokio::test]
async fn shows_which_events_would_be_sent_or_skipped_and_sends_nothing() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let mut ann = app.admin().await;
    receive(
        &app,
        &[
            granted("1", |_| {}),
            granted("2", |one| one["data"]["access_groups"][0]["integration"]["name"] = "b".into()),
            granted("3", |one| {
                one["data"]["access_groups"] = json!([
                    {"integration": {"name": "prod db"}},
                    {"integration": {"name": "b"}, "resource_types": [{"name": "Database"}]},
                ]);
            }),
            event("Created", "4"),
            event("Created", "5"),
            granted("6", |one| one["data"]["justification"] = "a\nb".into()),
        ],
    )
    .await;
    ann.get("/webhooks/new").await;
    let url = logpoint.url("/x");
    let fields = with(&[
        ("url", &url),
        ("body_template", "{\"secret_key\": \"s3cr3t-key\", \"id\": \"{{data.friendly_id}}\"}"),
        ("header_name", "X-Why"),
        ("header_value", "{{data.justification}}"),
        ("filter-integration", "prod*"),
        ("filter-resource_type", "Database"),
    ]);
    let part = ann.post_part("/webhooks/backtest", &fields).await;
    assert_eq!(part.status, 200, "{}", part.body);
    assert_eq!(part.text(".backtest-all"), "Of the 6 stored events (since just now)");
    assert_eq!(part.texts(".tally li"), ["1 would be sent", "4 would not be sent", "1 would fail"]);
    assert_eq!(
        part.texts(".reasons li"),
        [
            "2 Trigger Created is not selected",
            "1 Filter Integration does not match",
            "1 No single access group matches all of Integration and Resource type",
        ]
    );
    let broken = part.text(".broken li");
    assert!(
        broken.starts_with("AR-6 · Granted · just now Header 1, line 1, column 1: "),
        "{broken}"
    );
    assert_eq!(part.text(".past-list summary"), "AR-1 · Granted · just now user@example.com");
    let body = part.text(".past-list pre");
    assert!(body.contains("AR-1") && body.contains("[secret:secret_key]"), "{body}");
    assert!(!part.body.contains("s3cr3t-key") && !part.body.contains("<html"));

    // Without scripts, the whole page contains the result and the user's input.
    let page = ann.post("/webhooks/backtest", &fields).await;
    assert_eq!(page.texts("#backtest .tally li").len(), 3);
    assert_eq!(page.typed("filter-integration"), "prod*");
    assert!(logpoint.requests().is_empty());
    app.finish().await;
}

#[tokio::test]
async fn lists_every_failure_among_the_newest_thousand_events() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let bad = |n: usize| (1020..1080).contains(&n);
    let all: Vec<Value> = (0..1100)
        .map(|n| {
            granted(&n.to_string(), |one| {
                one["event_time"] = n.into();
                if bad(n) {
                    one["data"]["justification"] = "a\nb".into();
                }
            })
        })
        .collect();
    receive(&app, &all).await;
    ann.get("/webhooks/new").await;
    let fields = with(&[("header_name", "X-Why"), ("header_value", "{{data.justification}}")]);
    let part = ann.post_part("/webhooks/backtest", &fields).await;
    assert!(part.text(".backtest-all").starts_with("Of the newest 1000 events"), "{}", part.body);
    assert_eq!(
        part.texts(".tally li"),
        ["940 would be sent", "0 would not be sent", "60 would fail"]
    );
    assert_eq!(part.texts(".broken li").len(), 60);
    let shown = part.texts(".past-list summary");
    assert_eq!((shown.len(), shown[0].split(' ').next().unwrap()), (50, "AR-1099"));
    app.finish().await;
}

#[tokio::test]
async fn ignores_missing_parts_that_do_not_affect_the_request() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    ann.get("/webhooks/new").await;
    let unnamed = with(&[("name", ""), ("url", ""), ("timeout_in_sec", "many")]);
    let none = ann.post_part("/webhooks/backtest", &unnamed).await;
    assert!(none.text(".backtest").contains("No events have been received yet"), "{}", none.body);
    receive(&app, &[granted("1", |_| {})]).await;
    let part = ann.post_part("/webhooks/backtest", &unnamed).await;
    assert_eq!(part.texts(".tally li")[0], "1 would be sent");
    // Parts that decide which events are sent must be valid.
    for (change, message) in [
        (("body_template", "{{#each x}}"), "is not closed"),
        (("filter-approval", "perhaps"), "use manual or automatic"),
        (("trigger", "Never"), "Unknown trigger"),
    ] {
        let part = ann.post_part("/webhooks/backtest", &with(&[change])).await;
        assert!(part.text(".problems").contains(message), "{}", part.body);
    }
    app.finish().await;
}
