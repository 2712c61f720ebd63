//! Failing webhooks: circuit breaker, probes and pausing. Also limits of webhooks.

use crate::support::builders::WebhookBuilder;
use crate::support::scenario::Scenario;
use std::time::{Duration, Instant};

use gatepost::identity::Scope;
use serde_json::Value;

use crate::support::logpoint::{Behaviour, FakeLogpoint, Options};
use crate::support::{TestApp, event};

fn failing() -> Behaviour {
    Behaviour::Status(500, "no".to_owned())
}

fn events(from: usize, to: usize) -> Value {
    (from..to).map(|n| event("Granted", &n.to_string())).collect::<Vec<_>>().into()
}

/// Opens the breaker with ten consecutive failures, and sends five more events, which wait.
async fn open_breaker(app: &TestApp, logpoint: &FakeLogpoint, token: &str) {
    logpoint.always(failing());
    app.send(token, &events(0, 10)).await;
    app.wait_until("the breaker", async || {
        sqlx::query_scalar("select count(probe_at) > 0 from webhook_breakers")
            .fetch_one(app.database.pool())
            .await
            .unwrap()
    })
    .await;
    app.send(token, &events(10, 15)).await;
}

#[tokio::test]
async fn holds_deliveries_back_after_ten_failures_without_using_up_attempts() {
    let Scenario { app, logpoint, token, .. } = Scenario::start().await;
    open_breaker(&app, &logpoint, &token).await;
    app.wait_for("due", 15).await;
    assert_eq!(logpoint.requests().len(), 10);
    // A single probe, although fifteen deliveries are due by then.
    app.advance(Duration::from_secs(8)).await;
    logpoint.wait_for_requests(11).await;
    app.wait_for_failures(11).await;
    app.wait_for("due", 15).await;
    let untried: i64 = sqlx::query_scalar("select count(*) from deliveries where attempts = 0")
        .fetch_one(app.database.pool())
        .await
        .unwrap();
    assert!(untried >= 4, "{untried}");
    assert_eq!(logpoint.requests().len(), 11);
    // The server has recovered: the next probe succeeds and everything is sent.
    logpoint.always(Behaviour::Normal);
    app.advance(Duration::from_mins(1)).await;
    app.wait_for("delivered", 15).await;
    app.wait_for_failures(0).await;
    app.finish().await;
}

#[tokio::test]
async fn closes_the_breaker_after_a_successful_test() {
    let Scenario { app, logpoint, webhook, token } = Scenario::start().await;
    open_breaker(&app, &logpoint, &token).await;
    app.wait_for("due", 15).await;
    logpoint.always(Behaviour::Normal);
    let mut ann = app.admin().await;
    let sent = ann.post(&format!("/webhooks/{webhook}/test"), &[]).await;
    assert_eq!(sent.status, 303, "{}", sent.body);
    app.wait_for("delivered", 5).await;
    app.advance(Duration::from_secs(8)).await;
    app.wait_for("delivered", 15).await;
    app.finish().await;
}

#[tokio::test]
async fn pauses_a_webhook_after_five_days_of_failures_and_shows_the_reason() {
    let Scenario { app, logpoint, token, .. } = Scenario::start().await;
    open_breaker(&app, &logpoint, &token).await;
    app.wait_for("due", 15).await;
    app.advance(Duration::from_hours(5 * 24 + 1)).await;
    app.wait_for("held", 15).await;
    let mut ann = app.admin().await;
    let seen = ann.get("/webhooks").await;
    assert_eq!(seen.text("tbody td.status"), "Inactive");
    assert!(
        seen.text("tbody td.last").contains("Paused: All attempts failed for 5 days"),
        "{}",
        seen.body
    );
    app.finish().await;
}

#[tokio::test]
async fn pauses_a_webhook_on_status_410_and_sends_held_deliveries_when_activated() {
    let Scenario { app, logpoint, webhook, token } = Scenario::start().await;
    logpoint.behave([Behaviour::Status(410, String::new())]);
    app.send(&token, &event("Granted", "1")).await;
    app.wait_for("held", 1).await;
    let mut ann = app.admin().await;
    let seen = ann.get("/webhooks").await;
    assert!(
        seen.text("tbody td.last").contains("Paused: The server responded with 410 Gone"),
        "{}",
        seen.body
    );
    // Events received while it is paused are held too.
    let (_, response) = app.send(&token, &event("Granted", "2")).await;
    assert_eq!(response["events"][0]["deliveries"], 1);
    app.wait_for("held", 2).await;
    ann.post(&format!("/webhooks/{webhook}/active"), &[("active", "true")]).await;
    app.wait_for("delivered", 2).await;
    assert!(!ann.get("/webhooks").await.body.contains("410 Gone"));
    app.finish().await;
}

#[tokio::test]
async fn limits_attempts_in_flight_per_webhook() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let good = FakeLogpoint::start(Options::default()).await;
    app.webhooks(&WebhookBuilder::reopen(&logpoint).with("max_in_flight", 3).file()).await;
    app.webhooks(&WebhookBuilder::reopen(&good).name("Good").file()).await;
    let token = app.token(Scope::Events).await;
    logpoint.always(Behaviour::Delay(Duration::from_millis(300)));
    app.send(&token, &events(0, 9)).await;
    // The other webhook is not delayed.
    good.wait_for_requests(9).await;
    assert!(logpoint.requests().len() <= 3, "{}", logpoint.requests().len());
    app.wait_for("delivered", 18).await;
    app.finish().await;
}

#[tokio::test]
async fn keeps_to_the_rate_limit() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    app.webhooks(&WebhookBuilder::reopen(&logpoint).with("rate_per_minute", 600).file()).await;
    let token = app.token(Scope::Events).await;
    let begun = Instant::now();
    app.send(&token, &events(0, 20)).await;
    app.wait_for("delivered", 20).await;
    // A burst of ten, then one every 100 ms.
    assert!(begun.elapsed() > Duration::from_millis(850), "{:?}", begun.elapsed());
    app.finish().await;
}

#[tokio::test]
async fn shares_the_rate_limit_among_instances() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    app.webhooks(&WebhookBuilder::reopen(&logpoint).with("rate_per_minute", 600).file()).await;
    let token = app.token(Scope::Events).await;
    let other = app.beside(&app.clock).await;
    let begun = Instant::now();
    let (ten, another) = (events(0, 10), events(10, 20));
    tokio::join!(app.send(&token, &ten), other.send(&token, &another));
    app.wait_for("delivered", 20).await;
    // As above. Two instances with separate limits would send everything at once.
    assert!(begun.elapsed() > Duration::from_millis(850), "{:?}", begun.elapsed());
    other.leave().await;
    app.finish().await;
}

#[tokio::test]
async fn finds_due_deliveries_among_many_idle_webhooks() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    for n in 0..12 {
        let trigger = if n == 7 { "Granted" } else { "Failed" };
        let webhook = WebhookBuilder::reopen(&logpoint).name(&format!("Webhook {n}"));
        app.webhooks(&webhook.triggers(&[trigger]).file()).await;
    }
    let token = app.token(Scope::Events).await;
    logpoint.behave([failing(), failing(), failing()]);
    app.send(&token, &events(0, 3)).await;
    app.wait_for("due", 3).await;
    app.advance(Duration::from_secs(8)).await;
    app.wait_for("delivered", 3).await;
    app.finish().await;
}
