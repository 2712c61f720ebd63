//! Order of the events of one access request.

use std::time::Duration;

use serde_json::Value;

use crate::support::logpoint::{Behaviour, FakeLogpoint};
use crate::support::scenario::Scenario;
use crate::support::{TestApp, event};

fn received(logpoint: &FakeLogpoint) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    logpoint
        .requests()
        .iter()
        .map(|one| (text(&one.json()["request"]), text(&one.json()["type"])))
        .collect()
}

#[tokio::test]
async fn waits_for_retries_of_an_earlier_event_of_the_request() {
    let Scenario { app, logpoint, token, .. } = Scenario::start().await;
    logpoint.behave([Behaviour::Status(500, "no".to_owned())]);
    app.send(&token, &event("Created", "1")).await;
    app.wait_for("due", 1).await;
    // In the same array as an event of another request.
    app.send(&token, &serde_json::json!([event("Granted", "1"), event("Granted", "2")])).await;
    app.wait_for("delivered", 1).await;
    app.wait_for("waiting", 1).await;
    app.advance(Duration::from_secs(7)).await;
    app.wait_for("delivered", 3).await;
    let order = received(&logpoint);
    let of_one: Vec<&str> =
        order.iter().filter(|(request, _)| request == "1").map(|(_, kind)| kind.as_str()).collect();
    assert_eq!(of_one, ["AccessRequestCreated", "AccessRequestCreated", "AccessRequestGranted"]);
    assert_eq!(order[1].0, "2", "another request passes by: {order:?}");
    app.finish().await;
}

#[tokio::test]
async fn keeps_the_order_of_a_burst() {
    let Scenario { app, logpoint, token, .. } = Scenario::start().await;
    let mut sent = Vec::new();
    let mut batch = Vec::new();
    for n in 0..30 {
        let mut one = event("Granted", "1");
        one["event_time"] = n.into();
        one["event_type"] = if n % 2 == 0 { "RequestGranted" } else { "RequestCreated" }.into();
        sent.push(one["event_type"].as_str().unwrap().to_owned());
        batch.push(one);
    }
    for part in batch.chunks(7) {
        app.send(&token, &Value::from(part.to_vec())).await;
    }
    app.wait_for("delivered", 30).await;
    let order: Vec<String> = received(&logpoint).into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(order, sent);
    app.finish().await;
}

#[tokio::test]
async fn continues_after_a_failed_delivery() {
    let Scenario { app, logpoint, token, .. } =
        Scenario::with_webhook(|webhook| webhook.with("retry_schedule", vec!["1s"])).await;
    let failing = Behaviour::Status(500, "no".to_owned());
    logpoint.behave([failing.clone(), failing]);
    app.send(&token, &event("Created", "1")).await;
    app.wait_for("due", 1).await;
    app.send(&token, &event("Granted", "1")).await;
    app.wait_for("waiting", 1).await;
    app.advance(Duration::from_secs(3)).await;
    app.wait_for("failed", 1).await;
    app.wait_for("delivered", 1).await;
    app.finish().await;
}

/// The instance that finishes the head of a lane does not see a delivery inserted at the same time.
#[tokio::test]
async fn promotes_a_delivery_inserted_while_its_predecessor_was_finished() {
    let Scenario { app, logpoint, token, .. } = Scenario::start().await;
    logpoint.behave([Behaviour::Status(500, "no".to_owned())]);
    app.send(&token, &event("Created", "1")).await;
    app.wait_for("due", 1).await;
    app.send(&token, &event("Granted", "1")).await;
    app.wait_for("waiting", 1).await;
    sqlx::query("delete from delivery_queue where state = 'due'")
        .execute(app.database.pool())
        .await
        .unwrap();
    app.wait_for("delivered", 1).await;
    app.finish().await;
}

#[tokio::test]
async fn does_not_wait_if_ordering_is_off() {
    let Scenario { app, logpoint, token, .. } =
        Scenario::with_webhook(|webhook| webhook.with("ordered", false)).await;
    logpoint.behave([Behaviour::Status(500, "no".to_owned())]);
    app.send(&token, &event("Created", "1")).await;
    app.wait_for("due", 1).await;
    app.send(&token, &event("Granted", "1")).await;
    app.wait_for("delivered", 1).await;
    app.finish_with_leftovers().await;
}

/// Waits until the app is blocked by the test's uncommitted transaction.
async fn wait_for_a_lock(app: &TestApp) {
    app.wait_until("the app to wait for the other instance", async || {
        let waits: i64 = sqlx::query_scalar(
            "select count(*) from pg_stat_activity
             where datname = current_database() and wait_event_type = 'Lock'",
        )
        .fetch_one(app.database.pool())
        .await
        .unwrap();
        waits > 0
    })
    .await;
}

/// The test acts as another instance, whose event of the same request is stored but not committed.
#[tokio::test]
async fn orders_events_that_two_instances_store_concurrently() {
    let Scenario { app, logpoint, token, .. } = Scenario::start().await;
    logpoint.behave([Behaviour::Status(500, "no".to_owned())]);
    app.send(&token, &event("Created", "1")).await;
    app.wait_for("due", 1).await;
    let mut other = app.database.pool().begin().await.unwrap();
    // As if it was received only now.
    sqlx::query("create temporary table first on commit drop as select * from delivery_queue")
        .execute(&mut *other)
        .await
        .unwrap();
    sqlx::query("delete from delivery_queue").execute(app.database.pool()).await.unwrap();
    sqlx::query("insert into delivery_queue select * from first")
        .execute(&mut *other)
        .await
        .unwrap();
    let (later, in_order) = (event("Granted", "1"), async {
        wait_for_a_lock(&app).await;
        other.commit().await.unwrap();
    });
    let ((status, response), ()) = tokio::join!(app.send(&token, &later), in_order);
    assert_eq!((status, &response["events"][0]["deliveries"]), (202, &1.into()), "{response}");
    app.wait_for("waiting", 1).await;
    app.advance(Duration::from_secs(7)).await;
    app.wait_for("delivered", 2).await;
    let kinds: Vec<String> = received(&logpoint).into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(kinds, ["AccessRequestCreated", "AccessRequestCreated", "AccessRequestGranted"]);
    app.finish().await;
}

/// As above, for an event that both instances received.
#[tokio::test]
async fn detects_a_duplicate_that_two_instances_store_concurrently() {
    let Scenario { app, logpoint: _logpoint, token, .. } = Scenario::start().await;
    let (_, first) = app.send(&token, &event("Granted", "1")).await;
    app.wait_for("delivered", 1).await;
    let mut other = app.database.pool().begin().await.unwrap();
    // As if the other instance stored it only now.
    sqlx::query("create temporary table first on commit drop as select * from event_keys")
        .execute(&mut *other)
        .await
        .unwrap();
    sqlx::query("delete from event_keys").execute(app.database.pool()).await.unwrap();
    sqlx::query("insert into event_keys select * from first").execute(&mut *other).await.unwrap();
    // In the same HTTP request as a new event.
    let both = serde_json::json!([event("Granted", "1"), event("Granted", "2")]);
    let ((status, response), ()) = tokio::join!(app.send(&token, &both), async {
        wait_for_a_lock(&app).await;
        other.commit().await.unwrap();
    });
    let [repeat, new] = [&response["events"][0], &response["events"][1]];
    assert_eq!((status, &repeat["duplicate"]), (202, &true.into()), "{response}");
    assert_eq!((&repeat["id"], &new["duplicate"]), (&first["events"][0]["id"], &false.into()));
    app.wait_for("delivered", 2).await;
    app.finish().await;
}
