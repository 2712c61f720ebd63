//! Stores events and their deliveries in one statement, which is one transaction.

use std::collections::HashMap;

use uuid::Uuid;

use super::leases::{LEASE_DURATION, interval};
use crate::model::event::Event;
use crate::model::{DeliveryId, EventId, Timestamp, WebhookId};
use crate::store::events::DEDUPLICATION_DAYS;
use crate::store::{Error, PgConnection};

/// Maximum attempts to insert when another instance inserts the same keys. Each time, fewer keys are new.
const MAX_RETRIES: usize = 3;

/// An event and its deduplication key.
#[derive(Debug, Clone)]
pub struct NewEvent<'a> {
    /// The event's id.
    pub id: EventId,
    /// The event.
    pub event: &'a Event,
    /// Unique within a batch.
    pub key: &'a [u8],
}

/// A delivery to insert.
#[derive(Debug, Clone, Copy)]
pub struct NewDelivery {
    /// The delivery's id. Ids increase over time.
    pub id: DeliveryId,
    /// The event.
    pub event_id: EventId,
    /// The webhook.
    pub webhook_id: WebhookId,
    /// The ordering lane, a hash of webhook and access request. `None` for webhooks without ordering.
    pub lane: Option<i64>,
    /// Whether the inserting instance leases the delivery, unless it has to wait for its lane.
    pub leased: bool,
    /// Whether an earlier delivery of this batch is in the same lane.
    pub behind: bool,
}

/// The result of an insert.
#[derive(Debug, Clone, Default)]
pub struct Stored {
    /// The events that were new. The others were duplicates.
    pub events: Vec<Uuid>,
    /// The deliveries leased to this instance.
    pub leased: Vec<Uuid>,
    /// The lanes in which a delivery waits for its predecessor.
    pub waiting_lanes: Vec<i64>,
}

