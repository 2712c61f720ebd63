//! Redeliveries of all deliveries that match a filter.

use uuid::Uuid;

use super::delivery_search::{self, BulkSelection, DeliveryFilter, Scope};
use super::{Error, PgConnection, PgPool};
use crate::model::Timestamp;

/// Maximum number of deliveries in a batch.
pub const MAX_BATCH: usize = 100_000;

/// A batch.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The query string of the list that it was made from.
    pub filters: String,
    /// Number of deliveries.
    pub total: i64,
    /// When it was requested.
    pub requested_at: Timestamp,
    /// Who requested it, as displayed.
    pub who: String,
    /// When it was stopped.
    pub stopped_at: Option<Timestamp>,
    /// Number of deliveries that were sent successfully.
    pub succeeded: i64,
    /// Number of deliveries that failed again.
    pub failed: i64,
    /// Number of deliveries that are queued or being sent.
    pub open: i64,
}

/// Returns the finished deliveries of existing webhooks that match a filter, at most [`MAX_BATCH`] of them.
pub async fn select(db: &PgPool, filter: DeliveryFilter<'_>) -> Result<BulkSelection, Error> {
    let filter = DeliveryFilter { scope: Scope::Finished, ..filter };
    let mut found = delivery_search::select(db, filter, MAX_BATCH).await?;
    found.ids = sqlx::query_scalar!(
        "select h.id from delivery_history h
         join webhooks w on w.id = h.webhook_id and w.deleted_at is null
         where h.id = any($1) order by h.id desc",
        &found.ids
    )
    .fetch_all(db)
    .await?;
    Ok(found)
}

/// Queues the redelivery of these deliveries, oldest first, except those that are queued already. Returns their number.
pub async fn insert(
    db: &mut PgConnection,
    id: Uuid,
    deliveries: &[Uuid],
    filters: &str,
    (who, now): (&str, Timestamp),
) -> Result<i64, Error> {
    sqlx::query!(
        "insert into redelivery_batches (id, filters, total, requested_at, who) values ($1, $2, 0, $3, $4)",
        id,
        filters,
        now,
        who
    )
    .execute(&mut *db)
    .await?;
    let done = sqlx::query!(
        "insert into redeliveries (delivery_id, batch_id, state, requested_at, who)
         select d.id, $1, 'queued', $2, $3 from unnest($4::uuid[]) as d (id)
         order by d.id
         on conflict (delivery_id) where state in ('queued', 'leased') do nothing",
        id,
        now,
        who,
        deliveries
    )
    .execute(&mut *db)
    .await?;
    let total = i64::try_from(done.rows_affected()).unwrap_or(i64::MAX);
    sqlx::query!("update redelivery_batches set total = $2 where id = $1", id, total)
        .execute(db)
        .await?;
    Ok(total)
}

/// Returns a batch with its progress.
pub async fn find(db: &PgPool, id: Uuid) -> Result<Option<Batch>, Error> {
    let row = sqlx::query!(
        r#"select filters, total, requested_at, who, stopped_at,
                  (select count(*) from redeliveries r where r.batch_id = b.id and r.state = 'succeeded') as "succeeded!",
                  (select count(*) from redeliveries r where r.batch_id = b.id and r.state = 'failed') as "failed!",
                  (select count(*) from redeliveries r
                   where r.batch_id = b.id and r.state in ('queued', 'leased')) as "open!"
           from redelivery_batches b where id = $1"#,
        id
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Batch {
        filters: row.filters,
        total: row.total,
        requested_at: row.requested_at,
        who: row.who,
        stopped_at: row.stopped_at,
        succeeded: row.succeeded,
        failed: row.failed,
        open: row.open,
    }))
}

/// Stops a batch: what is queued is not sent. Returns false if there is no such batch.
pub async fn stop(db: &mut PgConnection, id: Uuid, now: Timestamp) -> Result<bool, Error> {
    let done = sqlx::query!(
        "update redelivery_batches set stopped_at = coalesce(stopped_at, $2) where id = $1",
        id,
        now
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "update redeliveries set state = 'stopped', finished_at = $2 where batch_id = $1 and state = 'queued'",
        id,
        now
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}
