//! Actions on all deliveries that match filters.

use std::time::Duration;

use crate::support::logpoint::Behaviour;
use crate::support::process::{Server, gatepost, wait_long, with_admin, with_database};
use crate::support::scenario::Scenario;
use crate::support::user::TestUser;
use crate::support::{TestApp, event};

/// A scenario with deliveries that wait for their next attempt for an hour.
async fn waiting(count: usize) -> (Scenario, TestUser) {
    let hour = |webhook: crate::support::builders::WebhookBuilder| {
        webhook.with("retry_schedule", serde_json::json!(["1h", "1h"]))
    };
    let scenario = Scenario::with_webhook(hour).await;
    let Scenario { app, logpoint, token, .. } = &scenario;
    logpoint.behave((0..count).map(|_| Behaviour::Status(500, "no".to_owned())));
    for number in 0..count {
        app.send(token, &event("Granted", &number.to_string())).await;
        app.wait_for("due", i64::try_from(number).unwrap() + 1).await;
    }
    let user = app.admin().await;
    (scenario, user)
}

async fn start(user: &mut TestUser, action: &str, filters: &str) -> String {
    let ask = user.get(&format!("/deliveries/bulk/{action}?{filters}")).await;
    let form = ask.attribute("form.card", "action").unwrap();
    user.post(&form, &[]).await.location().to_owned()
}

async fn ended(app: &TestApp) {
    app.wait_until("the batch", async || {
        let sql =
            "select count(*) from redeliveries where state in ('queued', 'leased', 'pending')";
        let open: i64 = sqlx::query_scalar(sql).fetch_one(app.database.pool()).await.unwrap();
        open == 0
    })
    .await;
}

#[tokio::test]
async fn all_that_match_are_retried_now() {
    let (Scenario { app, logpoint: _logpoint, .. }, mut ann) = waiting(3).await;
    let list = ann.get("/deliveries?status=5xx").await;
    assert_eq!(list.texts(".above-table a"), ["Retry all now…", "Cancel all…"]);
    let ask = ann.get("/deliveries/bulk/retry?status=5xx").await;
    assert_eq!(ask.text("h1"), "Retry 3 deliveries now?");
    // What does not match is not counted.
    assert_eq!(ann.get("/deliveries/bulk/retry?status=404").await.text("h1"), "Nothing to retry");
    assert_eq!(ann.get("/deliveries/bulk/redeliver?q=AR").await.text("h1"), "Nothing to redeliver");
    let batch = start(&mut ann, "retry", "status=5xx").await;
    ended(&app).await;
    let page = ann.get(&batch).await;
    assert!(
        page.text("#batch").contains("Finished. Requested by ann.ngo@example.com"),
        "{}",
        page.body
    );
    assert!(page.text("#batch .facts").contains("Made due3"), "{}", page.text("#batch .facts"));
    app.wait_for("delivered", 3).await;
    assert!(ann.get("/deliveries").await.texts(".above-table a").is_empty(), "no filter");
    let list = ann.get("/deliveries?state=delivered").await;
    assert_eq!(list.texts(".above-table a"), ["Redeliver all that match…"]);
    let webhook = ann.first_webhook().await;
    let list = ann.get(&webhook.replace("/webhooks/", "/deliveries?webhook=")).await;
    assert_eq!(list.texts(".above-table a"), ["Redeliver all that match…", "Replay past events…"]);
    let replay = list.attribute(".above-table a:last-child", "href").unwrap();
    assert_eq!(ann.get(&replay).await.text("h1"), "Replay");
    assert_eq!(ann.get("/deliveries/bulk/delete").await.status, 404);
    app.finish().await;
}

#[tokio::test]
async fn all_that_match_are_cancelled_and_nothing_of_their_lanes_is_sent() {
    let (Scenario { app, logpoint, token, .. }, mut ann) = waiting(2).await;
    // Behind the first delivery, others of the same access request wait.
    for trigger in ["Approved", "Expired"] {
        app.send(&token, &event(trigger, "0")).await;
    }
    let sent = logpoint.requests().len();
    let batch = start(&mut ann, "cancel", "q=AR-0").await;
    ended(&app).await;
    let page = ann.get(&batch).await;
    let cancelled: i64 =
        sqlx::query_scalar("select count(*) from delivery_history where state = 'cancelled'")
            .fetch_one(app.database.pool())
            .await
            .unwrap();
    assert!(cancelled >= 1);
    let facts = page.text("#batch .facts");
    assert!(facts.contains(&format!("Cancelled{cancelled}")), "{facts}");
    app.advance(Duration::from_mins(1)).await;
    assert_eq!(logpoint.requests().len(), sent);
    app.wait_for("due", 1).await;
    let list = ann.get("/deliveries?state=cancelled").await;
    assert!(list.text("tbody tr").contains("Cancelled by ann.ngo@example.com"));
    app.finish_with_leftovers().await;
}

#[tokio::test]
async fn a_batch_is_continued_after_a_kill_and_stops_on_request() {
    let (Scenario { app, .. }, mut ann) = waiting(1).await;
    let database = app.database.clone();
    let batch = start(&mut ann, "cancel", "state=due").await;
    ended(&app).await;
    // A stopped batch leaves what is still to do.
    let pending = "insert into redeliveries (delivery_id, batch_id, state, requested_at, who)
        select d.id, b.id, 'pending', now(), 'ann' from redelivery_batches b, delivery_queue d";
    let rest = "insert into delivery_queue (id, event_id, webhook_id, state, due_at, created_at)
        select gen_random_uuid(), gen_random_uuid(), (select id from webhooks), 'held', now(), now()
        from generate_series(1, 3000)";
    app.leave().await;
    sqlx::query(rest).execute(database.pool()).await.unwrap();
    sqlx::query(pending).execute(database.pool()).await.unwrap();
    let count = async |sql: &'static str| -> i64 {
        sqlx::query_scalar(sql).fetch_one(database.pool()).await.unwrap()
    };
    let left = "select count(*) from redeliveries where state = 'pending'";
    let server = Server::start(with_admin(with_database(gatepost(), database.url()))).await;
    wait_long("the first step", async || count(left).await < 3_000).await;
    server.kill().await;
    let server = Server::start(with_admin(with_database(gatepost(), database.url()))).await;
    wait_long("the rest", async || count(left).await == 0).await;
    // Each was cancelled once.
    assert_eq!(count("select count(*) from delivery_queue where state = 'held'").await, 0);
    let cancelled = "select count(*) from delivery_history where last_error = 'Cancelled by ann'";
    assert_eq!(count(cancelled).await, 3_000);
    assert_eq!(server.interrupt().await, Some(0));
    assert!(batch.starts_with("/deliveries/batches/"));
    database.drop().await;
}
