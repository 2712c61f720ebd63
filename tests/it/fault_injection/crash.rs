//! Crashes and stops lose no event.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::task::JoinSet;

use super::environment::Environment;
use super::{assert_nothing_lost_or_renamed, message_id};
use crate::support::logpoint::Behaviour;
use crate::support::process::{Server, post_event, wait_long};
use crate::support::{event, http, wait_until};

/// Sends events concurrently to these servers, round robin, until `enough` were accepted. Returns the request ids of
/// the accepted events.
async fn send(
    environment: &Environment,
    servers: &[&Server],
    count: usize,
    enough: usize,
) -> HashSet<String> {
    let (http, numbers) = (http(), Arc::new(std::sync::atomic::AtomicUsize::new(0)));
    let mut senders = JoinSet::new();
    let (sender, mut accepted) = tokio::sync::mpsc::unbounded_channel();
    for _ in 0..20 {
        let (http, numbers, sender) = (http.clone(), Arc::clone(&numbers), sender.clone());
        let bases: Vec<String> = servers.iter().map(|server| server.base.clone()).collect();
        let token = environment.token.clone();
        senders.spawn(async move {
            loop {
                let number = numbers.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                if number >= count {
                    return;
                }
                let request = format!("request {number}");
                let base = &bases[number % bases.len()];
                let event = event("Granted", &request);
                let response = loop {
                    match post_event(&http, base, &token, &event).await {
                        None => return,
                        // A busy machine: the sender tries again.
                        Some((503, _)) => {}
                        Some((status, response)) => {
                            assert_eq!(status, 202, "{response}");
                            break response;
                        }
                    }
                };
                assert_eq!(response["events"][0]["deliveries"], 1, "{response}");
                sender.send(request).unwrap();
            }
        });
    }
    drop(sender);
    let mut requests = HashSet::new();
    while let Some(request) = accepted.recv().await {
        requests.insert(request);
        if requests.len() == enough {
            for server in servers {
                crate::support::process::signal("KILL", &[server.pid()]);
            }
        }
    }
    while let Some(ended) = senders.join_next().await {
        ended.unwrap();
    }
    requests
}

async fn wait_for(environment: &Environment, state: &str, count: i64) {
    let reached = async || environment.count(state).await == count;
    wait_until(&format!("{count} {state}"), reached).await;
}

#[tokio::test]
async fn resends_deliveries_of_a_killed_server_under_the_same_id() {
    let environment = Environment::new().await;
    let server = environment.start().await;
    environment.logpoint.behave([Behaviour::HangBeforeResponse]);
    assert_eq!(server.send(&environment.token, &event("Granted", "1")).await.0, 202);
    environment.logpoint.wait_for_requests(1).await;
    server.kill().await;
    let server = environment.start().await;
    // Waits for the lease to expire.
    wait_long("the delivery", async || environment.count("delivered").await == 1).await;
    let requests = environment.logpoint.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(message_id(&requests[0]), message_id(&requests[1]));
    assert_eq!((&requests[0].json()["try"], &requests[1].json()["try"]), (&1.into(), &2.into()));
    environment.end([server]).await;
}

#[tokio::test]
async fn sends_every_accepted_event_under_load() {
    let environment = Environment::new().await;
    let server = environment.start().await;
    let enough = rand::random_range(20..=275);
    let accepted = send(&environment, &[&server], 300, enough).await;
    assert!(accepted.len() >= enough, "{} of {enough}", accepted.len());
    server.kill().await;
    let sent_before = environment.logpoint.requests().len();
    environment.expire_leases().await;
    let server = environment.start().await;
    wait_long("all deliveries", async || {
        let left: i64 =
            sqlx::query_scalar("select count(*) from deliveries where state <> 'delivered'")
                .fetch_one(&environment.pool)
                .await
                .unwrap();
        left == 0
    })
    .await;
    println!("killed after {enough}, {sent_before} sent before");
    assert_nothing_lost_or_renamed(&accepted, &environment.logpoint.requests());
    environment.end([server]).await;
}

