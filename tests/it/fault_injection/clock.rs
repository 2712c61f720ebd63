//! Clocks that are moved by an hour, and clocks that differ by an hour.

use std::time::Duration;

use gatepost::identity::Scope;

use super::environment::Environment;
use super::{message_id, patient_webhook, request_id};
use crate::support::clock::MovedClock;
use crate::support::logpoint::{Behaviour, FakeLogpoint, Options};
use crate::support::{TestApp, event};

const HOUR: Duration = Duration::from_hours(1);
/// An attempt that takes longer than the detection of an unrenewed lease.
const LONG_ATTEMPT: Duration = Duration::from_secs(7);

/// Two servers on one database, one of which has a long attempt in flight.
struct Pair {
    one: TestApp,
    two: TestApp,
    logpoint: FakeLogpoint,
    token: String,
}

impl Pair {
    async fn new(clock_of_two: &MovedClock) -> Self {
        let one = TestApp::start().await;
        let logpoint = FakeLogpoint::start(Options::default()).await;
        one.webhooks(&patient_webhook(&logpoint).file()).await;
        let token = one.token(Scope::Events).await;
        let two = one.beside(clock_of_two).await;
        logpoint.always(Behaviour::Delay(LONG_ATTEMPT));
        Self { one, two, logpoint, token }
    }

    async fn send(&self, app: &TestApp, request: &str) {
        let (status, response) = app.send(&self.token, &event("Granted", request)).await;
        assert_eq!(status, 202, "{response}");
    }

    /// Waits for both attempts, and asserts that neither was repeated.
    async fn end(self) {
        self.one.wait_for("delivered", 2).await;
        let requests: Vec<_> = self.logpoint.requests().iter().map(request_id).collect();
        assert_eq!(requests.len(), 2, "{requests:?}");
        self.two.leave().await;
        self.one.finish().await;
    }
}

async fn a_step_of_all_clocks(step: impl Fn(&MovedClock)) {
    let two = MovedClock::default();
    let pair = Pair::new(&two).await;
    pair.send(&pair.one, "of one").await;
    pair.send(&pair.two, "of two").await;
    pair.logpoint.wait_for_requests(2).await;
    step(&pair.one.clock);
    step(&two);
    pair.end().await;
}

async fn clocks_that_differ() {
    let ahead = MovedClock::default();
    ahead.advance(HOUR);
    let pair = Pair::new(&ahead).await;
    pair.send(&pair.one, "of the one behind").await;
    pair.send(&pair.two, "of the one ahead").await;
    pair.end().await;
}

#[tokio::test]
async fn does_not_resend_attempts_in_flight_when_clocks_move() {
    tokio::join!(
        a_step_of_all_clocks(|clock| clock.advance(HOUR)),
        a_step_of_all_clocks(|clock| clock.step_back(HOUR)),
        clocks_that_differ(),
    );
}

#[tokio::test]
async fn takes_over_from_a_killed_server_after_the_clock_was_set_back() {
    let environment = Environment::new().await;
    let server = environment.start().await;
    environment.logpoint.behave([Behaviour::HangBeforeResponse]);
    assert_eq!(server.send(&environment.token, &event("Granted", "1")).await.0, 202);
    environment.logpoint.wait_for_requests(1).await;
    server.kill().await;
    let clock = MovedClock::default();
    clock.step_back(HOUR);
    let next = TestApp::start_on(&environment.database, &clock).await;
    next.wait_for("delivered", 1).await;
    let requests = environment.logpoint.requests();
    assert_eq!(message_id(&requests[0]), message_id(&requests[1]));
    next.leave().await;
    environment.end([]).await;
}

/// Starts an app with a delivery that failed and is retried in ten minutes, plus or minus a fifth.
async fn with_pending_retry() -> (TestApp, FakeLogpoint, String) {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    app.webhooks(&patient_webhook(&logpoint).with("retry_schedule", vec!["10m"]).file()).await;
    let token = app.token(Scope::Events).await;
    logpoint.behave([Behaviour::Status(500, "no".to_owned())]);
    app.send(&token, &event("Granted", "1")).await;
    app.wait_for("due", 1).await;
    (app, logpoint, token)
}

#[tokio::test]
async fn retries_at_once_after_the_clock_was_set_forward() {
    let (app, logpoint, _token) = with_pending_retry().await;
    app.advance(HOUR).await;
    app.wait_for("delivered", 1).await;
    assert_eq!(logpoint.requests().len(), 2);
    app.finish().await;
}

#[tokio::test]
async fn reschedules_a_retry_after_the_clock_was_set_back() {
    let (app, logpoint, token) = with_pending_retry().await;
    app.clock.step_back(HOUR);
    // New events are delivered as usual.
    app.send(&token, &event("Granted", "2")).await;
    app.wait_for("delivered", 1).await;
    let now = app.clock.sources().now();
    app.wait_until("a plan by the new time", async || {
        let due: chrono::DateTime<chrono::Utc> =
            sqlx::query_scalar("select due_at from delivery_queue")
                .fetch_one(app.database.pool())
                .await
                .unwrap();
        due < now + chrono::TimeDelta::minutes(13)
    })
    .await;
    app.advance(Duration::from_mins(7)).await;
    app.send(&token, &event("Granted", "3")).await;
    app.wait_for("delivered", 2).await;
    assert_eq!(logpoint.requests().len(), 3, "the retry was too early");
    app.advance(Duration::from_mins(6)).await;
    app.wait_for("delivered", 3).await;
    app.finish().await;
}

/// Due deliveries and probes are rescheduled too.
#[tokio::test]
async fn reschedules_due_deliveries_and_probes_after_the_clock_was_set_back() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let webhook = patient_webhook(&logpoint).with("retry_schedule", vec!["1m", "1m"]);
    app.webhooks(&webhook.with("ordered", false).file()).await;
    let token = app.token(Scope::Events).await;
    logpoint.always(Behaviour::Status(500, "no".to_owned()));
    for n in 0..10 {
        app.send(&token, &event("Granted", &n.to_string())).await;
    }
    app.wait_for_failures(10).await;
    // Not due yet, because it waits for the probe.
    app.send(&token, &event("Granted", "late")).await;
    logpoint.always(Behaviour::Accept);
    app.clock.step_back(HOUR);
    let now = app.clock.sources().now();
    app.wait_until("all planned by the new time", async || {
        sqlx::query_scalar::<_, bool>(
            "select not exists (select from delivery_queue where due_at > $1)
                and not exists (select from webhook_breakers where probe_at > $1)",
        )
        .bind(now + chrono::TimeDelta::minutes(2))
        .fetch_one(app.database.pool())
        .await
        .unwrap()
    })
    .await;
    app.advance(Duration::from_mins(2)).await;
    app.wait_for("delivered", 11).await;
    app.finish().await;
}
