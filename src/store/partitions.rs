//! The daily partitions of the big tables.

use chrono::NaiveDate;

use super::{Error, PgPool};
use crate::model::Timestamp;

/// Makes the partitions from one day to another, where they are missing.
pub async fn ensure(db: &PgPool, first: NaiveDate, last: NaiveDate) -> Result<(), Error> {
    sqlx::query!("select ensure_partitions($1, $2)", first, last).execute(db).await?;
    Ok(())
}

/// Drops the oldest partition of a day before this one; its name, or none where there is none.
///
/// # Errors
/// Also where somebody reads the table at that moment: try again.
pub async fn drop_oldest(db: &PgPool, before: NaiveDate) -> Result<Option<String>, Error> {
    let dropped =
        sqlx::query_scalar!("select drop_oldest_partition($1)", before).fetch_one(db).await?;
    Ok(dropped)
}

/// Deletes what is older and fits no day: a clock was wrong, or the day was dropped before its last delivery was
/// finished. An event that is not delivered stays, and so does a delivery that was finished later. Returns the number
/// of rows.
pub async fn forget_others(db: &PgPool, before: Timestamp) -> Result<i64, Error> {
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