#[tokio::test]
async fn two_servers_send_each_delivery_once_and_take_over_from_each_other() {
    let environment = Environment::new().await;
    let (one, two) = (environment.start().await, environment.start().await);
    environment.logpoint.always(Behaviour::Delay(Duration::from_millis(5)));
    let accepted = send(&environment, &[&one], 100, usize::MAX).await;
    assert_eq!(accepted.len(), 100);
    // The same events to both servers: duplicates are not sent again.
    let http = http();
    for (number, server) in [&one, &two].into_iter().cycle().take(100).enumerate() {
        let event = event("Granted", &format!("request {number}"));
        let (_, response) =
            post_event(&http, &server.base, &environment.token, &event).await.unwrap();
        assert_eq!(response["events"][0]["duplicate"], true, "{response}");
    }
    wait_for(&environment, "delivered", 100).await;
    let ids: HashSet<String> = environment.logpoint.requests().iter().map(message_id).collect();
    assert_eq!((ids.len(), environment.logpoint.requests().len()), (100, 100));

    environment.logpoint.behave([Behaviour::HangBeforeResponse]);
    assert_eq!(one.send(&environment.token, &event("Granted", "left")).await.0, 202);
    environment.logpoint.wait_for_requests(101).await;
    one.kill().await;
    environment.expire_leases().await;
    wait_for(&environment, "delivered", 101).await;
    let requests = environment.logpoint.requests();
    assert_eq!(requests.len(), 102);
    assert_eq!(message_id(&requests[100]), message_id(&requests[101]));
    environment.end([two]).await;
}

#[tokio::test]
async fn two_servers_that_accept_events_send_each_once() {
    let environment = Environment::new().await;
    let (one, two) = (environment.start().await, environment.start().await);
    let accepted = send(&environment, &[&one, &two], 200, usize::MAX).await;
    assert_eq!(accepted.len(), 200);
    wait_for(&environment, "delivered", 200).await;
    let requests: Vec<Value> =
        environment.logpoint.requests().iter().map(|one| one.json()["request"].clone()).collect();
    assert_eq!(requests.len(), 200);
    assert!(accepted.iter().all(|request| requests.contains(&request.as_str().into())));
    let ids: HashSet<String> = environment.logpoint.requests().iter().map(message_id).collect();
    assert_eq!(ids.len(), 200);
    environment.end([one, two]).await;
}

#[tokio::test]
async fn a_stop_waits_for_an_attempt_and_records_it() {
    let environment = Environment::new().await;
    let server = environment.start().await;
    environment.logpoint.behave([Behaviour::Delay(Duration::from_secs(2))]);
    assert_eq!(server.send(&environment.token, &event("Granted", "1")).await.0, 202);
    environment.logpoint.wait_for_requests(1).await;
    assert_eq!(environment.count("leased").await, 1);
    assert_eq!(server.interrupt().await, Some(0));
    assert_eq!(environment.count("delivered").await, 1);
    assert_eq!(environment.logpoint.requests().len(), 1);
    environment.end([]).await;
}

#[tokio::test]
async fn a_stop_hands_back_an_attempt_that_does_not_finish() {
    let environment = Environment::new().await;
    let server = environment.start().await;
    environment.logpoint.behave([Behaviour::HangBeforeResponse]);
    assert_eq!(server.send(&environment.token, &event("Granted", "1")).await.0, 202);
    environment.logpoint.wait_for_requests(1).await;
    let asked = Instant::now();
    assert_eq!(server.interrupt().await, Some(0));
    assert!(asked.elapsed() > Duration::from_secs(9), "ended after {:?}", asked.elapsed());
    let left: (String, i32) = sqlx::query_as("select state, attempts from deliveries")
        .fetch_one(&environment.pool)
        .await
        .unwrap();
    assert_eq!(left, ("due".to_owned(), 0));
    // The next server sends it at once.
    let server = environment.start().await;
    wait_for(&environment, "delivered", 1).await;
    let requests = environment.logpoint.requests();
    assert_eq!(message_id(&requests[0]), message_id(&requests[1]));
    environment.end([server]).await;
}
