//! A stop that is asked for. What becomes of exchanges in flight is in `crash`.

use std::time::Duration;

use serde_json::Value;

use super::place::Place;
use super::times_sent;
use crate::support::logpoint::Behaviour;
use crate::support::process::{post_event, signal};
use crate::support::{event, http, wait_until};

#[tokio::test]
async fn a_stop_begins_nothing_more_and_keeps_what_is_in_flight() {
    tokio::join!(nothing_more_is_begun(), what_is_in_flight_is_kept());
}

/// And no attempts are used up.
async fn nothing_more_is_begun() {
    let place = Place::new("    max_in_flight: 2").await;
    let mut server = place.start().await;
    // One is to be tried again.
    place.logpoint.behave([Behaviour::Status(500, "no".to_owned())]);
    assert_eq!(server.send(&place.token, &event("Granted", "again")).await.0, 202);
    wait_until("the failure", async || place.count("due").await == 1).await;
    // Two of these are in flight, the others wait in memory.
    place.logpoint.always(Behaviour::Delay(Duration::from_secs(2)));
    let ten: Vec<Value> = (0..10).map(|number| event("Granted", &number.to_string())).collect();
    assert_eq!(server.send(&place.token, &ten.into()).await.0, 202);
    place.logpoint.wait_for_requests(3).await;

    signal("INT", &[server.pid()]);
    // It takes no more events.
    let http = http();
    wait_until("it to refuse", async || {
        let answer = post_event(&http, &server.base, &place.token, &event("Granted", "late")).await;
        answer.is_none_or(|(status, _)| status == 503)
    })
    .await;
    // What comes due now is not begun.
    sqlx::query("update delivery_queue set due_at = now() where state = 'due'")
        .execute(&place.pool)
        .await
        .unwrap();
    sqlx::query("select pg_notify('gatepost_deliveries', '')").execute(&place.pool).await.unwrap();
    assert_eq!(server.ended().await, Some(0));
    assert_eq!(place.logpoint.requests().len(), 3);
    assert_eq!((place.count("delivered").await, place.count("leased").await), (2, 0));
    let left: Vec<i32> = sqlx::query_scalar(
        "select attempts from delivery_queue where state = 'due' order by attempts desc",
    )
    .fetch_all(&place.pool)
    .await
    .unwrap();
    assert!(left.len() >= 9, "{left:?}");
    assert_eq!(left[0], 1);
    assert!(left[1..].iter().all(|attempts| *attempts == 0), "{left:?}");

    // The next one sends it at once.
    place.logpoint.always(Behaviour::Normal);
    let server = place.start().await;
    place.wait_until_done().await;
    let times = times_sent(&place.logpoint.requests());
    assert_eq!(times.values().filter(|times| **times > 1).count(), 1, "{times:?}");
    place.end([server]).await;
}

/// What ends just before the patience does is not sent by another meanwhile.
async fn what_is_in_flight_is_kept() {
    let place = Place::new("").await;
    let (stopping, other) = (place.start().await, place.start().await);
    let delay = |millis| Behaviour::Delay(Duration::from_millis(millis));
    place.logpoint.behave([delay(1000), delay(9300)]);
    // The other one looks for lost leases every two seconds from its start: the second event
    // comes between two looks, so that it would be found lost as early as can be.
    for number in 1..3 {
        let request = number.to_string();
        assert_eq!(stopping.send(&place.token, &event("Granted", &request)).await.0, 202);
        place.logpoint.wait_for_requests(number).await;
        wait_until("the first to arrive", async || place.count("delivered").await == 1).await;
    }
    assert_eq!(stopping.interrupt().await, Some(0));
    assert_eq!(place.count("delivered").await, 2);
    assert_eq!(place.logpoint.requests().len(), 2);
    place.end([other]).await;
}
