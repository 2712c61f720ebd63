//! The search for deliveries that match filters. The list, the confirmation of a bulk action and the action itself use it.
//!
//! A search reads deliveries in chunks, newest first, and stops after a limited amount of work: there are no indexes on
//! most of what can be searched for, because they would slow down every delivery.

use uuid::Uuid;

use super::deliveries::{self, Delivery};
use super::delivery_chunks;
pub use super::delivery_filter::{DeliveryFilter, Scope, StatusFilter};
use super::id_range::IdRange;
use super::transaction::begin_search;
use super::webhook_health::time_of;
use super::{Error, PgConnection, PgPool};
use crate::model::{DeliveryId, Timestamp};

/// Number of deliveries in the first chunk of a search. It is enough for a page if most deliveries match.
const FIRST_CHUNK: i64 = 200;
/// Number of deliveries in a chunk, by what has to be read for each of them.
const CHUNK: i64 = 2_000;
const UNSUCCESSFUL_CHUNK: i64 = 700;
const EVENT_CHUNK: i64 = 300;
const RESPONSE_CHUNK: i64 = 150;
/// Maximum number of chunks that a search for a bulk action reads. It is started by a user and may take seconds.
const MAX_BULK_CHUNKS: usize = 1_000;

/// The deliveries for a bulk action.
#[derive(Debug, Default)]
pub struct BulkSelection {
    /// The deliveries, newest first.
    pub ids: Vec<Uuid>,
    /// How far back was searched, if there may be more.
    pub searched_to: Option<Timestamp>,
}

/// A page of deliveries.
#[derive(Debug, Default)]
pub struct DeliveryPage {
    /// The deliveries, newest first.
    pub deliveries: Vec<Delivery>,
    /// The delivery after which the next page begins. `None` on the last page.
    pub next: Option<DeliveryId>,
    /// How far back was searched, if the search stopped before it had read all deliveries.
    pub searched_to: Option<Timestamp>,
}

impl DeliveryFilter<'_> {
    /// Maximum number of deliveries to read at once.
    fn chunk(&self) -> i64 {
        match (self.text.is_empty(), self.trigger, self.in_response) {
            (false, _, true) => RESPONSE_CHUNK,
            (false, _, false) | (true, Some(_), _) => EVENT_CHUNK,
            // They are far apart in the table.
            (true, None, _) if self.is_unsuccessful() => UNSUCCESSFUL_CHUNK,
            (true, None, _) => CHUNK,
        }
    }

    /// The text as it is in JSON.
    fn response_text(&self) -> String {
        let quoted = serde_json::Value::from(self.text).to_string();
        quoted.trim_start_matches('"').strip_suffix('"').unwrap_or_default().to_owned()
    }
}

/// A search that continues chunk by chunk.
#[derive(Debug)]
struct DeliverySearch<'a> {
    filter: DeliveryFilter<'a>,
    response_text: String,
    range: IdRange,
    is_complete: bool,
}

impl<'a> DeliverySearch<'a> {
    /// Starts a search at the newest delivery of the filter's range.
    fn new(filter: DeliveryFilter<'a>) -> Self {
        Self {
            response_text: filter.response_text(),
            range: IdRange::new(filter.from, filter.until, filter.after.map(DeliveryId::uuid)),
            is_complete: false,
            filter,
        }
    }

    /// How far back was searched.
    fn searched_to(&self) -> Timestamp {
        time_of(self.range.before)
    }

    /// Searches the next chunk, and returns at most `limit` matching deliveries, newest first. Where it returns as many,
    /// the next chunk begins after the last of them.
    async fn next(
        &mut self,
        db: &mut PgConnection,
        chunk: i64,
        limit: usize,
    ) -> Result<Vec<Uuid>, Error> {
        let is_exact = self.filter.text.is_empty() && self.filter.trigger.is_none();
        let most = if is_exact { i64::try_from(limit).unwrap_or(chunk) } else { chunk };
        let read = delivery_chunks::read(db, &self.filter, self.range, chunk, most).await?;
        let mut found = read.deliveries;
        if let Some(trigger) = self.filter.trigger {
            delivery_chunks::keep_trigger(db, &mut found, trigger).await?;
        }
        match (self.filter.text, self.filter.in_response) {
            ("", _) => {}
            (text, false) => delivery_chunks::keep_events(db, &mut found, None, text).await?,
            (_, true) => {
                delivery_chunks::keep_responses(db, &mut found, &self.response_text).await?;
            }
        }
        found.truncate(limit);
        match (found.last(), read.end) {
            (Some(last), _) if found.len() >= limit => self.range.before = last.id,
            (_, Some(end)) => self.range.before = end,
            (_, None) => self.is_complete = true,
        }
        Ok(found.iter().map(|delivery| delivery.id).collect())
    }
}

/// Returns a page of at most `limit` deliveries, newest first.
pub async fn list(
    db: &PgPool,
    filter: DeliveryFilter<'_>,
    limit: usize,
) -> Result<DeliveryPage, Error> {
    let mut search = DeliverySearch::new(filter);
    let mut ids = Vec::new();
    // Planning the statement for the parameters of each search takes as long as the search itself, because deliveries and
    // events have a partition for each day.
    let mut tx = begin_search(db).await?;
    // One more than the page has tells whether there is another page.
    for chunk in [FIRST_CHUNK.min(filter.chunk()), filter.chunk()] {
        let missing = limit.saturating_add(1).saturating_sub(ids.len());
        ids.extend(search.next(&mut tx, chunk, missing).await?);
        if search.is_complete || ids.len() > limit {
            break;
        }
    }
    let has_more = ids.len() > limit;
    ids.truncate(limit);
    let deliveries = deliveries::load(&mut tx, &ids).await?;
    tx.rollback().await?;
    let is_cut = !has_more && !search.is_complete;
    let last = if is_cut { Some(search.range.before) } else { ids.last().copied() };
    Ok(DeliveryPage {
        deliveries,
        next: last.filter(|_| has_more || is_cut).map(DeliveryId::from),
        searched_to: is_cut.then(|| search.searched_to()),
    })
}

/// Returns at most `limit` deliveries for a bulk action.
pub async fn select(
    db: &PgPool,
    filter: DeliveryFilter<'_>,
    limit: usize,
) -> Result<BulkSelection, Error> {
    let mut search = DeliverySearch::new(filter);
    let mut ids = Vec::new();
    let mut tx = begin_search(db).await?;
    for _ in 0..MAX_BULK_CHUNKS {
        let missing = limit.saturating_sub(ids.len());
        ids.extend(search.next(&mut tx, filter.chunk(), missing).await?);
        if search.is_complete || ids.len() >= limit {
            break;
        }
    }
    tx.rollback().await?;
    let searched_to = (!search.is_complete).then(|| search.searched_to());
    Ok(BulkSelection { ids, searched_to })
}
