//! What the list of webhooks shows about deliveries, calculated in advance: positions by last delivery and by success rate, and
//! the attempts of the hours that have ended.

use super::hours::hour_of;
use super::transaction::begin_bulk;
use super::webhook_health::first_hour;
use super::{Error, PgPool};
use crate::model::Timestamp;

/// Calculates everything from the roll-ups of the last 24 hours, unless another instance is doing so. If the last refresh was
/// earlier, reads the roll-ups since then.
pub async fn refresh(db: &PgPool, now: Timestamp) -> Result<(), Error> {
    let mut transaction = begin_bulk(db).await?;
    sqlx::query!(
        "update webhook_ranks r
         set last_key = new.last_key, rate_key = new.rate_key, last_delivered_at = new.last_delivered_at,
             hours_until = $2, hours = new.hours, delivered = new.delivered, failed = new.failed
         from (
             select k.webhook_id,
                    coalesce(
                        lpad((9999999999999 - extract(epoch from h.last) * 1000)::bigint::text, 13, '0'),
                        k.last_key
                    ) as last_key,
                    lpad(coalesce(h.sum * 1000 / nullif(h.attempts, 0) + 1, 0)::bigint::text, 5, '0') as rate_key,
                    greatest(h.last, k.last_delivered_at) as last_delivered_at,
                    coalesce(h.hours, '{}') as hours,
                    coalesce(h.delivered, '{}') as delivered,
                    coalesce(h.failed, '{}') as failed
             from webhook_ranks k left join (
                 select webhook_id, max(last_delivered_at) as last,
                        sum(delivered) filter (where hour >= $1) as sum,
                        sum(delivered + failed + retried) filter (where hour >= $1) as attempts,
                        array_agg(hour) filter (where hour < $2) as hours,
                        array_agg(delivered) filter (where hour < $2) as delivered,
                        array_agg(failed + retried) filter (where hour < $2) as failed
                 from (
                     -- In the same order each time, so that rows without news are not written. This is faster than an order in
                     -- each aggregate.
                     select * from webhook_hours
                     where hour >= least($1, (
                         select min(coalesce(r.hours_until, date_trunc('hour', w.created_at, 'UTC')))
                         from webhook_ranks r join webhooks w on w.id = r.webhook_id))
                     order by webhook_id, hour
                 ) sorted
                 group by webhook_id
             ) h on h.webhook_id = k.webhook_id
         ) new
         where new.webhook_id = r.webhook_id
           and (new.last_key, new.rate_key, new.last_delivered_at, new.hours, new.delivered, new.failed, $2)
               is distinct from
               (r.last_key, r.rate_key, r.last_delivered_at, r.hours, r.delivered, r.failed, r.hours_until)
           and (select pg_try_advisory_xact_lock(hashtext('gatepost.webhook_ranks')))",
        first_hour(now),
        hour_of(now)
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
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
