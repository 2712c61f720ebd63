//! Daily partitions of the large tables.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::{Error, PgPool, QUICK_TIMEOUT, within};
use crate::model::Timestamp;

/// The days that have a partition, by table.
pub type PartitionDays = BTreeMap<String, BTreeSet<NaiveDate>>;

/// Returns the days that have a partition.
pub async fn list(db: &PgPool) -> Result<PartitionDays, Error> {
    let query = sqlx::query!(
        r#"select parent.relname::text as "parent!", part.relname::text as "part?"
           from pg_class parent
           left join pg_inherits i on i.inhparent = parent.oid
           left join pg_class part on part.oid = i.inhrelid
           where parent.oid in ('events'::regclass, 'delivery_history'::regclass, 'invocations'::regclass)"#
    );
    let rows = within(db, QUICK_TIMEOUT, query.fetch_all(db)).await?;
    let mut partitions = PartitionDays::new();
    for row in rows {
        let days = partitions.entry(row.parent).or_default();
        let day = row.part.as_deref().and_then(|part| part.rsplit('_').next());
        days.extend(day.and_then(|day| NaiveDate::parse_from_str(day, "%Y%m%d").ok()));
    }
    Ok(partitions)
}

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
