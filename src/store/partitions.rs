//! Daily partitions of the large tables.

use chrono::NaiveDate;

use super::{Error, PgPool};
use crate::model::Timestamp;

/// Creates missing partitions for a range of days.
pub async fn ensure(db: &PgPool, first: NaiveDate, last: NaiveDate) -> Result<(), Error> {
    sqlx::query!("select ensure_partitions($1, $2)", first, last).execute(db).await?;
    Ok(())
}

/// Drops the oldest partition of a day before this one and returns its name. `None` if there is none.
///
/// # Errors
/// Also if the partition is being read. Try again.
pub async fn drop_oldest(db: &PgPool, before: NaiveDate) -> Result<Option<String>, Error> {
    let dropped =
        sqlx::query_scalar!("select drop_oldest_partition($1)", before).fetch_one(db).await?;
    Ok(dropped)
}

/// Deletes expired rows from the default partitions. Rows are there if a clock was wrong, or if the partition of their
/// day was dropped before their last delivery was finished. Keeps events with unfinished deliveries, and deliveries
/// that were finished after `before`. Returns the number of deleted rows.
pub async fn delete_from_default(db: &PgPool, before: Timestamp) -> Result<i64, Error> {
    let count = sqlx::query_scalar!(
        r#"with events as (
               delete from events_other e
               where id < partition_bound($1)
                 and not exists (select from delivery_queue q where q.event_id = e.id)
               returning id
           ),
           deliveries as (
               delete from delivery_history_other
               where id < partition_bound($1) and finished_at < $2
               returning id
           ),
           exchanges as (
               delete from invocations_other where id < partition_bound($1) returning id
           )
           select (select count(*) from events) + (select count(*) from deliveries)
                + (select count(*) from exchanges) as "count!""#,
        before.date_naive(),
        before
    )
    .fetch_one(db)
    .await?;
    Ok(count)
}
