//! Attempts, judging of responses, and retries.

use crate::support::builders::WebhookBuilder;
use crate::support::scenario::Scenario;
use serde_json::json;
use std::time::Duration;

use gatepost::identity::Scope;

use crate::support::logpoint::{Behaviour, FakeLogpoint, INCIDENTS, Options, State};
use crate::support::{TestApp, event};

async fn last_error(app: &TestApp) -> Option<String> {
    sqlx::query_scalar("select last_error from deliveries")
        .fetch_one(app.database.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn sends_an_event_that_reopens_an_incident() {
    let Scenario { app, logpoint, token, .. } = Scenario::start().await;
    assert_eq!(logpoint.incident(INCIDENTS[0]).unwrap().state, State::Closed);
    app.send(&token, &event("Granted", "1")).await;
    app.wait_for("delivered", 1).await;
    assert_eq!(logpoint.incident(INCIDENTS[0]).unwrap().state, State::Open);
    let sent = &logpoint.requests()[0];
    assert_eq!(sent.header("content-type"), Some("application/json"));
    assert!(sent.header("user-agent").unwrap().starts_with("Gatepost/"));
    assert!(sent.header("webhook-timestamp").is_some());
    assert_eq!(sent.json()["id"], sent.header("webhook-id").unwrap());
    app.finish().await;
}

#[tokio::test]
async fn retries_status_200_with_success_false_under_the_same_id() {
    let Scenario { app, logpoint, token, .. } = Scenario::start().await;
    logpoint.behave([Behaviour::RejectWithStatus200, Behaviour::Status(503, "busy".to_owned())]);
    app.send(&token, &event("Granted", "1")).await;
    app.wait_until("the first attempt", async || last_error(&app).await.is_some()).await;
    assert_eq!(last_error(&app).await.unwrap(), "Rejected: Authentication Failed");
    app.advance(Duration::from_secs(7)).await;
    app.wait_until("the second attempt", async || {
        last_error(&app).await.as_deref() == Some("HTTP 503")
    })
    .await;
    app.advance(Duration::from_secs(37)).await;
    app.wait_for("delivered", 1).await;
    let ids: Vec<_> = logpoint.requests().iter().map(|one| one.json()["id"].clone()).collect();
    assert!(ids[0] == ids[1] && ids[1] == ids[2], "{ids:?}");
    let tries: Vec<_> = logpoint.requests().iter().map(|one| one.json()["try"].clone()).collect();
    assert_eq!(tries, [1, 2, 3]);
    app.finish().await;
}

#[tokio::test]
async fn treats_broken_responses_as_failures_without_delaying_other_webhooks() {
    let app = TestApp::start().await;
    let (bad, good) = (
        FakeLogpoint::start(Options::default()).await,
        FakeLogpoint::start(Options::default()).await,
    );
    app.webhooks(&WebhookBuilder::reopen(&bad).name("Bad").file()).await;
    app.webhooks(&WebhookBuilder::reopen(&good).name("Good").file()).await;
    let token = app.token(Scope::Events).await;
    let ways = [
        Behaviour::HangAfterHeaders,
        Behaviour::HangBeforeResponse,
        Behaviour::HangUp,
        Behaviour::CutBody,
        Behaviour::EndlessBody,
        Behaviour::HugeBody(100 * 1024 * 1024),
        Behaviour::Garbage,
        Behaviour::NotJson,
    ];
    let count = i64::try_from(ways.len()).unwrap();
    bad.behave(ways);
    for n in 0..count {
        app.send(&token, &event("Granted", &n.to_string())).await;
    }
    // The healthy target has all events while the other one still hangs.
    app.wait_for("delivered", count).await;
    app.wait_until("all failures", async || {
        let failed: i64 =
            sqlx::query_scalar("select count(*) from deliveries where last_error is not null")
                .fetch_one(app.database.pool())
                .await
                .unwrap();
        failed == count
    })
    .await;
    // At most 64 KiB of a response are kept.
    let longest: i32 = sqlx::query_scalar("select max(length(record)) from invocations")
        .fetch_one(app.database.pool())
        .await
        .unwrap();
    assert!(longest < 200 * 1024, "{longest}");
    app.advance(Duration::from_secs(7)).await;
    app.wait_for("delivered", 2 * count).await;
    app.finish().await;
}

#[tokio::test]
async fn shows_a_delivery_as_failed_after_the_last_attempt() {
    let Scenario { app, logpoint, token, .. } = Scenario::start().await;
    logpoint.always(Behaviour::Status(500, "no".to_owned()));
    app.send(&token, &event("Granted", "1")).await;
    for attempt in 1..10 {
        logpoint.wait_for_requests(attempt).await;
        app.wait_for("due", 1).await;
        app.advance(Duration::from_hours(15)).await;
    }
    app.wait_for("failed", 1).await;
    assert_eq!(logpoint.requests().len(), 10);
    app.finish().await;
}

#[tokio::test]
async fn waits_as_long_as_retry_after_asks() {
    let Scenario { app, logpoint, token, .. } = Scenario::start().await;
    logpoint.behave([Behaviour::RetryAfter(429, 600)]);
    app.send(&token, &event("Granted", "1")).await;
    app.wait_until("the first attempt", async || last_error(&app).await.is_some()).await;
    let wait: f64 = sqlx::query_scalar(
        "select extract(epoch from due_at - created_at)::float8 from deliveries",
    )
    .fetch_one(app.database.pool())
    .await
    .unwrap();
    assert!((599.0..615.0).contains(&wait), "{wait}");
    app.advance(Duration::from_secs(620)).await;
    app.wait_for("delivered", 1).await;
    app.finish().await;
}

#[tokio::test]
async fn does_not_follow_redirects() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let other = FakeLogpoint::start(Options::default()).await;
    app.webhooks(&WebhookBuilder::reopen(&logpoint).file()).await;
    let token = app.token(Scope::Events).await;
    logpoint.behave([Behaviour::Redirect(other.url("/reopen_incident"))]);
    app.send(&token, &event("Granted", "1")).await;
    app.wait_until("the first attempt", async || last_error(&app).await.is_some()).await;
    assert_eq!(last_error(&app).await.unwrap(), "HTTP 307");
    assert!(other.requests().is_empty());
    app.finish_with_leftovers().await;
}

#[tokio::test]
async fn sends_only_events_that_match_triggers_and_filters() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let filters =
        json!({ "integration": ["prod *"], "resource_type": ["database"], "approval": ["manual"] });
    app.webhooks(&WebhookBuilder::reopen(&logpoint).with("filters", filters).file()).await;
    let token = app.token(Scope::Events).await;
    let mut other_integration = event("Granted", "1");
    other_integration["data"]["access_groups"][0]["integration"]["name"] = "staging".into();
    let mut automatic = event("Granted", "2");
    automatic["data"]["approvals"] = serde_json::json!([]);
    for (event, expected) in [
        (other_integration, 0),
        (automatic, 0),
        (event("Expired", "3"), 0),
        (event("Granted", "4"), 1),
        (event("Created", "5"), 1),
    ] {
        let (_, response) = app.send(&token, &event).await;
        assert_eq!(response["events"][0]["deliveries"], expected, "{event}");
    }
    app.wait_for("delivered", 2).await;
    app.finish().await;
}

