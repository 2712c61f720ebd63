//! The list of events, with its filters and its search, and the events of an access request.

use strum::{EnumString, IntoStaticStr};
use uuid::Uuid;

use super::deliveries::by_event::{self, EventResult};
use super::events::{Row, StoredEvent};
use super::id_range::IdRange;
use super::transaction::begin_search;
use super::webhook_health::time_of;
use super::{Error, PgConnection, PgPool};
use crate::model::{EventId, Timestamp, Trigger};

/// Maximum number of events whose results are determined for one page with a filter for results.
pub const RESULT_WINDOW: i64 = RESULT_CHUNK * RESULT_CHUNKS;
/// Number of events whose results are determined at once.
const RESULT_CHUNK: i64 = 500;
const RESULT_CHUNKS: i64 = 3;
/// Maximum number of events that a search without a result reads for one page.
pub const SEARCH_WINDOW: i64 = 2_500;
/// Maximum number of events of an access request to list.
pub const MAX_REQUEST_EVENTS: i64 = 50;

/// A result to search for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum ResultFilter {
    /// At least one delivery was delivered.
    Delivered,
    /// At least one delivery failed.
    Failed,
    /// At least one delivery is unfinished.
    Unfinished,
    /// There are no deliveries.
    NotSent,
}

impl ResultFilter {
    /// All results, in the order of the menu.
    pub const ALL: [Self; 4] = [Self::Delivered, Self::Failed, Self::Unfinished, Self::NotSent];

    /// The name in URLs.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Finds a result by its name.
    pub fn from_name(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// The label on the page.
    pub fn label(self) -> &'static str {
        match self {
            Self::Delivered => "Delivered",
            Self::Failed => "Failed",
            Self::Unfinished => "Unfinished",
            Self::NotSent => "Not sent",
        }
    }

    fn accepts(self, result: EventResult) -> bool {
        match self {
            Self::Delivered => result.delivered > 0,
            Self::Failed => result.failed > 0,
            Self::Unfinished => result.unfinished > 0,
            Self::NotSent => result.is_empty(),
        }
    }
}

/// Filters of a list of events.
#[derive(Debug, Clone, Copy, Default)]
pub struct EventQuery<'a> {
    /// Only events whose access request, requester or integrations contain this text, ignoring case.
    pub text: &'a str,
    /// Only events with this trigger; samples for `Manual`.
    pub trigger: Option<Trigger>,
    /// Only events with this result.
    pub result: Option<ResultFilter>,
    /// Only events received at this time or later.
    pub from: Option<Timestamp>,
    /// Only events received before this time.
    pub until: Option<Timestamp>,
    /// Only events older than this one, the last of the previous page.
    pub after: Option<EventId>,
    /// Maximum number of events.
    pub limit: usize,
}

/// A page of events.
#[derive(Debug, Default)]
pub struct EventPage {
    /// The events with the results of their deliveries, newest first.
    pub events: Vec<(StoredEvent, EventResult)>,
    /// The event after which the next page begins. `None` on the last page.
    pub next: Option<EventId>,
    /// How far back was searched, if the search stopped before it had read all events.
    pub searched_to: Option<Timestamp>,
}

impl EventQuery<'_> {
    fn is_search(&self) -> bool {
        !self.text.is_empty() || self.trigger.is_some() || self.result.is_some()
    }

    /// Number of events to read at once, and how many times.
    fn windows(&self) -> (i64, i64) {
        if self.result.is_some() { (RESULT_CHUNK, RESULT_CHUNKS) } else { (SEARCH_WINDOW, 1) }
    }
}

