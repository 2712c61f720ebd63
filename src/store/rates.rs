//! Permits of webhooks with a rate limit. All instances take them from one table, by the database's clock.

use std::time::Duration;

use uuid::Uuid;

use super::{Error, PgPool, QUICK_TIMEOUT, within};
use crate::model::WebhookId;

/// A webhook that needs permits.
#[derive(Debug, Clone, Copy)]
pub struct PermitRequest {
    /// The webhook.
    pub webhook: WebhookId,
    /// The time between two attempts.
    pub interval: Duration,
}

/// Takes the permits available now and within the next `burst`. Returns the number of permits per webhook. A webhook
/// that is requested for the first time gets its permits with the next call.
pub async fn take_permits(
    db: &PgPool,
    requests: &[PermitRequest],
    burst: Duration,
) -> Result<Vec<(WebhookId, u32)>, Error> {
    let micros = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
    let webhooks: Vec<Uuid> = requests.iter().map(|one| one.webhook.uuid()).collect();
    let intervals: Vec<i64> = requests.iter().map(|one| micros(one.interval)).collect();
    let ahead: Vec<i64> =
        requests.iter().map(|one| micros(burst.saturating_sub(one.interval))).collect();
    let query = sqlx::query!(
        r#"with requested as (
               select id, interval '1 microsecond' * spacing as spacing, interval '1 microsecond' * ahead as ahead
               from unnest($1::uuid[], $2::bigint[], $3::bigint[]) as w (id, spacing, ahead)
           ),
           inserted as (
               insert into webhook_rates (webhook_id, next_at)
               select w.id, statement_timestamp() from requested w join webhooks on webhooks.id = w.id
               order by w.id
               on conflict do nothing
           ),
           -- Permits are never granted further ahead than this. A later next_at is from before the clock was set back.
           available as (
               select r.webhook_id, w.spacing, statement_timestamp() + w.ahead as last,
                      case when r.next_at > statement_timestamp() + w.ahead + w.spacing + interval '5 seconds'
                           then statement_timestamp()
                           else greatest(r.next_at, statement_timestamp()) end as first
               from webhook_rates r join requested w on w.id = r.webhook_id
               where r.next_at <= statement_timestamp() + w.ahead
                  or r.next_at > statement_timestamp() + w.ahead + w.spacing + interval '5 seconds'
               order by r.webhook_id
               for update of r
           ),
           permits as (
               select webhook_id, spacing, first,
                      1 + floor(extract(epoch from last - first) / extract(epoch from spacing))::int as count
               from available
           )
           update webhook_rates r set next_at = t.first + t.spacing * t.count
           from permits t where r.webhook_id = t.webhook_id
           returning r.webhook_id, t.count as "count!""#,
        &webhooks,
        &intervals,
        &ahead
    );
    let rows = within(db, QUICK_TIMEOUT, query.fetch_all(db)).await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.webhook_id.into(), u32::try_from(row.count).unwrap_or_default()))
        .collect())
}
