//! Events as received, and which were seen before. How they come in is in `deliveries::intake`; the
//! trigger `Manual` marks a sample that a person has sent, which is no event of a real request.

use uuid::Uuid;

use super::{Error, PgConnection, PgPool};
use crate::model::{EventId, Timestamp, Trigger};

/// How long a repeat is known for one.
pub const DEDUPLICATION_DAYS: i32 = 7;
/// So many of the newest events are searched.
pub const SEARCH_WINDOW: i64 = 20_000;

/// An event as menus and lists show it.
#[derive(Debug, Clone)]
pub struct StoredEvent {
    /// Its id.
    pub id: EventId,
    /// When it came in.
    pub received_at: Timestamp,
    /// Which status the access request reached.
    pub trigger: Trigger,
    /// The access request, as people call it.
    pub request: String,
    /// Who asked.
    pub requester: String,
    /// The integrations' names.
    pub integrations: String,
}

struct Row {
    id: Uuid,
    received_at: Timestamp,
    trigger: String,
    request: String,
    requester: String,
    integrations: String,
    payload: Option<String>,
}

impl Row {
    fn read(self) -> Result<(StoredEvent, String), Error> {
        let trigger = Trigger::from_word(&self.trigger).ok_or_else(|| Error::Corrupt {
            table: "events",
            detail: format!("trigger {}", self.trigger),
        })?;
        let event = StoredEvent {
            id: self.id.into(),
            received_at: self.received_at,
            trigger,
            request: self.request,
            requester: self.requester,
            integrations: self.integrations,
        };
        Ok((event, self.payload.unwrap_or_default()))
    }
}

/// Forgets keys that no longer count.
pub async fn prune_keys(db: &mut PgConnection, now: Timestamp) -> Result<(), Error> {
    sqlx::query!(
        "delete from event_keys where seen_at < $1::timestamptz - make_interval(days => $2)",
        now,
        DEDUPLICATION_DAYS
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The newest events that were received, of those whose request or requester holds a text.
pub async fn list_newest(db: &PgPool, text: &str, limit: i64) -> Result<Vec<StoredEvent>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "select id, received_at, trigger, request, requester, integrations, null as payload
         from (select id, received_at, trigger, request, requester, integrations
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

/// The newest events that were received, older than `before`, each with its payload.
pub async fn list_older(
    db: &PgPool,
    before: Option<EventId>,
    limit: usize,
) -> Result<Vec<(StoredEvent, String)>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "select id, received_at, trigger, request, requester, integrations, payload from events
         where id < $1 and trigger <> 'Manual'
         order by id desc limit $2",
        before.map_or(Uuid::max(), EventId::uuid),
        i64::try_from(limit).unwrap_or(i64::MAX)
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// An event, with its payload as received; none where retention has removed it.
pub async fn find(db: &PgPool, id: EventId) -> Result<Option<(StoredEvent, String)>, Error> {
    let row = sqlx::query_as!(
        Row,
        "select id, received_at, trigger, request, requester, integrations, payload
         from events where id = $1",
        id.uuid()
    )
    .fetch_optional(db)
    .await?;
    row.map(Row::read).transpose()
}