/// Returns a page of events, newest first. A search reads at most [`SEARCH_WINDOW`] events, or [`RESULT_WINDOW`] if it
/// is for a result.
pub async fn list(db: &PgPool, query: &EventQuery<'_>) -> Result<EventPage, Error> {
    let mut range = IdRange::new(query.from, query.until, query.after.map(EventId::uuid));
    let mut page = EventPage::default();
    let (window, repeats) = query.windows();
    let mut tx = begin_search(db).await?;
    for _ in 0..repeats {
        let found = read(&mut tx, query, range, window).await?;
        let ids: Vec<Uuid> = found.events.iter().map(|event| event.id.uuid()).collect();
        let results = by_event::count(&mut tx, &ids).await?;
        for event in found.events {
            let result = results.get(&event.id).copied().unwrap_or_default();
            if query.result.is_none_or(|wanted| wanted.accepts(result)) {
                page.events.push((event, result));
            }
        }
        if page.events.len() > query.limit {
            page.events.truncate(query.limit);
            page.next = page.events.last().map(|(event, _)| event.id);
            return Ok(page);
        }
        let Some(end) = found.window_end else { return Ok(page) };
        range.before = end;
    }
    page.next = Some(range.before.into());
    page.searched_to = Some(time_of(range.before));
    Ok(page)
}

/// The matching events of a window.
#[derive(Debug)]
struct Found {
    events: Vec<StoredEvent>,
    /// The oldest event that was read, unless there are no older ones.
    window_end: Option<Uuid>,
}

/// Returns the matching events among the newest of a range. Stops after one more than the page has, unless their results
/// decide which of them match.
async fn read(
    db: &mut PgConnection,
    query: &EventQuery<'_>,
    range: IdRange,
    window: i64,
) -> Result<Found, Error> {
    let limit = i64::try_from(query.limit.saturating_add(1)).unwrap_or(i64::MAX);
    let limit = if query.result.is_some() { window } else { limit };
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id!", received_at as "received_at!", trigger as "trigger!", event_type as "event_type!",
                  request as "request!", requester as "requester!", integrations as "integrations!", null as payload
           from (select id, received_at, trigger, event_type, request_id, request, requester, integrations
                 from events where id >= $1 and id < $2 order by id desc limit $3) e
           where ($4::text is null or trigger = $4)
             -- One text, because the conversion to lower case takes most of the time.
             and ($5 = '' or position(lower($5) in lower(
                 request || E'\n' || request_id || E'\n' || requester || E'\n' || integrations)) > 0)
           order by id desc limit $6"#,
        range.first,
        range.before,
        if query.is_search() { window } else { limit },
        query.trigger.map(Trigger::as_str),
        query.text,
        limit
    )
    .fetch_all(&mut *db)
    .await?;
    let is_full = i64::try_from(rows.len()).is_ok_and(|count| count >= limit);
    let window_end = match rows.last() {
        // All rows that were wanted: the rest of the window, if it has any, is not needed.
        Some(last) if is_full => Some(last.id),
        _ if query.is_search() => window_end(db, range, window).await?,
        _ => None,
    };
    let events = rows.into_iter().map(|row| Ok(row.read()?.0)).collect::<Result<_, Error>>()?;
    Ok(Found { events, window_end })
}

/// Returns the oldest event of a window, if the window is full.
async fn window_end(
    db: &mut PgConnection,
    range: IdRange,
    window: i64,
) -> Result<Option<Uuid>, Error> {
    let end = sqlx::query_scalar!(
        "select id from events where id >= $1 and id < $2 order by id desc offset $3 limit 1",
        range.first,
        range.before,
        window - 1
    )
    .fetch_optional(db)
    .await?;
    Ok(end)
}

/// Returns the newest events of the access request of an event with their results, newest first. At most
/// [`MAX_REQUEST_EVENTS`].
pub async fn list_of_request(
    db: &PgPool,
    event: EventId,
) -> Result<Vec<(StoredEvent, EventResult)>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "select id, received_at, trigger, event_type, request, requester, integrations, null as payload
         from events where request_id = (select request_id from events where id = $1)
         order by id desc limit $2",
        event.uuid(),
        MAX_REQUEST_EVENTS
    )
    .fetch_all(db)
    .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let results = by_event::count(&mut *db.acquire().await?, &ids).await?;
    rows.into_iter()
        .map(|row| {
            let (event, _) = row.read()?;
            let result = results.get(&event.id).copied().unwrap_or_default();
            Ok((event, result))
        })
        .collect()
}
