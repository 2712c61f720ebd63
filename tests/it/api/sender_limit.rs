//! `GATEPOST_EVENTS_PER_MINUTE`.

use std::num::NonZeroU32;
use std::time::Duration;

use gatepost::actions::NewToken;
use gatepost::identity::Scope;
use gatepost::model::Actor;
use gatepost::model::sender_key::SenderScheme;
use reqwest::Response;
use serde_json::Value;

use crate::support::{TestApp, event, http};

/// Starts an app with a limit of 10 events, and stops its clock.
async fn start() -> TestApp {
    let app = TestApp::start_with(|config| config.events_per_minute = NonZeroU32::new(10)).await;
    app.clock.stop();
    app
}

/// Sends this number of new events.
async fn send(app: &TestApp, token: &str, count: usize) -> Response {
    let events = (0..count).map(|_| event("Granted", &rand::random::<u64>().to_string()));
    let request = http().post(app.url("/api/v1/events")).bearer_auth(token);
    request.json(&events.collect::<Vec<_>>()).send().await.unwrap()
}

async fn stored(app: &TestApp) -> i64 {
    let pool = app.database.pool();
    sqlx::query_scalar("select count(*) from events").fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn a_sender_over_its_limit_is_rejected_until_it_has_waited() {
    let app = start().await;
    let (token, other) = (app.token(Scope::Events).await, app.token(Scope::Manage).await);
    assert_eq!(send(&app, &token, 8).await.status(), 202);
    let rejected = send(&app, &token, 3).await;
    assert_eq!(rejected.status(), 429);
    assert_eq!(rejected.headers()["retry-after"], "6");
    let problem: Value = rejected.json().await.unwrap();
    assert_eq!(problem["type"], "/problems/too-many-requests");
    assert_eq!(
        problem["detail"],
        "The token \"a token for events\" may send 10 events per minute. Nothing was stored. Send the request again after 6 s."
    );
    assert_eq!(stored(&app).await, 8);
    // A rejected request uses up nothing, and neither does one with an invalid event.
    let invalid = http().post(app.url("/api/v1/events")).bearer_auth(&token);
    assert_eq!(invalid.json(&vec![Value::Null; 2]).send().await.unwrap().status(), 422);
    assert_eq!(send(&app, &token, 2).await.status(), 202);
    assert_eq!(send(&app, &token, 1).await.status(), 429);
    app.clock.advance(Duration::from_secs(6));
    assert_eq!(send(&app, &token, 1).await.status(), 202);
    assert_eq!(send(&app, &token, 1).await.status(), 429);
    assert_eq!(stored(&app).await, 11);

    let read = app.token(Scope::Read).await;
    let metrics = http().get(app.url("/metrics")).bearer_auth(&read).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    let line = "gatepost_event_requests_rejected_total{reason=\"too_many_requests\"} 3";
    assert!(metrics.lines().any(|found| found == line), "{metrics}");
    assert_eq!(send(&app, &other, 1).await.status(), 403, "the limit changes no permission");
    app.finish().await;
}

#[tokio::test]
async fn a_batch_that_can_never_be_accepted_is_not_to_be_repeated() {
    let app = start().await;
    let token = app.token(Scope::Events).await;
    let rejected = send(&app, &token, 11).await;
    assert_eq!(rejected.status(), 413);
    assert!(!rejected.headers().contains_key("retry-after"));
    let problem: Value = rejected.json().await.unwrap();
    assert_eq!(
        problem["detail"],
        "The token \"a token for events\" may send 10 events per minute, but this request has 11. Nothing was stored. Send at most 10 events at once."
    );
    assert_eq!((send(&app, &token, 10).await.status().as_u16(), stored(&app).await), (202, 10));
    app.finish().await;
}

#[tokio::test]
async fn a_key_without_a_token_has_its_own_limit() {
    let app = start().await;
    let token = app.token(Scope::Events).await;
    let signature = Some((SenderScheme::HmacSha256, true));
    let new = NewToken { name: "signed", scope: Scope::Events, lifetime: None, signature };
    let issued = app.actions.issue_token(new, &Actor::COMMAND_LINE).await.unwrap();
    let key = issued.key.unwrap();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key.expose().as_bytes());
    let send_signed = async |count: usize| {
        let events = (0..count).map(|_| event("Granted", &rand::random::<u64>().to_string()));
        let body = serde_json::to_string(&events.collect::<Vec<_>>()).unwrap();
        let timestamp = app.clock.sources().now().timestamp();
        let tag = aws_lc_rs::hmac::sign(&key, format!("{timestamp}.{body}").as_bytes());
        let request = http()
            .post(app.url("/api/v1/events"))
            .header("content-type", "application/json")
            .header("x-gatepost-timestamp", timestamp)
            .header("x-gatepost-signature", hex::encode(tag.as_ref()));
        request.body(body).send().await.unwrap().status().as_u16()
    };
    assert_eq!(send_signed(10).await, 202);
    assert_eq!(send_signed(1).await, 429);
    assert_eq!(send(&app, &token, 10).await.status(), 202);
    app.finish().await;
}

#[tokio::test]
async fn without_a_limit_a_sender_can_send_as_much_as_it_wants() {
    let app = TestApp::start().await;
    app.clock.stop();
    let token = app.token(Scope::Events).await;
    for _ in 0..3 {
        assert_eq!(send(&app, &token, 1000).await.status(), 202);
    }
    app.finish().await;
}
