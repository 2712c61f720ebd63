//! Graceful stops. `crash` tests attempts in flight during a stop.

use std::time::Duration;

use serde_json::Value;

use super::environment::Environment;
use super::times_sent;
use crate::support::logpoint::Behaviour;
use crate::support::process::{post_event, signal};
use crate::support::{event, http, wait_until};

#[tokio::test]
async fn a_stop_starts_no_attempts_and_keeps_those_in_flight() {
    tokio::join!(starts_no_attempts(), keeps_attempts_in_flight());
}

/// Also uses up no attempts.
async fn starts_no_attempts() {
    let environment = Environment::with(|webhook| webhook.with("max_in_flight", 2)).await;
    let mut server = environment.start().await;
    // One delivery is to be retried.
    environment.logpoint.behave([Behaviour::Status(500, "no".to_owned())]);
    assert_eq!(server.send(&environment.token, &event("Granted", "again")).await.0, 202);
    wait_until("the failure", async || environment.count("due").await == 1).await;
    // Two of these are in flight, the others are queued.
    environment.logpoint.always(Behaviour::Delay(Duration::from_secs(2)));
    let ten: Vec<Value> = (0..10).map(|number| event("Granted", &number.to_string())).collect();
    assert_eq!(server.send(&environment.token, &ten.into()).await.0, 202);
    environment.logpoint.wait_for_requests(3).await;

    signal("INT", &[server.pid()]);
    // The server accepts no more events.
    let http = http();
    wait_until("it to refuse", async || {
        let response =
            post_event(&http, &server.base, &environment.token, &event("Granted", "late")).await;
        response.is_none_or(|(status, _)| status == 503)
    })
    .await;
    // The retry that becomes due now is not started.
    sqlx::query("update delivery_queue set due_at = now() where state = 'due'")
        .execute(&environment.pool)
        .await
        .unwrap();
    sqlx::query("select pg_notify('gatepost_deliveries', '')")
        .execute(&environment.pool)
        .await
        .unwrap();
    assert_eq!(server.ended().await, Some(0));
    assert_eq!(environment.logpoint.requests().len(), 3);
    assert_eq!((environment.count("delivered").await, environment.count("leased").await), (2, 0));
    let left: Vec<i32> = sqlx::query_scalar(
        "select attempts from delivery_queue where state = 'due' order by attempts desc",
    )
    .fetch_all(&environment.pool)
    .await
    .unwrap();
    assert!(left.len() >= 9, "{left:?}");
    assert_eq!(left[0], 1);
    assert!(left[1..].iter().all(|attempts| *attempts == 0), "{left:?}");

    // The next server sends them at once.
    environment.logpoint.always(Behaviour::Normal);
    let server = environment.start().await;
    environment.wait_until_done().await;
    let times = times_sent(&environment.logpoint.requests());
    assert_eq!(times.values().filter(|times| **times > 1).count(), 1, "{times:?}");
    environment.end([server]).await;
}

/// An attempt that finishes just before the stop timeout is not repeated by another server.
async fn keeps_attempts_in_flight() {
    let environment = Environment::new().await;
    let (stopping, other) = (environment.start().await, environment.start().await);
    let delay = |millis| Behaviour::Delay(Duration::from_millis(millis));
    environment.logpoint.behave([delay(1000), delay(9300)]);
    // The other server checks for lost leases every two seconds from its start. The second event is sent between two
    // checks, so that its lease would be taken over as early as possible.
    for number in 1..3 {
        let request = number.to_string();
        assert_eq!(stopping.send(&environment.token, &event("Granted", &request)).await.0, 202);
        environment.logpoint.wait_for_requests(number).await;
        wait_until("the first to arrive", async || environment.count("delivered").await == 1).await;
    }
    assert_eq!(stopping.interrupt().await, Some(0));
    assert_eq!(environment.count("delivered").await, 2);
    assert_eq!(environment.logpoint.requests().len(), 2);
    environment.end([other]).await;
}
