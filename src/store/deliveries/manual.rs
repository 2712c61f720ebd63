//! Manual sends. Once inserted, they are processed like any other delivery.

use uuid::Uuid;

use crate::model::event::Event;
use crate::model::{DeliveryId, EventId, Timestamp, Trigger, WebhookId};
use crate::store::webhook_health::first_uuid_at;
use crate::store::{Error, PgConnection, PgPool};

/// A delivery to insert.
#[derive(Debug, Clone, Copy)]
pub struct NewManualDelivery<'a> {
    /// The delivery's id.
    pub id: DeliveryId,
    /// A stored event.
    pub event_id: EventId,
    /// The webhook.
    pub webhook_id: WebhookId,
    /// The ordering lane, a hash of webhook and access request. `None` for webhooks without ordering.
    pub lane: Option<i64>,
    /// Who sends it, as displayed.
    pub actor: &'a str,
}

/// Stores an event that was not received. The trigger `Manual` marks a sample. It has no deduplication key, so that no
/// received event can be a duplicate of it.
pub async fn insert_event(
    db: &mut PgConnection,
    id: EventId,
    event: &Event,
    trigger: Trigger,
    now: Timestamp,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into events
             (id, received_at, trigger, event_type, request_id, request, requester, integrations, payload)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        id.uuid(),
        now,
        trigger.as_str(),
        event.event_type,
        event.request_id,
        event.summary.request,
        event.summary.requester,
        event.summary.integrations,
        event.raw
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Inserts a delivery. Returns false if retention has removed its event. If its lane has an unfinished delivery, the new
/// one waits for it. If that one is finished at the same time, [`promote`](super::leases::promote) makes this one due.
pub async fn insert(
    db: &mut PgConnection,
    new: &NewManualDelivery<'_>,
    now: Timestamp,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "with queued as (
             insert into delivery_queue (id, event_id, webhook_id, lane, state, due_at, created_at)
             select $1, e.id, $3, $4::bigint,
                    case when exists (select from delivery_queue q where q.lane = $4)
                         then 'waiting' else 'due' end,
                    $5::timestamptz, $5::timestamptz
             from events e where e.id = $2
             returning id, event_id
         )
         insert into manual_deliveries (delivery_id, who, event_id) select id, $6, event_id from queued",
        new.id.uuid(),
        new.event_id.uuid(),
        new.webhook_id.uuid(),
        new.lane,
        now,
        new.actor
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// The event and the ordering lane of a delivery to insert.
#[derive(Debug, Clone, Copy)]
pub struct ReplayedDelivery {
    /// The delivery's id.
    pub id: DeliveryId,
    /// A stored event.
    pub event_id: EventId,
    /// The ordering lane. `None` for webhooks without ordering.
    pub lane: Option<i64>,
}

/// Inserts deliveries of a replay to a webhook, in the order of their lanes. If another transaction inserts into one of the
/// lanes at the same time, this one fails and is retried.
pub async fn insert_replayed(
    db: &mut PgConnection,
    replay: Uuid,
    webhook: WebhookId,
    new: &[ReplayedDelivery],
    (who, now): (&str, Timestamp),
) -> Result<(), Error> {
    let ids: Vec<Uuid> = new.iter().map(|one| one.id.uuid()).collect();
    let events: Vec<Uuid> = new.iter().map(|one| one.event_id.uuid()).collect();
    let lanes: Vec<Option<i64>> = new.iter().map(|one| one.lane).collect();
    sqlx::query!(
        "with new as (
             select id, event_id, lane, row_number() over (partition by lane order by id) as place
             from unnest($1::uuid[], $2::uuid[], $3::bigint[]) as i (id, event_id, lane)
         ),
         queued as (
             insert into delivery_queue (id, event_id, webhook_id, lane, state, due_at, created_at)
             select n.id, n.event_id, $4, n.lane,
                    case when n.lane is not null
                              and (n.place > 1 or exists (select from delivery_queue q where q.lane = n.lane))
                         then 'waiting' else 'due' end,
                    $5::timestamptz, $5::timestamptz
             from new n order by n.lane, n.id
             returning id, event_id
         )
         insert into manual_deliveries (delivery_id, who, event_id, replay_id)
         select id, $6, event_id, $7 from queued",
        &ids,
        &events,
        &lanes as _,
        webhook.uuid(),
        now,
        who,
        replay
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns who sent a delivery manually. `None` for other deliveries.
pub async fn find_sender(db: &PgPool, id: DeliveryId) -> Result<Option<String>, Error> {
    let actor =
        sqlx::query_scalar!("select who from manual_deliveries where delivery_id = $1", id.uuid())
            .fetch_optional(db)
            .await?;
    Ok(actor)
}

/// Deletes the senders of deliveries made before a time.
pub async fn delete_before(db: &mut PgConnection, before: Timestamp) -> Result<(), Error> {
    let first = first_uuid_at(before);
    sqlx::query!("delete from manual_deliveries where delivery_id < $1", first).execute(db).await?;
    Ok(())
}
