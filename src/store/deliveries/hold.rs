//! Holds, releases and cancels the deliveries of a webhook when its status changes.

use crate::model::{Timestamp, WebhookId};
use crate::store::{Error, PgConnection};

/// Holds the due deliveries of a webhook that became inactive. Returns their number.
pub async fn hold(db: &mut PgConnection, webhook: WebhookId) -> Result<u64, Error> {
    let done = sqlx::query!(
        "update delivery_queue set state = 'held' where webhook_id = $1 and state = 'due'",
        webhook.uuid()
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Makes the held deliveries of a webhook due. Returns their number.
pub async fn release(
    db: &mut PgConnection,
    webhook: WebhookId,
    now: Timestamp,
) -> Result<u64, Error> {
    let done = sqlx::query!(
        "update delivery_queue set state = 'due', due_at = $2 where webhook_id = $1 and state = 'held'",
        webhook.uuid(),
        now
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Cancels the unfinished deliveries of a deleted webhook. Returns their number. Leased deliveries are cancelled by
/// the instance that holds the lease.
pub async fn cancel(
    db: &mut PgConnection,
    webhook: WebhookId,
    now: Timestamp,
) -> Result<u64, Error> {
    let done = sqlx::query!(
        "with gone as (
             delete from delivery_queue where webhook_id = $1 and state in ('due', 'held', 'waiting')
             returning id, event_id, webhook_id, attempts, created_at, last_status
         )
         insert into delivery_history
             (id, event_id, webhook_id, state, attempts, created_at, finished_at, last_status, last_error)
         select id, event_id, webhook_id, 'cancelled', attempts, created_at, $2, last_status, 'Webhook deleted'
         from gone",
        webhook.uuid(),
        now
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
