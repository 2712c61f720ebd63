//! The search for deliveries that match filters. The list, the confirmation of a bulk action and the action itself use it.
//!
//! A search reads deliveries in chunks, newest first, and stops after a limited amount of work: there are no indexes on
//! most of what can be searched for, because they would slow down every delivery.

use uuid::Uuid;

use super::deliveries::{self, Delivery};
use super::transaction::begin_search;
use super::webhook_health::{first_uuid_at, time_of};
use super::{Error, PgConnection, PgPool};
use crate::model::delivery::DeliveryState;
use crate::model::{DeliveryId, Timestamp, Trigger, WebhookId};

/// Number of deliveries in the first chunk of a search. It is enough for a page if most deliveries match.
const FIRST_CHUNK: i64 = 200;
/// Number of deliveries in a chunk, by what has to be read for each of them.
const CHUNK: i64 = 2_000;
const EVENT_CHUNK: i64 = 300;
const RESPONSE_CHUNK: i64 = 150;
/// Maximum number of chunks that a search for a bulk action reads. It is started by a user and may take seconds.
const MAX_BULK_CHUNKS: usize = 1_000;

/// A response status to search for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusFilter {
    /// The last attempt got no response.
    NoResponse,
    /// The last response had a status from the first to the second number.
    Between(i32, i32),
}

/// Which deliveries a search reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scope {
    /// All of them.
    #[default]
    All,
    /// Those that are finished.
    Finished,
    /// Those that are not.
    Unfinished,
}

/// Filters of deliveries.
#[derive(Debug, Clone, Copy, Default)]
pub struct DeliveryFilter<'a> {
    /// Only deliveries in this state.
    pub state: Option<DeliveryState>,
    /// Only deliveries of this webhook.
    pub webhook: Option<WebhookId>,
    /// Only deliveries of events with this trigger; manual sends for `Manual`.
    pub trigger: Option<Trigger>,
    /// Only deliveries whose last attempt got this response.
    pub status: Option<StatusFilter>,
    /// Only deliveries created at this time or later.
    pub from: Option<Timestamp>,
    /// Only deliveries created before this time.
    pub until: Option<Timestamp>,
    /// Only deliveries whose access request or requester contains this text, ignoring case.
    pub text: &'a str,
    /// Whether the text is searched in the response to the last attempt instead.
    pub in_response: bool,
    /// Only deliveries older than this one, the last of the previous page.
    pub after: Option<DeliveryId>,
    /// Only finished or unfinished deliveries.
    pub scope: Scope,
}

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
            (true, None, _) => CHUNK,
        }
    }

    fn response_text(&self) -> String {
        let text = if self.in_response { self.text } else { "" };
        let quoted = serde_json::Value::from(text).to_string();
        quoted.trim_start_matches('"').strip_suffix('"').unwrap_or_default().to_owned()
    }
}

/// A search that continues chunk by chunk.
#[derive(Debug)]
struct DeliverySearch<'a> {
    filter: DeliveryFilter<'a>,
    response_text: String,
    first: Uuid,
    /// Everything from this id on was searched.
    before: Uuid,
    is_complete: bool,
}

impl<'a> DeliverySearch<'a> {
    /// Starts a search at the newest delivery of the filter's range.
    fn new(filter: DeliveryFilter<'a>) -> Self {
        let until = filter.until.map_or(Uuid::max(), first_uuid_at);
        Self {
            response_text: filter.response_text(),
            first: filter.from.map_or(Uuid::nil(), first_uuid_at),
            before: filter.after.map_or(until, |after| after.uuid().min(until)),
            is_complete: false,
            filter,
        }
    }

    /// How far back was searched.
    fn searched_to(&self) -> Timestamp {
        time_of(self.before)
    }

