//! Circuit breakers of webhooks, shared by all instances.

use super::{Error, PgConnection, PgPool, QUICK_TIMEOUT, within};
use crate::model::breaker::Breaker;
use crate::model::{Timestamp, WebhookId};

/// Returns the breakers of all webhooks whose last attempt failed.
pub async fn list(db: &PgPool) -> Result<Vec<(WebhookId, Breaker)>, Error> {
    let query = sqlx::query!(
        "select webhook_id, failures, failing_since, probes, probe_at from webhook_breakers"
    );
    let rows = within(db, QUICK_TIMEOUT, query.fetch_all(db)).await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let breaker = Breaker {
                failures: row.failures,
                failing_since: row.failing_since,
                probes: row.probes,
                probe_at: row.probe_at,
            };
            (row.webhook_id.into(), breaker)
        })
        .collect())
}

/// Returns the circuit breaker of a webhook and a summary of the newest failure. `None` if its last attempt succeeded.
pub async fn find(db: &PgPool, webhook: WebhookId) -> Result<Option<(Breaker, String)>, Error> {
    let row = sqlx::query!(
        "select failures, failing_since, last_error, probes, probe_at from webhook_breakers where webhook_id = $1",
        webhook.uuid()
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| {
        let breaker = Breaker {
            failures: row.failures,
            failing_since: row.failing_since,
            probes: row.probes,
            probe_at: row.probe_at,
        };
        (breaker, row.last_error)
    }))
}

/// Adds consecutive failures and returns the new state.
pub async fn record_failures(
    db: &PgPool,
    webhook: WebhookId,
    failures: i32,
    last_error: &str,
    now: Timestamp,
) -> Result<Breaker, Error> {
    let query = sqlx::query!(
        "insert into webhook_breakers as b (webhook_id, failures, failing_since, last_error)
         values ($1, $2, $3, $4)
         on conflict (webhook_id) do update
             set failures = b.failures + excluded.failures, last_error = excluded.last_error
         returning failures, failing_since, probes, probe_at",
        webhook.uuid(),
        failures,
        now,
        last_error
    );
    let row = within(db, QUICK_TIMEOUT, query.fetch_one(db)).await?;
    Ok(Breaker {
        failures: row.failures,
        failing_since: row.failing_since,
        probes: row.probes,
        probe_at: row.probe_at,
    })
}

/// Schedules the next probe. `probes` is the number of probes that have failed.
pub async fn schedule_probe(
    db: &PgPool,
    webhook: WebhookId,
    probes: i32,
    at: Timestamp,
) -> Result<(), Error> {
    let query = sqlx::query!(
        "update webhook_breakers set probes = $2, probe_at = $3 where webhook_id = $1",
        webhook.uuid(),
        probes,
        at
    );
    within(db, QUICK_TIMEOUT, query.execute(db)).await?;
    Ok(())
}

/// Claims the probe that is due. Returns false if another instance claimed it. No instance can claim another probe
/// before `hold`, in case this one is killed before it records the result.
pub async fn claim_probe(
    db: &PgPool,
    webhook: WebhookId,
    now: Timestamp,
    hold: Timestamp,
) -> Result<bool, Error> {
    let query = sqlx::query!(
        "update webhook_breakers set probe_at = $3 where webhook_id = $1 and probe_at <= $2",
        webhook.uuid(),
        now,
        hold
    );
    let done = within(db, QUICK_TIMEOUT, query.execute(db)).await?;
    Ok(done.rows_affected() > 0)
}

/// Closes a breaker, after a successful attempt or a change of the webhook.
pub async fn close(db: &mut PgConnection, webhook: WebhookId) -> Result<(), Error> {
    sqlx::query!("delete from webhook_breakers where webhook_id = $1", webhook.uuid())
        .execute(db)
        .await?;
    Ok(())
}
