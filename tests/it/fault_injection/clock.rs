//! The clock steps an hour forward, and an hour back; and clocks that differ by an hour.

use std::time::{Duration, Instant};

use gatepost::identity::Scope;

use super::place::Place;
use super::{message_id, request_id, tell};
use crate::support::clock::MovedClock;
use crate::support::logpoint::{Behaviour, FakeLogpoint, Options};
use crate::support::{TestApp, event};

const HOUR: Duration = Duration::from_hours(1);
/// An exchange that lasts longer than it takes to find out that nobody renews a lease.
const LONG: Duration = Duration::from_secs(7);

/// Two servers on one database, one of which has a long exchange in flight.
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
        one.webhooks(&tell(&logpoint, "Tell", "")).await;
        let token = one.token(Scope::Events).await;
        let two = one.beside(clock_of_two).await;
        logpoint.always(Behaviour::Delay(LONG));
        Self { one, two, logpoint, token }
    }

    async fn send(&self, app: &TestApp, request: &str) {
        let (status, answer) = app.send(&self.token, &event("Granted", request)).await;
        assert_eq!(status, 202, "{answer}");
    }

    /// Waits for both exchanges to end: neither has begun a second time.
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
async fn what_is_in_flight_is_not_sent_again_whatever_the_clocks_do() {
    tokio::join!(
        a_step_of_all_clocks(|clock| clock.advance(HOUR)),
        a_step_of_all_clocks(|clock| clock.step_back(HOUR)),
        clocks_that_differ(),
    );
}

#[tokio::test]
async fn what_a_killed_server_had_in_hand_is_taken_over_after_a_step_back() {
    let place = Place::new("").await;
    let server = place.start().await;
    place.logpoint.behave([Behaviour::HangBeforeAnswer]);
    assert_eq!(server.send(&place.token, &event("Granted", "1")).await.0, 202);
    place.logpoint.wait_for_requests(1).await;
    server.kill().await;
    let killed = Instant::now();
    let clock = MovedClock::default();
    clock.step_back(HOUR);
    let next = TestApp::start_on(&place.database, &clock).await;
    next.wait_for("delivered", 1).await;
    assert!(killed.elapsed() < Duration::from_secs(15), "{:?}", killed.elapsed());
    let requests = place.logpoint.requests();
    assert_eq!(message_id(&requests[0]), message_id(&requests[1]));
    next.leave().await;
    place.end([]).await;
}

/// A webhook whose one delivery has failed and is tried again in ten minutes, give or take a fifth.
async fn one_to_try_again() -> (TestApp, FakeLogpoint, String) {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    app.webhooks(&tell(&logpoint, "Tell", "    retry_schedule: [10m]")).await;
    let token = app.token(Scope::Events).await;
    logpoint.behave([Behaviour::Status(500, "no".to_owned())]);
    app.send(&token, &event("Granted", "1")).await;
    app.wait_for("due", 1).await;
    (app, logpoint, token)
}

#[tokio::test]
async fn a_retry_goes_out_at_once_after_a_step_forward() {
    let (app, logpoint, _token) = one_to_try_again().await;
    app.advance(HOUR).await;
    app.wait_for("delivered", 1).await;
    assert_eq!(logpoint.requests().len(), 2);
    app.finish().await;
}

#[tokio::test]
async fn a_retry_is_planned_anew_after_a_step_back_and_not_late_by_the_step() {
    let (app, logpoint, token) = one_to_try_again().await;
    app.clock.step_back(HOUR);
    // Whatever comes in now goes out as ever.
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
    assert_eq!(logpoint.requests().len(), 3, "the retry came too early");
    app.advance(Duration::from_mins(6)).await;
    app.wait_for("delivered", 3).await;
    app.finish().await;
}

/// What only waits for its turn, and a probe, are as little late.
#[tokio::test]
async fn what_waits_and_probes_are_not_late_after_a_step_back() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    app.webhooks(&tell(&logpoint, "Tell", "    retry_schedule: [1m, 1m]\n    ordered: false"))
        .await;
    let token = app.token(Scope::Events).await;
    logpoint.always(Behaviour::Status(500, "no".to_owned()));
    for n in 0..10 {
        app.send(&token, &event("Granted", &n.to_string())).await;
    }
    let failures = async || -> i32 {
        sqlx::query_scalar("select coalesce(max(failures), 0) from webhook_breakers")
            .fetch_one(app.database.pool())
            .await
            .unwrap()
    };
    app.wait_until("ten failures", async || failures().await >= 10).await;
    // Its time has not come, for it waits for the probe.
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
