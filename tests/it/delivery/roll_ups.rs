//! The roll-ups of attempts by hour are the same as a recount, also after kills.

use crate::support::database::TestDatabase;
use crate::support::event;
use crate::support::logpoint::Behaviour;
use crate::support::process::{Server, gatepost, wait_long, with_admin, with_database};
use crate::support::scenario::Scenario;

/// Delivered, failed and retried attempts, by the roll-ups.
async fn rolled_up(database: &TestDatabase) -> (i64, i64, i64) {
    sqlx::query_as(
        "select coalesce(sum(delivered), 0)::bigint, coalesce(sum(failed), 0)::bigint,
                coalesce(sum(retried), 0)::bigint from webhook_hours",
    )
    .fetch_one(database.pool())
    .await
    .unwrap()
}

/// The same, by the history and the queue. Each attempt of a finished delivery but the last one was retried.
async fn recounted(database: &TestDatabase) -> (i64, i64, i64) {
    sqlx::query_as(
        "select (select count(*) from delivery_history where state = 'delivered'),
                (select count(*) from delivery_history where state = 'failed'),
                (select count(*) from invocations where delivery_id is not null)
                    - (select count(*) from delivery_history where state <> 'cancelled')",
    )
    .fetch_one(database.pool())
    .await
    .unwrap()
}

#[tokio::test]
async fn roll_ups_equal_a_recount() {
    let Scenario { app, logpoint, token, .. } =
        Scenario::with_webhook(|webhook| webhook.with("retry_schedule", serde_json::json!(["1s"])))
            .await;
    for number in 0..4 {
        app.send(&token, &event("Granted", &number.to_string())).await;
    }
    app.wait_for("delivered", 4).await;
    logpoint.behave((0..3).map(|_| Behaviour::Status(500, "no".to_owned())));
    app.send(&token, &event("Granted", "failing")).await;
    app.wait_for("failed", 1).await;
    app.send(&token, &event("Granted", "retried")).await;
    app.wait_for("delivered", 5).await;
    assert_eq!(rolled_up(&app.database).await, (5, 1, 2));
    assert_eq!(recounted(&app.database).await, (5, 1, 2));
    // The list shows them.
    let mut ann = app.admin().await;
    let list = ann.get("/webhooks").await;
    assert_eq!(list.text(".rate-value"), "62.5 %");
    assert!(list.text("svg.spark title").contains("5 delivered, 3 failed attempts"));
    app.finish().await;
}

/// Delivered, failed and retried attempts of all webhooks, and the number of latencies of all and of each.
async fn summed_up(database: &TestDatabase) -> (i64, i64, i64, i64, i64) {
    sqlx::query_as(
        "select coalesce(sum(delivered), 0)::bigint, coalesce(sum(failed), 0)::bigint, coalesce(sum(retried), 0)::bigint,
                (select coalesce(sum(c), 0) from all_hours a, unnest(a.latencies) c)::bigint,
                (select coalesce(sum(c), 0) from latency_hours l, unnest(l.counts) c)::bigint
         from all_hours",
    )
    .fetch_one(database.pool())
    .await
    .unwrap()
}

#[tokio::test]
async fn charts_show_what_was_delivered_and_how_long_it_took() {
    let Scenario { app, logpoint, token, webhook } =
        Scenario::with_webhook(|webhook| webhook.with("retry_schedule", serde_json::json!(["1s"])))
            .await;
    for number in 0..3 {
        app.send(&token, &event("Granted", &number.to_string())).await;
    }
    app.wait_for("delivered", 3).await;
    logpoint.behave((0..2).map(|_| Behaviour::Status(500, "no".to_owned())));
    app.send(&token, &event("Granted", "failing")).await;
    app.wait_for("failed", 1).await;
    app.wait_until("the roll-ups of all webhooks", async || {
        summed_up(&app.database).await == (3, 1, 1, 3, 3)
    })
    .await;
    let mut ann = app.admin().await;
    let page = ann.get(&format!("/webhooks/{webhook}?period=7d")).await;
    assert_eq!(page.texts(".tiles dd")[..3], ["3", "1", "60.0 %"]);
    assert!(page.texts(".tiles dd")[3].ends_with("ms"), "{:?}", page.texts(".tiles dd"));
    assert_eq!(page.text(".tiles > :last-child dd"), "0");
    assert!(page.text("#deliveries-chart-title + .legend").contains("Retried"));
    let titles = page.texts("figure:first-child svg title");
    assert_eq!(titles.len(), 28);
    assert!(titles[27].ends_with("3 delivered, 1 failed, 1 retried"), "{}", titles[27]);
    assert_eq!(page.texts(".numbers tbody tr").len(), 1);
    // What a deleted webhook sent stays in the sums.
    ann.post(&format!("/webhooks/{webhook}/delete"), &[]).await;
    let app = app.restart().await;
    assert_eq!(summed_up(&app.database).await.0, 3);
    app.finish().await;
}

#[tokio::test]
async fn a_stop_writes_what_was_counted() {
    let Scenario { app, logpoint: _logpoint, token, .. } = Scenario::start().await;
    app.send(&token, &event("Granted", "1")).await;
    app.wait_for("delivered", 1).await;
    let app = app.restart().await;
    assert_eq!(summed_up(&app.database).await, (1, 0, 0, 1, 1));
    app.finish().await;
}

#[tokio::test]
async fn roll_ups_equal_a_recount_after_kills() {
    // The simulated Logpoint stays.
    let Scenario { app, logpoint: _logpoint, token, .. } = Scenario::start().await;
    let database = app.database.clone();
    app.leave().await;
    let mut sent = 0;
    for round in 0..4 {
        let server = Server::start(with_admin(with_database(gatepost(), database.url()))).await;
        for number in 0..30 {
            let one = event("Granted", &format!("{round}-{number}"));
            if server.send(&token, &one).await.0 == 202 {
                sent += 1;
            }
        }
        server.kill().await;
    }
    let server = Server::start(with_admin(with_database(gatepost(), database.url()))).await;
    wait_long("all deliveries", async || {
        let delivered: i64 =
            sqlx::query_scalar("select count(*) from delivery_history where state = 'delivered'")
                .fetch_one(database.pool())
                .await
                .unwrap();
        delivered == sent
    })
    .await;
    assert_eq!(server.interrupt().await, Some(0));
    let (delivered, failed, _) = rolled_up(&database).await;
    assert_eq!((delivered, failed), (sent, 0));
    let (delivered, failed, ..) = summed_up(&database).await;
    assert_eq!((delivered, failed), (sent, 0));
    database.drop().await;
}
