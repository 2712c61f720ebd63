//! Requests that are cancelled while a transaction starts.

use std::time::Duration;

use futures_util::poll;
use gatepost::store;
use sqlx::postgres::PgPoolOptions;

use crate::support::database::TestDatabase;
use crate::support::process::wait_long;

/// Whether a connection to the database is idle in a transaction.
const HAS_OPEN_TRANSACTION: &str = "select exists (select from pg_stat_activity
     where datname = current_database() and state like 'idle in transaction%')";

#[tokio::test]
async fn a_caller_that_is_cancelled_leaves_no_open_transaction() {
    let database = TestDatabase::create().await;
    let pool = PgPoolOptions::new().max_connections(1).connect(database.url()).await.unwrap();
    for polls in 1..60_u64 {
        let mut starting = Box::pin(store::begin(&pool));
        for _ in 0..polls {
            if poll!(starting.as_mut()).is_ready() {
                break;
            }
            // Shorter and longer than the response of the database takes.
            tokio::time::timeout(Duration::from_micros(20), std::future::pending::<()>())
                .await
                .unwrap_err();
        }
        drop(starting);
        // Over the same connection, as soon as it is back.
        sqlx::query("create table if not exists written (n int)").execute(&pool).await.unwrap();
        wait_long("no transaction is open", async || {
            !sqlx::query_scalar::<_, bool>(HAS_OPEN_TRANSACTION)
                .fetch_one(database.pool())
                .await
                .unwrap()
        })
        .await;
    }
    pool.close().await;
    database.drop().await;
}
