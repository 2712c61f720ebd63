//! Claims due deliveries.

use uuid::Uuid;

use super::leases::{LEASE_DURATION, interval};
use crate::model::{DeliveryId, EventId, Timestamp, WebhookId};
use crate::store::{Error, PgPool, SLOW_TIMEOUT, within};

/// A claimed delivery.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The delivery.
    pub id: DeliveryId,
    /// Its webhook.
    pub webhook_id: WebhookId,
    /// The number of the attempt to make, from 1.
    pub attempt: i32,
    /// Its event.
    pub event_id: EventId,
    /// The event as received. Set on the first delivery of each event, if retention has not removed it.
    pub payload: Option<String>,
    /// Whether it is a manual send.
    pub is_manual: bool,
}

/// Claims due deliveries for a lease. `limits` holds the maximum for each of the `webhooks`.
pub async fn claim(
    db: &PgPool,
    lease: Uuid,
    now: Timestamp,
    webhooks: &[Uuid],
    limits: &[i64],
) -> Result<Vec<Claimed>, Error> {
    let query = sqlx::query!(
        r#"with picked as (
               select due.id
               from unnest($3::uuid[], $4::bigint[]) as w (id, max_count)
               cross join lateral (
                   select q.id from delivery_queue q
                   where q.state = 'due' and q.webhook_id = w.id and q.due_at <= $2
                   order by q.due_at, q.id limit w.max_count
                   for update skip locked
               ) due
           ),
           taken as (
               update delivery_queue q
               set state = 'leased', lease = $1, leased_until = $2::timestamptz + $5::interval,
                   attempts = attempts + 1
               from picked where q.id = picked.id
               returning q.id, q.event_id, q.webhook_id, q.attempts
           )
           select t.id as "id!", t.event_id as "event_id!", t.webhook_id as "webhook_id!", t.attempts as "attempts!",
                  e.payload as "payload?",
                  exists (select from manual_deliveries m where m.delivery_id = t.id) as "is_manual!"
           from (select *, row_number() over (partition by event_id order by id) = 1 as is_first from taken) t
           left join events e on t.is_first and e.id = t.event_id
           order by t.id"#,
        lease,
        now,
        webhooks,
        limits,
        interval(LEASE_DURATION)
    );
    let rows = within(db, SLOW_TIMEOUT, query.fetch_all(db)).await?;
    Ok(rows
        .into_iter()
        .map(|row| Claimed {
            id: row.id.into(),
            webhook_id: row.webhook_id.into(),
            attempt: row.attempts,
            event_id: row.event_id.into(),
            payload: row.payload,
            is_manual: row.is_manual,
        })
        .collect())
}