    /// Searches the next chunk, and returns at most `limit` matching deliveries, newest first. Where it returns as many,
    /// the next chunk begins after the last of them.
    ///
    /// Each part of the union can be read in one way only, so that a plan that was made for other parameters is not slow.
    /// Rows are compared because with `webhook_id = $8`, PostgreSQL may read the primary key instead, and all other
    /// webhooks with it.
    #[expect(
        clippy::too_many_lines,
        reason = "one statement, so that everything that selects deliveries is in one place"
    )]
    async fn next(
        &mut self,
        db: &mut PgConnection,
        chunk: i64,
        limit: i64,
    ) -> Result<Vec<Uuid>, Error> {
        let filter = &self.filter;
        let state = filter.state;
        let reads = |is_finished: bool, scope: Scope| {
            state.is_none_or(|state| state.is_finished() == is_finished)
                && (filter.scope == Scope::All || filter.scope == scope)
        };
        let is_unsuccessful =
            matches!(state, Some(DeliveryState::Failed | DeliveryState::Cancelled));
        let (status_from, status_to) = match filter.status {
            Some(StatusFilter::Between(from, to)) => (Some(from), Some(to)),
            Some(StatusFilter::NoResponse) | None => (None, None),
        };
        let found = sqlx::query!(
            r#"with read as materialized (
                   select * from (
                       (select id, event_id, webhook_id, state, attempts, last_status from delivery_queue
                        where $1 and id >= $4 and id < $5
                        order by id desc limit $6)
                       union all
                       (select id, event_id, webhook_id, state, attempts, last_status from delivery_history
                        where $2 and $8::uuid is null and id >= $4 and id < $5
                        order by id desc limit $6)
                       union all
                       (select id, event_id, webhook_id, state, attempts, last_status from delivery_history
                        where $2 and (webhook_id, id) >= ($8, $4) and (webhook_id, id) < ($8, $5)
                        order by webhook_id desc, id desc limit $6)
                       union all
                       (select id, event_id, webhook_id, state, attempts, last_status from delivery_history
                        where $3 and $8::uuid is null and state <> 'delivered' and id >= $4 and id < $5
                        order by id desc limit $6)
                       union all
                       (select id, event_id, webhook_id, state, attempts, last_status from delivery_history
                        where $3 and state <> 'delivered'
                          and (webhook_id, id) >= ($8, $4) and (webhook_id, id) < ($8, $5)
                        order by webhook_id desc, id desc limit $6)
                   ) d
                   order by id desc limit $6
               )
               select array(
                   select r.id from read r
                   where ($7::text is null or r.state = $7)
                     and ($8::uuid is null or r.webhook_id = $8)
                     and ($9::int is null or r.last_status between $9 and $10)
                     and (not $11 or (r.last_status is null and r.attempts > 0))
                     and ($12::text is null
                          or case $12
                             when 'Manual' then exists (select from manual_deliveries m where m.delivery_id = r.id)
                             else exists (select from events e where e.id = r.event_id and e.trigger = $12)
                             end)
                     and ($13 = '' or exists (
                          select from events e where e.id = r.event_id
                          and (position(lower($13) in lower(e.request)) > 0
                               or position(lower($13) in lower(e.request_id)) > 0
                               or position(lower($13) in lower(e.requester)) > 0)))
                     -- PostgreSQL rejects a NUL in JSON. An attempt has a greater id than its delivery, which excludes
                     -- older partitions.
                     and ($14 = '' or exists (
                          select from (select replace(i.record, '\u0000', '\u0001')::json as record from invocations i
                                       where i.delivery_id = r.id and i.id >= r.id
                                       order by i.id desc limit 1) last
                          where position(lower($14) in lower((last.record #> '{transcript,response,body}')::text)) > 0
                             or position(lower($14) in lower((last.record #> '{transcript,response,headers}')::text)) > 0))
                   order by r.id desc limit $15
               ) as "ids!: Vec<Uuid>",
               (select id from read order by id desc offset $6 - 1 limit 1) as "end?""#,
            reads(false, Scope::Unfinished),
            reads(true, Scope::Finished) && !is_unsuccessful,
            reads(true, Scope::Finished) && is_unsuccessful,
            self.first,
            self.before,
            chunk,
            state.map(DeliveryState::as_str),
            filter.webhook.map(WebhookId::uuid),
            status_from,
            status_to,
            filter.status == Some(StatusFilter::NoResponse),
            filter.trigger.map(Trigger::as_str),
            if filter.in_response { "" } else { filter.text },
            self.response_text,
            limit
        )
        .fetch_one(db)
        .await?;
        let is_full = i64::try_from(found.ids.len()).is_ok_and(|count| count >= limit);
        match (found.ids.last(), found.end) {
            (Some(last), _) if is_full => self.before = *last,
            (_, Some(end)) => self.before = end,
            (_, None) => self.is_complete = true,
        }
        Ok(found.ids)
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
        let missing = i64::try_from(missing).unwrap_or(i64::MAX);
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
    let last = if is_cut { Some(search.before) } else { ids.last().copied() };
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
        let missing = i64::try_from(limit.saturating_sub(ids.len())).unwrap_or(i64::MAX);
        ids.extend(search.next(&mut tx, filter.chunk(), missing).await?);
        if search.is_complete || ids.len() >= limit {
            break;
        }
    }
    tx.rollback().await?;
    let searched_to = (!search.is_complete).then(|| search.searched_to());
    Ok(BulkSelection { ids, searched_to })
}
