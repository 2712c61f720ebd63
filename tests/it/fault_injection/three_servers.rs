//! Several servers on one database send each delivery once and take over from a killed one.

use std::collections::HashSet;
use std::time::Duration;

use super::environment::Environment;
use super::load::{Load, Outcome};
use super::{assert_nothing_lost_or_renamed, message_id, times_sent};
use crate::support::logpoint::Behaviour;

#[tokio::test]
async fn each_delivery_is_sent_once_and_a_killed_server_is_replaced() {
    let environment = Environment::with(|webhook| webhook.with("max_in_flight", 16)).await;
    let servers = [environment.start().await, environment.start().await, environment.start().await];
    environment.logpoint.always(Behaviour::Delay(Duration::from_millis(3)));
    let mut outcome = Outcome::default();
    for (server, enough) in servers.iter().zip([100, 200, 300]) {
        let load = Load::start(&server.base, &environment.token, 6, outcome);
        load.wait_for_accepted(enough).await;
        outcome = load.finish().await;
    }
    environment.wait_until_done().await;
    let requests = environment.logpoint.requests();
    assert_nothing_lost_or_renamed(&outcome.accepted, &requests);
    assert_eq!(requests.len(), outcome.accepted.len(), "some events were sent twice");

    // The first server is killed with 16 attempts in flight and more deliveries queued.
    environment.logpoint.always(Behaviour::HangBeforeResponse);
    let sent = requests.len();
    let [one, two, three] = servers;
    let load = Load::start(&one.base, &environment.token, 6, outcome);
    load.wait_for_accepted(load.accepted() + 30).await;
    let outcome = load.finish().await;
    environment.logpoint.wait_for_requests(sent + 16).await;
    one.kill().await;
    let left: HashSet<String> =
        environment.list_leased().await.into_iter().map(|(id, _)| id).collect();
    let in_flight: HashSet<String> =
        environment.logpoint.requests()[sent..].iter().map(message_id).collect();
    environment.logpoint.always(Behaviour::Normal);
    environment.wait_until_done().await;
    let requests = environment.logpoint.requests();
    assert_nothing_lost_or_renamed(&outcome.accepted, &requests);
    assert!(in_flight.is_subset(&left), "{in_flight:?} {left:?}");
    for (id, times) in times_sent(&requests) {
        assert_eq!(times, if in_flight.contains(&id) { 2 } else { 1 }, "{id}");
    }
    environment.end([two, three]).await;
}
