//! Events as received, and which were seen before. How they come in is in `deliveries::intake`; the
//! trigger `Manual` marks a sample that a person has sent, which is no event of a real request.

use uuid::Uuid;

use super::{Error, PgConnection, PgPool};
use crate::model::{EventId, Timestamp, Trigger};

/// How long a repeat is known for one.
pub const SEEN_FOR_DAYS: i32 = 7;
/// So many of the newest events are searched.
pub const SEARCHED: i64 = 20_000;

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
}

impl TryFrom<Row> for StoredEvent {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let trigger = Trigger::from_word(&row.trigger).ok_or_else(|| Error::Corrupt {
            table: "events",
            detail: format!("trigger {}", row.trigger),
        })?;
        Ok(Self {
            id: row.id.into(),
            received_at: row.received_at,
            trigger,
            request: row.request,
            requester: row.requester,
            integrations: row.integrations,
        })
    }
}

/// Forgets keys that no longer count.
pub async fn prune_keys(db: &mut PgConnection, now: Timestamp) -> Result<(), Error> {
    sqlx::query!(
        "delete from event_keys where seen_at < $1::timestamptz - make_interval(days => $2)",
        now,
        SEEN_FOR_DAYS
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The newest events that were received, of those whose request or requester holds a text.
pub async fn newest(db: &PgPool, text: &str, limit: i64) -> Result<Vec<StoredEvent>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "select id, received_at, trigger, request, requester, integrations
         from (select id, received_at, trigger, request, requester, integrations
               from events order by id desc limit $3) e
         where trigger <> 'Manual'
           and (position(lower($1) in lower(request)) > 0 or position(lower($1) in lower(requester)) > 0)
         order by id desc limit $2",
        text,
        limit,
        SEARCHED
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(StoredEvent::try_from).collect()
}

/// An event, with its payload as received; none where retention has removed it.
pub async fn find(db: &PgPool, id: EventId) -> Result<Option<(StoredEvent, String)>, Error> {
    let row = sqlx::query!(
        "select id, received_at, trigger, request, requester, integrations, payload
         from events where id = $1",
        id.uuid()
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let payload = row.payload;
    let event = StoredEvent::try_from(Row {
        id: row.id,
        received_at: row.received_at,
        trigger: row.trigger,
        request: row.request,
        requester: row.requester,
        integrations: row.integrations,
    })?;
    Ok(Some((event, payload)))
}

/// The values seen in the newest events' payloads.
pub async fn newest_payloads(db: &PgPool, limit: i64) -> Result<Vec<String>, Error> {
    let rows = sqlx::query_scalar!(
        "select payload from events where trigger <> 'Manual' order by id desc limit $1",
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows)
}
