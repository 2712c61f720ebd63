//! Applies bulk retries and bulk cancellations to unfinished deliveries, some at a time.

use uuid::Uuid;

use super::{Error, PgConnection};
use crate::model::Timestamp;

/// What one step has changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BulkStep {
    /// Number of deliveries that were looked at. 0 if nothing is pending.
    pub taken: usize,
    /// Number of deliveries that were changed. The others were sent or finished in the meantime.
    pub changed: usize,
}

/// Applies the next pending changes of one batch, at most `limit`. The caller's transaction makes the step atomic, so an
/// instance that ends loses nothing.
pub async fn apply_next(
    db: &mut PgConnection,
    now: Timestamp,
    limit: i64,
) -> Result<BulkStep, Error> {
    let rows = sqlx::query!(
        r#"select r.id, r.delivery_id, r.who, b.action from redeliveries r
           join redelivery_batches b on b.id = r.batch_id
           where r.state = 'pending'
             and r.batch_id = (select batch_id from redeliveries where state = 'pending' order by id limit 1)
           order by r.id limit $1
           for update of r skip locked"#,
        limit
    )
    .fetch_all(&mut *db)
    .await?;
    let Some(first) = rows.first() else { return Ok(BulkStep::default()) };
    let deliveries: Vec<Uuid> = rows.iter().map(|row| row.delivery_id).collect();
    let changed = if first.action == "cancel" {
        cancel(db, &deliveries, &format!("Cancelled by {}", first.who), now).await?
    } else {
        retry(db, &deliveries, now).await?
    };
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    sqlx::query!(
        "update redeliveries set state = case when delivery_id = any($2) then 'succeeded' else 'failed' end,
                                 finished_at = $3
         where id = any($1)",
        &ids,
        &changed,
        now
    )
    .execute(db)
    .await?;
    Ok(BulkStep { taken: ids.len(), changed: changed.len() })
}

/// Makes the next attempts due now, and the probes of webhooks whose circuit breaker is open. Returns the deliveries that
/// were changed.
async fn retry(
    db: &mut PgConnection,
    deliveries: &[Uuid],
    now: Timestamp,
) -> Result<Vec<Uuid>, Error> {
    let rows = sqlx::query!(
        "update delivery_queue set due_at = least(due_at, $2) where id = any($1) and state = 'due'
         returning id, webhook_id",
        deliveries,
        now
    )
    .fetch_all(&mut *db)
    .await?;
    let mut webhooks: Vec<Uuid> = rows.iter().map(|row| row.webhook_id).collect();
    webhooks.sort_unstable();
    webhooks.dedup();
    sqlx::query!(
        "update webhook_breakers set probe_at = least(probe_at, $2) where webhook_id = any($1)",
        &webhooks,
        now
    )
    .execute(db)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Cancels deliveries that are not being sent, and makes the first remaining delivery of each lane due. Returns the
/// deliveries that were cancelled.
async fn cancel(
    db: &mut PgConnection,
    deliveries: &[Uuid],
    reason: &str,
    now: Timestamp,
) -> Result<Vec<Uuid>, Error> {
    let cancelled = sqlx::query_scalar!(
        r#"with gone as (
               delete from delivery_queue where id = any($1) and state in ('due', 'held', 'waiting')
               returning id, event_id, webhook_id, lane, state, attempts, created_at, last_status
           ),
           remembered as (
               insert into delivery_history
                   (id, event_id, webhook_id, state, attempts, created_at, finished_at, last_status, last_error)
               select id, event_id, webhook_id, 'cancelled', attempts, created_at, $2, last_status, $3 from gone
           ),
           promoted as (
               update delivery_queue q set state = g.state, due_at = $2
               from gone g
               where g.lane is not null and g.state in ('due', 'held') and q.id = (
                   select x.id from delivery_queue x
                   where x.lane = g.lane and x.state = 'waiting' and x.id <> all($1)
                   order by x.lane, x.id limit 1
               )
           )
           select id as "id!" from gone"#,
        deliveries,
        now,
        reason
    )
    .fetch_all(db)
    .await?;
    Ok(cancelled)
}
