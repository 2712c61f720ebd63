//! Transactions whose start can be cancelled.
//!
//! The library sends `BEGIN` and counts the transaction when the response arrives. If the request is cancelled in between,
//! because the browser has closed the connection, the library returns the connection to the pool with an open transaction that
//! it does not know of. Whatever was written over this connection next would not be committed.

use sqlx::postgres::PgTransaction;

use super::PgPool;

/// Starts a transaction. If the caller is cancelled, it is rolled back.
///
/// # Errors
/// If no connection is available, or the database does not respond.
pub async fn begin(db: &PgPool) -> Result<PgTransaction<'static>, sqlx::Error> {
    start(db, "begin").await
}

/// Starts a transaction that reads. Its statements are planned once per connection, not for each set of parameters.
pub(super) async fn begin_search(db: &PgPool) -> Result<PgTransaction<'static>, sqlx::Error> {
    start(db, "begin read only; set local plan_cache_mode = force_generic_plan").await
}

/// Starts a transaction whose statements read whole tables. The connections of the dispatcher permit only joins by an index,
/// one row after the other; for two large sets, that takes seconds.
pub(super) async fn begin_bulk(db: &PgPool) -> Result<PgTransaction<'static>, sqlx::Error> {
    start(
        db,
        "begin; set local plan_cache_mode = force_custom_plan; set local enable_seqscan = on;
         set local enable_bitmapscan = on; set local enable_hashjoin = on; set local enable_mergejoin = on",
    )
    .await
}

#[expect(
    clippy::disallowed_methods,
    reason = "a separate task is not cancelled with the caller, and it ends as soon as the transaction has started"
)]
async fn start(
    db: &PgPool,
    statement: &'static str,
) -> Result<PgTransaction<'static>, sqlx::Error> {
    let db = db.clone();
    let starting = tokio::spawn(async move { db.begin_with(statement).await });
    starting.await.map_err(|error| sqlx::Error::Protocol(error.to_string()))?
}
