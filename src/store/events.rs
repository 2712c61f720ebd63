//! Events as received, and which were seen before. How they come in is in `deliveries::intake`.

use super::{Error, PgConnection};
use crate::model::Timestamp;

/// How long a repeat is known for one.
pub const SEEN_FOR_DAYS: i32 = 7;

/// Forgets keys that no longer count.
pub async fn prune_keys(db: &mut PgConnection, now: Timestamp) -> Result<(), Error> {
    sqlx::query!(
        "delete from event_keys where seen_at < $1::timestamptz - make_interval(days => $2)",
        now,
        SEEN_FOR_DAYS
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The values seen in the newest events' payloads.
pub async fn newest_payloads(db: &super::PgPool, limit: i64) -> Result<Vec<String>, Error> {
    let rows = sqlx::query_scalar!("select payload from events order by id desc limit $1", limit)
        .fetch_all(db)
        .await?;
    Ok(rows)
}
