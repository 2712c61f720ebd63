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

/// A time to try again is a time of day: after a step back it is reached when the clock is there
/// again, which is later by the step and no more. After a step forward it has come.
#[tokio::test]
async fn a_retry_goes_out_after_a_step_forward_at_once_and_after_a_step_back_later_by_the_step() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    app.webhooks(&tell(&logpoint, "Tell", "    retry_schedule: [10m, 10m]")).await;
    let token = app.token(Scope::Events).await;
    let no = || Behaviour::Status(500, "no".to_owned());
    logpoint.behave([no(), no()]);
    app.send(&token, &event("Granted", "1")).await;
    app.wait_for("due", 1).await;
    // Ten minutes were to go; an hour passes at once.
    app.advance(HOUR).await;
    logpoint.wait_for_requests(2).await;
    app.wait_for("due", 1).await;

    app.clock.step_back(HOUR);
    // Whatever comes in now goes out as ever.
    app.send(&token, &event("Granted", "2")).await;
    app.wait_for("delivered", 1).await;
    app.advance(Duration::from_mins(59)).await;
    app.send(&token, &event("Granted", "3")).await;
    app.wait_for("delivered", 2).await;
    assert_eq!(logpoint.requests().len(), 4, "the retry came too early");
    app.advance(Duration::from_mins(14)).await;
    app.wait_for("delivered", 3).await;
    app.finish().await;
}
