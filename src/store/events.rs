//! Events as received, and their deduplication keys. They are inserted by `deliveries::intake`. The trigger `Manual`
//! marks samples that were sent manually, which are not listed as events.

use uuid::Uuid;

use super::{Error, PgConnection, PgPool};
use crate::model::{EventId, Timestamp, Trigger};

/// How long duplicates of an event are detected, in days.
pub const DEDUPLICATION_DAYS: i32 = 7;
/// Number of the newest events that a search reads.
pub const SEARCH_WINDOW: i64 = 20_000;

/// An event with the fields shown in menus and lists.
#[derive(Debug, Clone)]
pub struct StoredEvent {
    /// The event's id.
    pub id: EventId,
    /// When the event was received.
    pub received_at: Timestamp,
    /// The status that the access request reached. `Manual` for a sample.
    pub trigger: Trigger,
    /// The event type as received.
    pub event_type: String,
    /// The access request's display name.
    pub request: String,
    /// The user who requested access.
    pub requester: String,
    /// The names of the integrations.
    pub integrations: String,
}

impl StoredEvent {
    /// Whether the event is a sample that was sent manually.
    pub fn is_sample(&self) -> bool {
        self.trigger == Trigger::Manual
    }

    /// The status that the access request reached, also for a sample.
    pub fn status(&self) -> Trigger {
        Trigger::from_event_type(&self.event_type).unwrap_or(self.trigger)
    }
}

pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) received_at: Timestamp,
    pub(super) trigger: String,
    pub(super) event_type: String,
    pub(super) request: String,
    pub(super) requester: String,
    pub(super) integrations: String,
    pub(super) payload: Option<String>,
}

impl Row {
    pub(super) fn read(self) -> Result<(StoredEvent, String), Error> {
        let trigger = Trigger::from_name(&self.trigger).ok_or_else(|| Error::Corrupt {
            table: "events",
            detail: format!("trigger {}", self.trigger),
        })?;
        let event = StoredEvent {
            id: self.id.into(),
            received_at: self.received_at,
            trigger,
            event_type: self.event_type,
            request: self.request,
            requester: self.requester,
            integrations: self.integrations,
        };
        Ok((event, self.payload.unwrap_or_default()))
    }
}

/// Deletes keys older than [`DEDUPLICATION_DAYS`].
pub async fn delete_expired_keys(db: &mut PgConnection, now: Timestamp) -> Result<(), Error> {
    sqlx::query!(
        "delete from event_keys where seen_at < $1::timestamptz - make_interval(days => $2)",
        now,
        DEDUPLICATION_DAYS
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns the newest events whose request or requester contains a text, ignoring case. Searches the newest
/// [`SEARCH_WINDOW`] events.
pub async fn list_newest(db: &PgPool, text: &str, limit: i64) -> Result<Vec<StoredEvent>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "select id, received_at, trigger, event_type, request, requester, integrations, null as payload
         from (select id, received_at, trigger, event_type, request, requester, integrations
               from events order by id desc limit $3) e
         where trigger <> 'Manual'
           and (position(lower($1) in lower(request)) > 0 or position(lower($1) in lower(requester)) > 0)
         order by id desc limit $2",
        text,
        limit,
        SEARCH_WINDOW
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(|row| Ok(row.read()?.0)).collect()
}

/// Returns events older than `before` with their payloads, newest first.
pub async fn list_older(
    db: &PgPool,
    before: Option<EventId>,
    limit: usize,
) -> Result<Vec<(StoredEvent, String)>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "select id, received_at, trigger, event_type, request, requester, integrations, payload from events
         where id < $1 and trigger <> 'Manual'
         order by id desc limit $2",
        before.map_or(Uuid::max(), EventId::uuid),
        i64::try_from(limit).unwrap_or(i64::MAX)
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// Returns an event and its payload as received. `None` if retention has removed it.
pub async fn find(db: &PgPool, id: EventId) -> Result<Option<(StoredEvent, String)>, Error> {
    let row = sqlx::query_as!(
        Row,
        "select id, received_at, trigger, event_type, request, requester, integrations, payload
         from events where id = $1",
        id.uuid()
    )
    .fetch_optional(db)
    .await?;
    row.map(Row::read).transpose()
}
