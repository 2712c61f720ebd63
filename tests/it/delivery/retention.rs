//! History is forgotten by the day; what is not delivered is kept.

use gatepost::identity::Scope;

use super::reopen;
use crate::support::logpoint::{Behaviour, FakeLogpoint, Options};
use crate::support::{TestApp, event};

async fn count(app: &TestApp, table: &str) -> i64 {
    let sql = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
    sqlx::query_scalar(sql).fetch_one(app.database.pool()).await.unwrap()
}

#[tokio::test]
async fn days_that_are_kept_long_enough_are_dropped_unless_an_event_of_them_still_waits() {
    let app = TestApp::start_with(|config| config.retention_days = 2).await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    app.webhooks(&reopen(
        &logpoint,
        "Reopen",
        "    retry_schedule: [24h, 24h, 24h, 24h, 24h, 24h, 24h]",
    ))
    .await;
    let token = app.token(Scope::Events).await;
    app.send(&token, &event("Granted", "1")).await;
    app.wait_for("delivered", 1).await;
    logpoint.behave([Behaviour::Status(500, "no".to_owned())]);
    app.send(&token, &event("Granted", "2")).await;
    app.wait_for("due", 1).await;
    app.clock.advance(std::time::Duration::from_hours(24 * 4));
    // Every start looks after the partitions.
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
async fn the_days_ahead_have_partitions() {
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
