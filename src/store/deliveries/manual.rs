//! Deliveries that a person sends by hand: made here, and from then on like any other.

use crate::model::event::Event;
use crate::model::{DeliveryId, EventId, Timestamp, WebhookId};
use crate::store::webhook_health::first_uuid_of;
use crate::store::{Error, PgConnection, PgPool};

/// A delivery to make.
#[derive(Debug, Clone, Copy)]
pub struct NewManual<'a> {
    /// Its id.
    pub id: DeliveryId,
    /// The event, which is stored.
    pub event_id: EventId,
    /// The webhook.
    pub webhook_id: WebhookId,
    /// Where order matters: a hash of webhook and access request.
    pub lane: Option<i64>,
    /// Who sends it, as pages name them.
    pub actor: &'a str,
}

/// Stores a sample as an event. Its trigger `Manual` tells it from those that were received, and no key
/// is kept: a real event is never taken for a repeat of it.
pub async fn insert_sample(
    db: &mut PgConnection,
    id: EventId,
    event: &Event,
    now: Timestamp,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into events
             (id, received_at, trigger, event_type, request_id, request, requester, integrations, payload)
         values ($1, $2, 'Manual', $3, $4, $5, $6, $7, $8)",
        id.uuid(),
        now,
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

/// Queues a delivery; false where its event is gone. Behind an unfinished one of its lane it waits: where
/// that one is finished just now, `leases::promote` lets this one go a moment later.
pub async fn insert(
    db: &mut PgConnection,
    new: &NewManual<'_>,
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
             returning id
         )
         insert into manual_deliveries (delivery_id, who) select id, $6 from queued",
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

/// Who has sent a delivery by hand; none where nobody has.
pub async fn find_sender(db: &PgPool, id: DeliveryId) -> Result<Option<String>, Error> {
    let actor =
        sqlx::query_scalar!("select who from manual_deliveries where delivery_id = $1", id.uuid())
            .fetch_optional(db)
            .await?;
    Ok(actor)
}

/// Forgets who sent what is older.
pub async fn forget(db: &mut PgConnection, before: Timestamp) -> Result<(), Error> {
    let first = first_uuid_of(before);
    sqlx::query!("delete from manual_deliveries where delivery_id < $1", first).execute(db).await?;
    Ok(())
}