/// Stores new events and their deliveries. Keys and lanes are inserted in order, so that two instances cannot deadlock.
///
/// Keys that another transaction inserts at the same time are not visible yet, and the unique indexes reject them. The
/// statement is then retried. (`on conflict` would avoid that but make every event more expensive: it probes the index
/// once more, locks, and writes to the WAL twice.)
pub async fn store_events(
    db: &mut PgConnection,
    new: &[NewEvent<'_>],
    deliveries: &[NewDelivery],
    lease: Uuid,
    now: Timestamp,
) -> Result<Stored, Error> {
    for _ in 0..MAX_RETRIES {
        match insert(db, new, deliveries, lease, now).await {
            Err(Error::Conflict { .. }) => delete_expired_keys(db, new, now).await?,
            outcome => return outcome,
        }
    }
    insert(db, new, deliveries, lease, now).await
}

/// Deletes those keys that are older than the deduplication window.
async fn delete_expired_keys(
    db: &mut PgConnection,
    new: &[NewEvent<'_>],
    now: Timestamp,
) -> Result<(), Error> {
    let keys: Vec<&[u8]> = new.iter().map(|one| one.key).collect();
    sqlx::query!(
        "delete from event_keys where key = any($1) and seen_at < $2::timestamptz - make_interval(days => $3)",
        &keys as _,
        now,
        DEDUPLICATION_DAYS
    )
    .execute(db)
    .await?;
    Ok(())
}

#[expect(clippy::too_many_lines, reason = "one statement, and a column for each of its parameters")]
async fn insert(
    db: &mut PgConnection,
    new: &[NewEvent<'_>],
    deliveries: &[NewDelivery],
    lease: Uuid,
    now: Timestamp,
) -> Result<Stored, Error> {
    let text =
        |get: fn(&Event) -> &str| -> Vec<&str> { new.iter().map(|one| get(one.event)).collect() };
    let keys: Vec<&[u8]> = new.iter().map(|one| one.key).collect();
    let ids: Vec<Uuid> = new.iter().map(|one| one.id.uuid()).collect();
    let of: Vec<Uuid> = deliveries.iter().map(|one| one.event_id.uuid()).collect();
    let webhooks: Vec<Uuid> = deliveries.iter().map(|one| one.webhook_id.uuid()).collect();
    let lanes: Vec<Option<i64>> = deliveries.iter().map(|one| one.lane).collect();
    let leased: Vec<bool> = deliveries.iter().map(|one| one.leased).collect();
    let behind: Vec<bool> = deliveries.iter().map(|one| one.behind).collect();
    let delivery_ids: Vec<Uuid> = deliveries.iter().map(|one| one.id.uuid()).collect();
    let row = sqlx::query!(
        r#"with claimed as (
               insert into event_keys (key, event_id, seen_at)
               select key, event_id, $3::timestamptz from unnest($1::bytea[], $2::uuid[]) as i (key, event_id)
               where not exists (
                   select from event_keys seen
                   where seen.key = i.key and seen.seen_at >= $3::timestamptz - make_interval(days => $4)
               )
               order by key
               returning event_id
           ),
           stored as (
               insert into events
                   (id, received_at, trigger, event_type, request_id, request, requester, integrations, payload)
               select id, $3, trigger, event_type, request_id, request, requester, integrations, payload
               from unnest($2::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
                           $11::text[])
                   as i (id, trigger, event_type, request_id, request, requester, integrations, payload)
               where case when i.id in (select event_id from claimed) then true else false end
           ),
           planned as materialized (
               select i.*,
                      -- Not `exists`, for which the planner may read all waiting rows.
                      case
                          when behind
                              or (select true from delivery_queue q where q.lane = i.lane and q.state <> 'waiting' limit 1)
                              or (select true from delivery_queue q where q.lane = i.lane and q.state = 'waiting' limit 1)
                          then 'waiting'
                          when leased then 'leased'
                          else 'due'
                      end as state
               from unnest($12::uuid[], $13::uuid[], $14::uuid[], $15::bigint[], $16::boolean[], $17::boolean[])
                   as i (id, event_id, webhook_id, lane, leased, behind)
               where case when i.event_id in (select event_id from claimed) then true else false end
           ),
           queued as (
               insert into delivery_queue
                   (id, event_id, webhook_id, lane, state, attempts, due_at, lease, leased_until, created_at)
               select id, event_id, webhook_id, lane, state,
                      case when state = 'leased' then 1 else 0 end,
                      $3::timestamptz,
                      case when state = 'leased' then $18::uuid end,
                      case when state = 'leased' then $3::timestamptz + $19::interval end,
                      $3::timestamptz
               from planned order by lane, id
               returning id, state, lane
           )
           select coalesce((select array_agg(event_id) from claimed), '{}') as "events!",
                  coalesce((select array_agg(id) from queued where state = 'leased'), '{}') as "leased!",
                  coalesce((select array_agg(distinct lane) from queued where state = 'waiting'), '{}') as "waiting_lanes!""#,
        &keys as _,
        &ids,
        now,
        DEDUPLICATION_DAYS,
        &text(|event| event.trigger.as_str()) as _,
        &text(|event| &event.event_type) as _,
        &text(|event| &event.request_id) as _,
        &text(|event| &event.summary.request) as _,
        &text(|event| &event.summary.requester) as _,
        &text(|event| &event.summary.integrations) as _,
        &text(|event| &event.raw) as _,
        &delivery_ids,
        &of,
        &webhooks,
        &lanes as _,
        &leased,
        &behind,
        lease,
        interval(LEASE_DURATION)
    )
    .fetch_one(db)
    .await?;
    Ok(Stored { events: row.events, leased: row.leased, waiting_lanes: row.waiting_lanes })
}

/// Returns the events that these keys belong to.
pub async fn find_key_owners(
    db: &mut PgConnection,
    keys: &[&[u8]],
) -> Result<HashMap<Vec<u8>, EventId>, Error> {
    let rows = sqlx::query!("select key, event_id from event_keys where key = any($1)", keys as _)
        .fetch_all(db)
        .await?;
    Ok(rows.into_iter().map(|row| (row.key, row.event_id.into())).collect())
}
