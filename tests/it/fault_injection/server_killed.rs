//! Repeated SIGKILL of the server.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::environment::Environment;
use super::load::{Load, Outcome};
use super::{assert_nothing_lost_or_renamed, random, times_sent};
use crate::support::logpoint::Behaviour;

const KILLS: usize = 20;

#[tokio::test]
async fn twenty_kills_lose_nothing_and_resend_only_attempts_in_flight() {
    let environment = Environment::with(|webhook| webhook.with("max_in_flight", 32)).await;
    environment.logpoint.always(Behaviour::Delay(Duration::from_millis(15)));
    let mut outcome = Outcome::default();
    let mut in_flight: HashSet<(String, String)> = HashSet::new();
    for round in 0..KILLS {
        let server = environment.start().await;
        let load = Load::start(&server.base, &environment.token, 12, outcome);
        load.wait_for_accepted(load.accepted() + 1 + random(60)).await;
        server.kill().await;
        outcome = load.end().await;
        environment.wait_for_quiet().await;
        in_flight.extend(environment.list_leased().await);
        // Every other time, leased deliveries are taken over at once, to be interrupted again.
        if round % 2 == 0 {
            environment.take_over().await;
        }
    }
    environment.expire_leases().await;
    let server = environment.start().await;
    let load = Load::start(&server.base, &environment.token, 12, outcome);
    load.wait_for_accepted(load.accepted() + 12).await;
    let outcome = load.finish().await;
    environment.wait_until_done().await;

    let requests = environment.logpoint.requests();
    assert_nothing_lost_or_renamed(&outcome.accepted, &requests);
    assert!(!in_flight.is_empty() && !outcome.unanswered.is_empty(), "the kills hit nothing");
    let mut losses: HashMap<&str, usize> = HashMap::new();
    for (id, _) in &in_flight {
        *losses.entry(id).or_default() += 1;
    }
    for (id, times) in times_sent(&requests) {
        let lost = losses.get(id.as_str()).copied().unwrap_or_default();
        assert!(times <= 1 + lost, "{id} was sent {times} times, and was leased at {lost} kills");
    }
    environment.end([server]).await;
}
