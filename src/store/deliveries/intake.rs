//! Takes events in, with their deliveries: one statement, which is one transaction.

use std::collections::HashMap;

use uuid::Uuid;

use super::queue::{LEASE, interval};
use crate::model::event::Event;
use crate::model::{DeliveryId, EventId, Timestamp, WebhookId};
use crate::store::events::DEDUPLICATION_DAYS;
use crate::store::{Error, PgConnection};

/// So often others may be there first: each time fewer of ours are new.
const TRIES: usize = 3;

/// An event and the key by which a repeat is known.
#[derive(Debug, Clone)]
pub struct NewEvent<'a> {
    /// Its id.
    pub id: EventId,
    /// The event.
    pub event: &'a Event,
    /// Given once in a batch.
    pub key: &'a [u8],
}

/// Not yet stored.
#[derive(Debug, Clone, Copy)]
pub struct NewDelivery {
    /// Its id: later ones are larger.
    pub id: DeliveryId,
    /// The event.
    pub event_id: EventId,
    /// The webhook.
    pub webhook_id: WebhookId,
    /// Where order matters: a hash of webhook and access request.
    pub lane: Option<i64>,
    /// Whether the inserting instance takes it in hand at once, unless it has to wait.
    pub leased: bool,
    /// Whether another of this batch comes before it in its lane.
    pub behind: bool,
}

/// What was taken in.
#[derive(Debug, Clone, Default)]
pub struct Taken {
    /// The events that were new.
    pub events: Vec<Uuid>,
    /// The deliveries that this instance has in hand.
    pub leased: Vec<Uuid>,
    /// The lanes in which something waits behind another.
    pub lined_up: Vec<i64>,
}

/// Stores events that are new, and their deliveries. Keys and lanes are taken in order, so that two
/// instances never wait for each other in a circle.
///
/// What another has taken in at this very moment is not seen, and the unique indexes refuse it: so it is looked for
/// again. (`on conflict` would spare that, and make every event dearer: it looks into the index once more, locks, and
/// writes twice to the log.)
pub async fn take_in(
    db: &mut PgConnection,
    new: &[NewEvent<'_>],
    deliveries: &[NewDelivery],
    lease: Uuid,
    now: Timestamp,
) -> Result<Taken, Error> {
    for _ in 0..TRIES {
        match insert(db, new, deliveries, lease, now).await {
            Err(Error::Conflict { .. }) => forget_old(db, new, now).await?,
            outcome => return outcome,
        }
    }
    insert(db, new, deliveries, lease, now).await
}

/// Forgets those keys among them that no longer count.
async fn forget_old(
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
) -> Result<Taken, Error> {
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
                      -- No `exists`: for that the planner may read all that wait.
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
                  coalesce((select array_agg(distinct lane) from queued where state = 'waiting'), '{}') as "lined_up!""#,
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
        interval(LEASE)
    )
    .fetch_one(db)
    .await?;
    Ok(Taken { events: row.events, leased: row.leased, lined_up: row.lined_up })
}

/// The events that were first to have these keys.
pub async fn owners(
    db: &mut PgConnection,
    keys: &[&[u8]],
) -> Result<HashMap<Vec<u8>, EventId>, Error> {
    let rows = sqlx::query!("select key, event_id from event_keys where key = any($1)", keys as _)
        .fetch_all(db)
        .await?;
    Ok(rows.into_iter().map(|row| (row.key, row.event_id.into())).collect())
}
