//! Several servers on one database: each delivery is for one of them, and what one leaves the others
//! take over.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::load::{Load, Outcome};
use super::place::Place;
use super::{message_id, nothing_is_lost_or_renamed, times_sent};
use crate::support::logpoint::Behaviour;

/// How soon what a killed server had in hand is sent by another.
const HANDED_OVER: Duration = Duration::from_secs(15);

#[tokio::test]
async fn each_delivery_is_sent_by_one_and_what_a_killed_one_had_in_hand_is_taken_over_soon() {
    let place = Place::new("    max_in_flight: 16").await;
    let servers = [place.start().await, place.start().await, place.start().await];
    place.logpoint.always(Behaviour::Delay(Duration::from_millis(3)));
    let mut outcome = Outcome::default();
    for (server, enough) in servers.iter().zip([100, 200, 300]) {
        let load = Load::start(&server.base, &place.token, 6, outcome);
        load.wait_for_accepted(enough).await;
        outcome = load.finish().await;
    }
    place.wait_until_done().await;
    let requests = place.logpoint.requests();
    nothing_is_lost_or_renamed(&outcome.accepted, &requests);
    assert_eq!(requests.len(), outcome.accepted.len(), "some were sent twice");

    // The first one is killed while it waits for sixteen answers, and has more in hand.
    place.logpoint.always(Behaviour::HangBeforeAnswer);
    let sent = requests.len();
    let [one, two, three] = servers;
    let load = Load::start(&one.base, &place.token, 6, outcome);
    load.wait_for_accepted(load.accepted() + 30).await;
    let outcome = load.finish().await;
    place.logpoint.wait_for_requests(sent + 16).await;
    one.kill().await;
    let killed = Instant::now();
    let left: HashSet<String> = place.in_hand().await.into_iter().map(|(id, _)| id).collect();
    let in_flight: HashSet<String> =
        place.logpoint.requests()[sent..].iter().map(message_id).collect();
    place.logpoint.always(Behaviour::Normal);
    place.wait_until_done().await;
    assert!(killed.elapsed() < HANDED_OVER, "{:?}", killed.elapsed());
    let requests = place.logpoint.requests();
    nothing_is_lost_or_renamed(&outcome.accepted, &requests);
    assert!(in_flight.is_subset(&left), "{in_flight:?} {left:?}");
    for (id, times) in times_sent(&requests) {
        assert_eq!(times, if in_flight.contains(&id) { 2 } else { 1 }, "{id}");
    }
    place.end([two, three]).await;
}