#[tokio::test]
async fn stores_no_secret_in_plain_text() {
    let Scenario { app, logpoint, token, .. } = Scenario::start().await;
    // The server echoes the request's key in its response.
    logpoint.behave([Behaviour::Status(500, "demo-key is wrong".to_owned())]);
    app.send(&token, &event("Granted", "1")).await;
    app.wait_until("the first attempt", async || last_error(&app).await.is_some()).await;
    app.advance(Duration::from_secs(7)).await;
    app.wait_for("delivered", 1).await;
    for (table, column) in [
        ("webhooks", "definition || encode(sealed, 'escape')"),
        ("invocations", "record"),
        ("deliveries", "coalesce(last_error, '')"),
    ] {
        let sql = format!("select count(*) from {table} where {column} like '%demo-key%'");
        let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_one(app.database.pool())
            .await
            .unwrap();
        assert_eq!(count, 0, "{table}");
    }
    app.finish().await;
}

#[tokio::test]
async fn keeps_waiting_deliveries_over_a_restart() {
    let Scenario { app, logpoint, token, .. } = Scenario::start().await;
    logpoint.behave([Behaviour::Status(500, "no".to_owned())]);
    app.send(&token, &event("Granted", "1")).await;
    app.wait_for("due", 1).await;
    let app = app.restart().await;
    app.advance(Duration::from_secs(7)).await;
    app.wait_for("delivered", 1).await;
    app.finish().await;
}

#[tokio::test]
async fn an_object_that_looks_like_a_token_of_the_parser_is_sent_as_what_it_is() {
    let body =
        r#"{"type": "{{event_type}}", "why": {{json data.justification}}, "id": "{{data.id}}"}"#;
    let Scenario { app, logpoint, token, .. } = Scenario::with_webhook(|webhook| {
        webhook
            .with("body_template", body)
            .with("filters", json!({ "requester": ["user@example.com"] }))
    })
    .await;
    logpoint.always(Behaviour::Accept);
    for (number, justification) in [
        json!({ "$serde_json::private::RawValue": "not json" }),
        json!({ "$serde_json::private::Number": "abc" }),
    ]
    .into_iter()
    .enumerate()
    {
        let mut sent = event("Granted", &number.to_string());
        sent["data"]["justification"] = justification.clone();
        app.send(&token, &sent).await;
        app.wait_for("delivered", i64::try_from(number).unwrap() + 1).await;
        // As text: reading it as JSON would have the same flaw.
        let received = logpoint.requests().pop().unwrap().body;
        let expected = format!(
            r#"{{"type": "AccessRequestGranted", "why": {justification}, "id": "{number}"}}"#
        );
        assert_eq!(String::from_utf8_lossy(&received), expected);
    }
    app.finish().await;
}
