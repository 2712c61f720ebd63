//! Deliveries, as pages show them. The modules below hold the statements of the queue.

pub mod by_event;
pub mod change;
pub mod claim;
pub mod clock;
pub mod complete;
pub mod hold;
pub mod intake;
pub mod leases;
pub mod manual;

use uuid::Uuid;

use super::{Error, PgConnection, PgPool};
use crate::model::delivery::DeliveryState;
use crate::model::{DeliveryId, EventId, Timestamp, WebhookId};

/// A delivery with the fields shown in lists and on its page.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The delivery's id.
    pub id: DeliveryId,
    /// The event.
    pub event_id: EventId,
    /// The webhook.
    pub webhook_id: WebhookId,
    /// The webhook's current name, or its last one if it was deleted.
    pub webhook_name: String,
    /// Whether the webhook was deleted.
    pub webhook_deleted: bool,
    /// The state.
    pub state: DeliveryState,
    /// The number of attempts.
    pub attempts: i32,
    /// When the next attempt is due, if the state is `due`.
    pub due_at: Timestamp,
    /// When the delivery was created.
    pub created_at: Timestamp,
    /// When it was delivered, failed or was cancelled.
    pub finished_at: Option<Timestamp>,
    /// The status of the last response.
    pub last_status: Option<i32>,
    /// A summary of why the last attempt failed.
    pub last_error: Option<String>,
    /// The event type as received.
    pub event_type: String,
    /// The access request's display name.
    pub request: String,
    /// The user who requested access.
    pub requester: String,
    /// Whether the event is a sample that was sent manually.
    pub is_sample: bool,
}

struct Row {
    id: Uuid,
    event_id: Uuid,
    webhook_id: Uuid,
    webhook_name: Option<String>,
    webhook_deleted: Option<bool>,
    state: String,
    attempts: i32,
    due_at: Timestamp,
    created_at: Timestamp,
    finished_at: Option<Timestamp>,
    last_status: Option<i32>,
    last_error: Option<String>,
    event_type: Option<String>,
    request: Option<String>,
    requester: Option<String>,
    is_sample: bool,
}

impl TryFrom<Row> for Delivery {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let state = DeliveryState::from_name(&row.state).ok_or_else(|| Error::Corrupt {
            table: "deliveries",
            detail: format!("state {}", row.state),
        })?;
        Ok(Self {
            id: row.id.into(),
            event_id: row.event_id.into(),
            webhook_id: row.webhook_id.into(),
            webhook_name: row.webhook_name.unwrap_or_else(|| "(gone)".to_owned()),
            webhook_deleted: row.webhook_deleted.unwrap_or(true),
            state,
            attempts: row.attempts,
            due_at: row.due_at,
            created_at: row.created_at,
            finished_at: row.finished_at,
            last_status: row.last_status,
            last_error: row.last_error,
            event_type: row.event_type.unwrap_or_default(),
            request: row.request.unwrap_or_default(),
            requester: row.requester.unwrap_or_default(),
            is_sample: row.is_sample,
        })
    }
}

/// Returns deliveries, newest first.
pub async fn load(db: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Delivery>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select d.id as "id!", d.event_id as "event_id!", d.webhook_id as "webhook_id!",
                  w.name as "webhook_name?", w.deleted_at is not null as webhook_deleted,
                  d.state as "state!", d.attempts as "attempts!", d.due_at as "due_at!",
                  d.created_at as "created_at!", d.finished_at, d.last_status, d.last_error,
                  e.event_type as "event_type?", e.request as "request?", e.requester as "requester?",
                  coalesce(e.trigger = 'Manual', false) as "is_sample!"
           from unnest($1::uuid[]) as ids (id)
           cross join lateral (select * from deliveries where deliveries.id = ids.id limit 1) d
           left join webhooks w on w.id = d.webhook_id
           left join lateral (select * from events where events.id = d.event_id limit 1) e on true
           order by d.id desc"#,
        ids
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Delivery::try_from).collect()
}

/// Returns a delivery and the payload of its event, which is empty if retention has removed it.
pub async fn find(db: &PgPool, id: DeliveryId) -> Result<Option<(Delivery, String)>, Error> {
    let Some(delivery) = load(&mut *db.acquire().await?, &[id.uuid()]).await?.into_iter().next()
    else {
        return Ok(None);
    };
    let payload =
        sqlx::query_scalar!("select payload from events where id = $1", delivery.event_id.uuid())
            .fetch_optional(db)
            .await?;
    Ok(Some((delivery, payload.unwrap_or_default())))
}

/// Returns the number of unfinished deliveries of a webhook.
pub async fn count_unfinished(db: &PgPool, webhook: WebhookId) -> Result<i64, Error> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from delivery_queue where webhook_id = $1"#,
        webhook.uuid()
    )
    .fetch_one(db)
    .await?;
    Ok(count)
}
