//! Webhooks that fail again and again: the count is shared by all instances.

use super::{Error, PgConnection, PgPool, QUICK_TIMEOUT, within};
use crate::model::breaker::Breaker;
use crate::model::{Timestamp, WebhookId};

/// All webhooks whose newest exchange failed.
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

/// Notes failures in a row; gives the state after them.
pub async fn note_failures(
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

/// Says when the next probe is sent, after so many have failed.
pub async fn plan_probe(
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

/// Takes the probe that is due; false where another instance has. Until `hold` nobody else takes one,
/// should this instance not live to tell what came of it.
pub async fn take_probe(
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

/// Closes it: an exchange went well, or a person has looked after the webhook.
pub async fn close(db: &mut PgConnection, webhook: WebhookId) -> Result<(), Error> {
    sqlx::query!("delete from webhook_breakers where webhook_id = $1", webhook.uuid())
        .execute(db)
        .await?;
    Ok(())
}
