//! kill -9 of the server, again and again.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::load::{Load, Outcome};
use super::place::Place;
use super::{nothing_is_lost_or_renamed, random, times_sent};
use crate::support::logpoint::Behaviour;

const KILLS: usize = 20;

#[tokio::test]
async fn twenty_kills_lose_nothing_and_double_only_what_was_in_flight() {
    let place = Place::new("    max_in_flight: 32").await;
    place.logpoint.always(Behaviour::Delay(Duration::from_millis(15)));
    let mut outcome = Outcome::default();
    let mut in_flight: HashSet<(String, String)> = HashSet::new();
    for round in 0..KILLS {
        let server = place.start().await;
        let load = Load::start(&server.base, &place.token, 12, outcome);
        load.wait_for_accepted(load.accepted() + 1 + random(60)).await;
        server.kill().await;
        outcome = load.end().await;
        place.wait_for_quiet().await;
        in_flight.extend(place.in_hand().await);
        // Every other time what was in hand is taken over at once, to be killed again soon.
        if round % 2 == 0 {
            place.take_over().await;
        }
    }
    place.end_leases().await;
    let server = place.start().await;
    let load = Load::start(&server.base, &place.token, 12, outcome);
    load.wait_for_accepted(load.accepted() + 12).await;
    let outcome = load.finish().await;
    place.wait_until_done().await;

    let requests = place.logpoint.requests();
    nothing_is_lost_or_renamed(&outcome.accepted, &requests);
    assert!(!in_flight.is_empty() && outcome.unanswered > 0, "the kills hit nothing");
    let mut losses: HashMap<&str, usize> = HashMap::new();
    for (id, _) in &in_flight {
        *losses.entry(id).or_default() += 1;
    }
    for (id, times) in times_sent(&requests) {
        let lost = losses.get(id.as_str()).copied().unwrap_or_default();
        assert!(times <= 1 + lost, "{id} was sent {times} times, and in hand at {lost} kills");
    }
    place.end([server]).await;
}
