//! Unfinished deliveries that users change: retried now, or cancelled.

use crate::model::{DeliveryId, Timestamp, WebhookId};
use crate::store::{Error, PgConnection};

/// Makes the next attempt of a delivery due now, and the probe of its webhook if its circuit breaker is open. Returns its
/// webhook. `None` if the delivery does not wait for its next attempt.
pub async fn retry_now(
    db: &mut PgConnection,
    id: DeliveryId,
    now: Timestamp,
) -> Result<Option<WebhookId>, Error> {
    let webhook = sqlx::query_scalar!(
        "update delivery_queue set due_at = $2 where id = $1 and state = 'due' returning webhook_id",
        id.uuid(),
        now
    )
    .fetch_optional(&mut *db)
    .await?;
    if let Some(webhook) = webhook {
        sqlx::query!(
            "update webhook_breakers set probe_at = least(probe_at, $2) where webhook_id = $1",
            webhook,
            now
        )
        .execute(db)
        .await?;
    }
    Ok(webhook.map(WebhookId::from))
}

/// Cancels a delivery that is not being sent. The next delivery of its lane becomes due. Returns false if it is being sent or
/// finished.
pub async fn cancel(
    db: &mut PgConnection,
    id: DeliveryId,
    reason: &str,
    now: Timestamp,
) -> Result<bool, Error> {
    let row = sqlx::query!(
        r#"with gone as (
               delete from delivery_queue where id = $1 and state in ('due', 'held', 'waiting')
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
                   where x.lane = g.lane and x.state = 'waiting' order by x.lane, x.id limit 1
               )
           )
           select count(*) as "count!" from gone"#,
        id.uuid(),
        now,
        reason
    )
    .fetch_one(db)
    .await?;
    Ok(row.count > 0)
}
