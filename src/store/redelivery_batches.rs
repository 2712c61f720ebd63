//! Batches: an action on all deliveries that match a filter. They are processed by the dispatcher.

use uuid::Uuid;

use super::deliveries::Delivery;
use super::delivery_search::{self, BulkSelection, DeliveryFilter, Scope};
use super::{Error, PgConnection, PgPool};
use crate::model::Timestamp;
use crate::model::delivery::{BulkAction, DeliveryState};

/// Maximum number of deliveries in a batch.
pub const MAX_BATCH: usize = 100_000;

/// Number of unfinished deliveries to look at for a button.
const MAX_PROBED: usize = 20;

/// A batch.
#[derive(Debug, Clone)]
pub struct Batch {
    /// What is done.
    pub action: BulkAction,
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
    /// Number of deliveries that were sent, or changed, successfully.
    pub succeeded: i64,
    /// Number of deliveries that failed again, or could not be changed any more.
    pub failed: i64,
    /// Number of deliveries that are still to do, or being sent.
    pub open: i64,
}

/// Returns the deliveries that match a filter and to which an action applies. Of these, at most [`MAX_BATCH`] that match
/// the filter are considered.
pub async fn select(
    db: &PgPool,
    filter: DeliveryFilter<'_>,
    action: BulkAction,
) -> Result<BulkSelection, Error> {
    let scope = if action == BulkAction::Redeliver { Scope::Finished } else { Scope::Unfinished };
    let mut found =
        delivery_search::select(db, DeliveryFilter { scope, ..filter }, MAX_BATCH).await?;
    let states = DeliveryState::ALL.into_iter().filter(|state| action.applies_to(*state));
    let states: Vec<&str> = states.map(DeliveryState::as_str).collect();
    // A delivery of a deleted webhook cannot be sent again.
    found.ids = sqlx::query_scalar!(
        r#"select d.id as "id!" from unnest($1::uuid[]) as ids (id)
           cross join lateral (select * from deliveries where deliveries.id = ids.id limit 1) d
           where d.state = any($2)
             and ($3 or exists (select from webhooks w where w.id = d.webhook_id and w.deleted_at is null))
           order by d.id desc"#,
        &found.ids,
        &states as _,
        action != BulkAction::Redeliver
    )
    .fetch_all(db)
    .await?;
    Ok(found)
}

/// Returns the newest unfinished deliveries that match a filter. Reads no more than a page does.
pub async fn list_unfinished(
    db: &PgPool,
    filter: DeliveryFilter<'_>,
) -> Result<Vec<Delivery>, Error> {
    let filter = DeliveryFilter { scope: Scope::Unfinished, after: None, ..filter };
    Ok(delivery_search::list(db, filter, MAX_PROBED).await?.deliveries)
}

/// Starts an action on these deliveries, except those that another batch has not finished. Returns their number.
///
/// Deliveries are sent again oldest first. They are cancelled newest first: otherwise, the next delivery of a lane could
/// be sent before it is cancelled.
pub async fn insert(
    db: &mut PgConnection,
    id: Uuid,
    (action, deliveries): (BulkAction, &[Uuid]),
    filters: &str,
    (who, now): (&str, Timestamp),
) -> Result<i64, Error> {
    sqlx::query!(
        "insert into redelivery_batches (id, action, filters, total, requested_at, who) values ($1, $2, $3, 0, $4, $5)",
        id,
        action.as_str(),
        filters,
        now,
        who
    )
    .execute(&mut *db)
    .await?;
    let is_redelivery = action == BulkAction::Redeliver;
    let mut ordered = deliveries.to_vec();
    ordered.sort_unstable();
    if !is_redelivery {
        ordered.reverse();
    }
    let done = sqlx::query!(
        "insert into redeliveries (delivery_id, batch_id, state, requested_at, who)
         select d.id, $1, $5, $2, $3 from unnest($4::uuid[]) with ordinality as d (id, place)
         order by d.place
         on conflict (delivery_id) where state in ('queued', 'leased') do nothing",
        id,
        now,
        who,
        &ordered,
        if is_redelivery { "queued" } else { "pending" }
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
        r#"select action, filters, total, requested_at, who, stopped_at,
                  (select count(*) from redeliveries r where r.batch_id = b.id and r.state = 'succeeded') as "succeeded!",
                  (select count(*) from redeliveries r where r.batch_id = b.id and r.state = 'failed') as "failed!",
                  (select count(*) from redeliveries r
                   where r.batch_id = b.id and r.state in ('queued', 'leased', 'pending')) as "open!"
           from redelivery_batches b where id = $1"#,
        id
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Batch {
        action: BulkAction::from_name(&row.action).unwrap_or(BulkAction::Redeliver),
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

/// Stops a batch: what is still to do is not done. Returns false if there is no such batch.
pub async fn stop(db: &mut PgConnection, id: Uuid, now: Timestamp) -> Result<bool, Error> {
    let done = sqlx::query!(
        "update redelivery_batches set stopped_at = coalesce(stopped_at, $2) where id = $1",
        id,
        now
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "update redeliveries set state = 'stopped', finished_at = $2 where batch_id = $1 and state in ('queued', 'pending')",
        id,
        now
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}
