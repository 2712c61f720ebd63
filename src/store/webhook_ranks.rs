//! Positions of webhooks in the list, by their last delivery and by their success rate.

use super::webhook_health::first_hour;
use super::{Error, PgPool};
use crate::model::Timestamp;

/// Calculates the positions from the roll-ups of the last 24 hours, unless another instance is doing so.
pub async fn refresh(db: &PgPool, now: Timestamp) -> Result<(), Error> {
    sqlx::query!(
        "update webhook_ranks r set last_key = new.last_key, rate_key = new.rate_key
         from (
             select k.webhook_id,
                    coalesce(
                        lpad((9999999999999 - extract(epoch from h.last) * 1000)::bigint::text, 13, '0'),
                        k.last_key
                    ) as last_key,
                    lpad(coalesce(h.delivered * 1000 / nullif(h.attempts, 0) + 1, 0)::bigint::text, 5, '0') as rate_key
             from webhook_ranks k left join (
                 select webhook_id, max(last_delivered_at) as last, sum(delivered) as delivered,
                        sum(delivered + failed + retried) as attempts
                 from webhook_hours where hour >= $1 group by webhook_id
             ) h on h.webhook_id = k.webhook_id
         ) new
         where new.webhook_id = r.webhook_id and (new.last_key, new.rate_key) is distinct from (r.last_key, r.rate_key)
           and (select pg_try_advisory_xact_lock(hashtext('gatepost.webhook_ranks')))",
        first_hour(now)
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Calculates the positions if there are at most `max` webhooks.
pub async fn refresh_few(db: &PgPool, now: Timestamp, max: i64) -> Result<(), Error> {
    let are_few = sqlx::query_scalar!(
        r#"select count(*) <= $1::bigint as "are_few!" from (select from webhook_ranks limit $1::bigint + 1) counted"#,
        max
    )
    .fetch_one(db)
    .await?;
    if are_few { refresh(db, now).await } else { Ok(()) }
}
