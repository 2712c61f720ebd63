//! Deliveries: what lists and pages read of them. How they come in, go out and change hands is in
//! `intake`, `queue` and `leases`.

pub mod clock;
pub mod intake;
pub mod leases;
pub mod manual;
pub mod queue;

use uuid::Uuid;

use super::{Error, PgPool};
use crate::model::delivery::DeliveryState;
use crate::model::{DeliveryId, EventId, Timestamp, WebhookId};

/// A delivery as lists and its page show it.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// The event.
    pub event_id: EventId,
    /// The webhook.
    pub webhook_id: WebhookId,
    /// The webhook's name now, or when it was deleted.
    pub webhook_name: String,
    /// Whether the webhook is gone.
    pub webhook_deleted: bool,
    /// Where it stands.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: i32,
    /// When it is tried next, while it waits.
    pub due_at: Timestamp,
    /// When it came to be.
    pub created_at: Timestamp,
    /// When it arrived or was given up.
    pub finished_at: Option<Timestamp>,
    /// The last answer's status.
    pub last_status: Option<i32>,
    /// Why the last attempt failed, in short.
    pub last_error: Option<String>,
    /// The event's type as received.
    pub event_type: String,
    /// The access request, as people call it.
    pub request: String,
    /// Who asked.
    pub requester: String,
}

/// Which deliveries to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct Query {
    /// Only this one.
    pub id: Option<DeliveryId>,
    /// Only these.
    pub state: Option<DeliveryState>,
    /// Only this webhook's.
    pub webhook: Option<WebhookId>,
    /// Older than this one (the last of the page before).
    pub after: Option<DeliveryId>,
    /// At most so many.
    pub limit: i64,
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
}

impl TryFrom<Row> for Delivery {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let state = DeliveryState::from_word(&row.state).ok_or_else(|| Error::Corrupt {
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
        })
    }
}

/// A page of deliveries, newest first.
pub async fn list(db: &PgPool, query: &Query) -> Result<Vec<Delivery>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select d.id as "id!", d.event_id as "event_id!", d.webhook_id as "webhook_id!",
                  w.name as "webhook_name?", w.deleted_at is not null as webhook_deleted,
                  d.state as "state!", d.attempts as "attempts!", d.due_at as "due_at!",
                  d.created_at as "created_at!", d.finished_at, d.last_status, d.last_error,
                  e.event_type as "event_type?", e.request as "request?", e.requester as "requester?"
           from deliveries d
           left join webhooks w on w.id = d.webhook_id
           left join events e on e.id = d.event_id
           where ($1::text is null or d.state = $1)
             and ($2::uuid is null or d.webhook_id = $2)
             and ($3::uuid is null or d.id < $3)
             and ($5::uuid is null or d.id = $5)
           order by d.id desc
           limit $4"#,
        query.state.map(DeliveryState::as_str),
        query.webhook.map(WebhookId::uuid),
        query.after.map(DeliveryId::uuid),
        query.limit,
        query.id.map(DeliveryId::uuid)
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Delivery::try_from).collect()
}

/// One delivery, with its event's payload (empty where retention has removed it).
pub async fn find(db: &PgPool, id: DeliveryId) -> Result<Option<(Delivery, String)>, Error> {
    let query = Query { id: Some(id), limit: 1, ..Query::default() };
    let Some(delivery) = list(db, &query).await?.into_iter().next() else {
        return Ok(None);
    };
    let payload =
        sqlx::query_scalar!("select payload from events where id = $1", delivery.event_id.uuid())
            .fetch_optional(db)
            .await?;
    Ok(Some((delivery, payload.unwrap_or_default())))
}

/// How many deliveries of a webhook are not finished.
pub async fn count_unfinished(db: &PgPool, webhook: WebhookId) -> Result<i64, Error> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from delivery_queue where webhook_id = $1"#,
        webhook.uuid()
    )
    .fetch_one(db)
    .await?;
    Ok(count)
}
