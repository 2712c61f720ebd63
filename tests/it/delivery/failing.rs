//! A webhook that fails again and again: the breaker, probes, pausing; limits.

use std::time::{Duration, Instant};

use gatepost::identity::Scope;
use serde_json::Value;

use super::reopen;
use crate::support::logpoint::{Behaviour, FakeLogpoint, Options};
use crate::support::{TestApp, event};

fn no() -> Behaviour {
    Behaviour::Status(500, "no".to_owned())
}

fn many(from: usize, to: usize) -> Value {
    (from..to).map(|n| event("Granted", &n.to_string())).collect::<Vec<_>>().into()
}

/// Ten failures in a row, and five more deliveries that wait.
async fn open(app: &TestApp, logpoint: &FakeLogpoint, token: &str) {
    logpoint.always(no());
    app.send(token, &many(0, 10)).await;
    app.wait_until("the breaker", async || {
        sqlx::query_scalar("select count(probe_at) > 0 from webhook_breakers")
            .fetch_one(app.database.pool())
            .await
            .unwrap()
    })
    .await;
    app.send(token, &many(10, 15)).await;
}

async fn failures(app: &TestApp) -> i32 {
    sqlx::query_scalar("select coalesce(max(failures), 0) from webhook_breakers")
        .fetch_one(app.database.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn after_ten_failures_the_rest_waits_for_probes_and_uses_up_no_attempts() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    app.webhooks(&reopen(&logpoint, "Reopen", "")).await;
    let token = app.token(Scope::Events).await;
    open(&app, &logpoint, &token).await;
    app.wait_for("due", 15).await;
    assert_eq!(logpoint.requests().len(), 10);
    // One probe when its time has come, though fifteen are due by then.
    app.advance(Duration::from_secs(8)).await;
    logpoint.wait_for_requests(11).await;
    app.wait_until("the probe's result", async || failures(&app).await == 11).await;
    app.wait_for("due", 15).await;
    let untried: i64 = sqlx::query_scalar("select count(*) from deliveries where attempts = 0")
        .fetch_one(app.database.pool())
        .await
        .unwrap();
    assert!(untried >= 4, "{untried}");
    assert_eq!(logpoint.requests().len(), 11);
    // The server is well again: the next probe shows it, and everything goes out.
    logpoint.always(Behaviour::Normal);
    app.advance(Duration::from_mins(1)).await;
    app.wait_for("delivered", 15).await;
    assert_eq!(failures(&app).await, 0);
    app.finish().await;
}

#[tokio::test]
async fn a_successful_test_closes_the_breaker_at_once() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let ids = app.webhooks(&reopen(&logpoint, "Reopen", "")).await;
    let token = app.token(Scope::Events).await;
    open(&app, &logpoint, &token).await;
    app.wait_for("due", 15).await;
    logpoint.always(Behaviour::Normal);
    let mut ann = app.admin().await;
    let sent = ann.post(&format!("/webhooks/{}/test", ids[0]), &[]).await;
    assert_eq!(sent.status, 303, "{}", sent.body);
    app.wait_for("delivered", 5).await;
    app.advance(Duration::from_secs(8)).await;
    app.wait_for("delivered", 15).await;
    app.finish().await;
}

#[tokio::test]
async fn five_days_of_nothing_but_failures_pause_the_webhook_and_the_table_says_why() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    app.webhooks(&reopen(&logpoint, "Reopen", "")).await;
    let token = app.token(Scope::Events).await;
    open(&app, &logpoint, &token).await;
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
async fn gone_pauses_the_webhook_and_switching_it_on_sends_what_waited() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let ids = app.webhooks(&reopen(&logpoint, "Reopen", "")).await;
    let token = app.token(Scope::Events).await;
    logpoint.behave([Behaviour::Status(410, String::new())]);
    app.send(&token, &event("Granted", "1")).await;
    app.wait_for("held", 1).await;
    let mut ann = app.admin().await;
    let seen = ann.get("/webhooks").await;
    assert!(
        seen.text("tbody td.last").contains("Paused: The server answered 410 Gone"),
        "{}",
        seen.body
    );
    // Nobody wanted what comes in meanwhile to be lost: it waits too.
    let (_, answer) = app.send(&token, &event("Granted", "2")).await;
    assert_eq!(answer["events"][0]["deliveries"], 1);
    app.wait_for("held", 2).await;
    ann.post(&format!("/webhooks/{}/active", ids[0]), &[("active", "true")]).await;
    app.wait_for("delivered", 2).await;
    assert!(!ann.get("/webhooks").await.body.contains("410 Gone"));
    app.finish().await;
}

#[tokio::test]
async fn a_webhook_has_no_more_exchanges_at_once_than_it_may() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let good = FakeLogpoint::start(Options::default()).await;
    app.webhooks(&reopen(&logpoint, "Slow", "    max_in_flight: 3")).await;
    app.webhooks(&reopen(&good, "Good", "")).await;
    let token = app.token(Scope::Events).await;
    logpoint.always(Behaviour::Delay(Duration::from_millis(300)));
    app.send(&token, &many(0, 9)).await;
    // The other one is not held up by it.
    good.wait_for_requests(9).await;
    assert!(logpoint.requests().len() <= 3, "{}", logpoint.requests().len());
    app.wait_for("delivered", 18).await;
    app.finish().await;
}

#[tokio::test]
async fn a_rate_is_kept() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    app.webhooks(&reopen(&logpoint, "Slow", "    rate_per_minute: 600")).await;
    let token = app.token(Scope::Events).await;
    let begun = Instant::now();
    app.send(&token, &many(0, 20)).await;
    app.wait_for("delivered", 20).await;
    // Ten at once, then one each tenth of a second.
    assert!(begun.elapsed() > Duration::from_millis(850), "{:?}", begun.elapsed());
    app.finish().await;
}

#[tokio::test]
async fn a_rate_counts_for_all_instances_together() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    app.webhooks(&reopen(&logpoint, "Slow", "    rate_per_minute: 600")).await;
    let token = app.token(Scope::Events).await;
    let other = app.beside(&app.clock).await;
    let begun = Instant::now();
    let (ten, another) = (many(0, 10), many(10, 20));
    tokio::join!(app.send(&token, &ten), other.send(&token, &another));
    app.wait_for("delivered", 20).await;
    // As above: two instances that count by themselves would send all at once.
    assert!(begun.elapsed() > Duration::from_millis(850), "{:?}", begun.elapsed());
    other.leave().await;
    app.finish().await;
}

#[tokio::test]
async fn what_is_due_is_found_among_many_webhooks_that_have_nothing() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    for n in 0..12 {
        let trigger = if n == 7 { "[Granted]" } else { "[Failed]" };
        let yaml = reopen(&logpoint, &format!("Webhook {n}"), "");
        app.webhooks(&yaml.replace("[Created, Granted]", trigger)).await;
    }
    let token = app.token(Scope::Events).await;
    logpoint.behave([no(), no(), no()]);
    app.send(&token, &many(0, 3)).await;
    app.wait_for("due", 3).await;
    app.advance(Duration::from_secs(8)).await;
    app.wait_for("delivered", 3).await;
    app.finish().await;
}
