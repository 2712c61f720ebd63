//! Retention by daily partitions. Unfinished deliveries are kept.

use crate::support::scenario::Scenario;
use gatepost::config::Config;
use std::time::Duration;

use crate::support::logpoint::{Behaviour, FakeLogpoint};
use crate::support::{TestApp, event};

/// The default partitions.
const DEFAULT_PARTITIONS: [&str; 3] =
    ["events_other", "delivery_history_other", "invocations_other"];

/// Starts an app that keeps two days, with a webhook that retries once a day.
async fn short_retention(retries: usize) -> Scenario {
    let configure = |config: &mut Config| config.retention_days = 2;
    Scenario::start_with(configure, |webhook| webhook.with("retry_schedule", vec!["24h"; retries]))
        .await
}

async fn count(app: &TestApp, table: &str) -> i64 {
    let sql = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
    sqlx::query_scalar(sql).fetch_one(app.database.pool()).await.unwrap()
}

#[tokio::test]
async fn drops_expired_partitions_unless_an_event_is_unfinished() {
    let Scenario { app, logpoint, token, .. } = short_retention(7).await;
    app.send(&token, &event("Granted", "1")).await;
    app.wait_for("delivered", 1).await;
    logpoint.behave([Behaviour::Status(500, "no".to_owned())]);
    app.send(&token, &event("Granted", "2")).await;
    app.wait_for("due", 1).await;
    app.clock.advance(Duration::from_hours(24 * 4));
    // Every start runs the housekeeping.
    let app = app.restart().await;
    app.wait_for("delivered", 1).await;
    assert_eq!(count(&app, "delivery_history").await, 1, "today's");
    assert_eq!(count(&app, "events").await, 2, "the day is kept for the event that waited");
    let app = app.restart().await;
    assert_eq!(count(&app, "events").await, 0);
    app.send(&token, &event("Granted", "3")).await;
    app.wait_for("delivered", 2).await;
    app.finish().await;
}

#[tokio::test]
async fn creates_partitions_in_advance() {
    let app = TestApp::start().await;
    let days: i64 = sqlx::query_scalar(
        "select count(*) from pg_class where relname ~ '^events_[0-9]{8}$'
         and to_date(right(relname, 8), 'YYYYMMDD') > (now() at time zone 'utc')::date",
    )
    .fetch_one(app.database.pool())
    .await
    .unwrap();
    assert!(days >= 7, "{days}");
    app.finish().await;
}

/// Sends an event while the clock is 20 days ahead, beyond the existing partitions.
async fn send_ahead_of_time() -> (TestApp, FakeLogpoint, String) {
    let Scenario { app, logpoint, token, .. } = Scenario::start().await;
    app.clock.advance(Duration::from_hours(24 * 20));
    app.send(&token, &event("Granted", "1")).await;
    app.wait_for("delivered", 1).await;
    for table in DEFAULT_PARTITIONS {
        assert_eq!(count(&app, table).await, 1, "{table}");
    }
    (app, logpoint, token)
}

#[tokio::test]
async fn moves_rows_of_a_clock_far_ahead_into_their_partition() {
    let (app, _logpoint, token) = send_ahead_of_time().await;
    let app = app.restart().await;
    app.send(&token, &event("Granted", "2")).await;
    app.wait_for("delivered", 2).await;
    for (table, other) in
        ["events", "delivery_history", "invocations"].into_iter().zip(DEFAULT_PARTITIONS)
    {
        assert_eq!((count(&app, table).await, count(&app, other).await), (2, 0), "{table}");
    }
    app.finish().await;
}

#[tokio::test]
async fn starts_if_a_partition_cannot_be_created_and_creates_it_later() {
    let (app, _logpoint, token) = send_ahead_of_time().await;
    // As pg_dump does.
    let mut dump = app.database.pool().begin().await.unwrap();
    for table in DEFAULT_PARTITIONS {
        let sql = sqlx::AssertSqlSafe(format!("lock table {table} in access share mode"));
        sqlx::query(sql).execute(&mut *dump).await.unwrap();
    }
    let app = app.restart().await;
    app.send(&token, &event("Granted", "2")).await;
    app.wait_for("delivered", 2).await;
    assert_eq!(count(&app, "events_other").await, 2);
    dump.rollback().await.unwrap();
    let app = app.restart().await;
    assert_eq!((count(&app, "events").await, count(&app, "events_other").await), (2, 0));
    app.finish().await;
}

#[tokio::test]
async fn deletes_expired_rows_from_default_partitions_unless_unfinished_or_recent() {
    let days = |count: u64| Duration::from_hours(24 * count);
    let Scenario { app, logpoint, token, .. } = short_retention(2).await;
    app.clock.advance(days(20));
    app.send(&token, &event("Granted", "1")).await;
    app.wait_for("delivered", 1).await;
    logpoint.behave([Behaviour::Status(500, "no".to_owned())]);
    app.send(&token, &event("Granted", "2")).await;
    app.wait_for("due", 1).await;
    let others = async |app: &TestApp| {
        let mut counts = Vec::new();
        for table in DEFAULT_PARTITIONS {
            counts.push(count(app, table).await);
        }
        counts
    };
    assert_eq!(others(&app).await, [2, 1, 2]);
    app.clock.advance(days(4));
    let app = app.restart().await;
    app.wait_for("delivered", 1).await;
    assert_eq!(others(&app).await, [1, 1, 0], "the second, delivered just now");
    let app = app.restart().await;
    assert_eq!(others(&app).await, [0, 1, 0]);
    app.clock.advance(days(4));
    let app = app.restart().await;
    assert_eq!(others(&app).await, [0, 0, 0]);
    app.finish().await;
}
