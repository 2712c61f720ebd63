//! What a clock that was ahead has planned.

use uuid::Uuid;

use super::queue::interval;
use crate::model::{Timestamp, WebhookId};
use crate::store::{Error, PgPool, SLOW_TIMEOUT, within};
use std::time::Duration;

/// The furthest that a webhook's deliveries can be planned ahead after so many attempts.
#[derive(Debug, Clone, Copy)]
pub struct DueBound {
    /// Which webhook.
    pub webhook: WebhookId,
    /// After how many attempts.
    pub attempts: i32,
    /// By the schedule.
    pub longest: Duration,
    /// Where the answer may have said how long to wait.
    pub longest_asked_for: Duration,
}

/// Plans anew what is due later than its bound; gives how many. Whoever does it again changes nothing.
pub async fn limit_due_times(
    db: &PgPool,
    now: Timestamp,
    bounds: &[DueBound],
) -> Result<u64, Error> {
    let webhooks: Vec<Uuid> = bounds.iter().map(|one| one.webhook.uuid()).collect();
    let attempts: Vec<i32> = bounds.iter().map(|one| one.attempts).collect();
    let longest: Vec<_> = bounds.iter().map(|one| interval(one.longest)).collect();
    let asked_for: Vec<_> = bounds.iter().map(|one| interval(one.longest_asked_for)).collect();
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
