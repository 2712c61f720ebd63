//! Corrects due times that were computed from a clock that was ahead.

use std::time::Duration;

use uuid::Uuid;

use super::leases::interval;
use crate::model::{Timestamp, WebhookId};
use crate::store::{Error, PgPool, SLOW_TIMEOUT, within};

/// The latest due time of a webhook's deliveries after a number of attempts, relative to now.
#[derive(Debug, Clone, Copy)]
pub struct DueBound {
    /// The webhook.
    pub webhook: WebhookId,
    /// The number of attempts made.
    pub attempts: i32,
    /// The maximum delay by the retry schedule.
    pub max_delay: Duration,
    /// The maximum delay if the response may have had a `Retry-After` header (status 429 or 503).
    pub max_delay_asked_for: Duration,
}

/// Moves deliveries that are due later than their bound to that bound. Idempotent. Returns the number of moved
/// deliveries.
pub async fn limit_due_times(
    db: &PgPool,
    now: Timestamp,
    bounds: &[DueBound],
) -> Result<u64, Error> {
    let webhooks: Vec<Uuid> = bounds.iter().map(|one| one.webhook.uuid()).collect();
    let attempts: Vec<i32> = bounds.iter().map(|one| one.attempts).collect();
    let longest: Vec<_> = bounds.iter().map(|one| interval(one.max_delay)).collect();
    let asked_for: Vec<_> = bounds.iter().map(|one| interval(one.max_delay_asked_for)).collect();
    let query = sqlx::query!(
        "update delivery_queue q
         set due_at = $1::timestamptz + case when q.last_status in (429, 503) then b.asked_for else b.longest end
         from unnest($2::uuid[], $3::integer[], $4::interval[], $5::interval[])
             as b (webhook_id, attempts, longest, asked_for)
         where q.state = 'due' and q.webhook_id = b.webhook_id and q.attempts = b.attempts
           and q.due_at > $1::timestamptz
               + case when q.last_status in (429, 503) then b.asked_for else b.longest end",
        now,
        &webhooks,
        &attempts,
        &longest,
        &asked_for
    );
    let done = within(db, SLOW_TIMEOUT, query.execute(db)).await?;
    Ok(done.rows_affected())
}
