//! The statements of a search for deliveries. A chunk is read by id, webhook, state and response status. Its deliveries are
//! then looked up in the other tables that the search is about.
//!
//! Deliveries, events and attempts have a partition for each day. A statement prepares every partition that its parameters do
//! not exclude, even if it never reads it. One statement for everything would prepare all of them several times.

use std::collections::{BTreeSet, HashSet};

use uuid::Uuid;

use super::delivery_filter::{DeliveryFilter, Scope, StatusFilter};
use super::id_range::IdRange;
use super::{Error, PgConnection};
use crate::model::Trigger;
use crate::model::delivery::DeliveryState;

/// The newest deliveries of a range.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    /// Those with the webhook, the state and the status of the filter, newest first.
    pub(super) deliveries: Vec<Candidate>,
    /// The oldest delivery that was read. `None` if there are no older ones in the range.
    pub(super) end: Option<Uuid>,
}

/// A delivery that may match.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    /// The delivery.
    pub(super) id: Uuid,
    event_id: Uuid,
}

/// What a chunk is read from.
#[derive(Debug, Clone, Copy)]
struct Parts {
    queue: IdRange,
    history: IdRange,
    /// Failed and cancelled deliveries, which have their own index.
    unsuccessful: IdRange,
}

impl Parts {
    /// Returns `None` if no delivery can match.
    fn new(filter: &DeliveryFilter<'_>, range: IdRange) -> Option<Self> {
        let reads = |is_finished: bool, scope: Scope| {
            filter.state.is_none_or(|state| state.is_finished() == is_finished)
                && (filter.scope == Scope::All || filter.scope == scope)
        };
        let is_unsuccessful = filter.is_unsuccessful();
        let (queue, history) = (reads(false, Scope::Unfinished), reads(true, Scope::Finished));
        let if_read = |is_read: bool| if is_read { range } else { IdRange::EMPTY };
        (queue || history).then(|| Self {
            queue: if_read(queue),
            history: if_read(history && !is_unsuccessful),
            unsuccessful: if_read(history && is_unsuccessful),
        })
    }
}

/// The condition on the result of the last attempt.
#[derive(Debug, Clone, Copy, Default)]
struct ResultRange {
    status_from: Option<i32>,
    status_to: Option<i32>,
    is_missing: bool,
}

impl From<Option<StatusFilter>> for ResultRange {
    fn from(filter: Option<StatusFilter>) -> Self {
        match filter {
            Some(StatusFilter::Between(from, to)) => {
                Self { status_from: Some(from), status_to: Some(to), is_missing: false }
            }
            Some(StatusFilter::NoResponse) => Self { is_missing: true, ..Self::default() },
            None => Self::default(),
        }
    }
}

struct Row {
    ids: Vec<Uuid>,
    event_ids: Vec<Uuid>,
    end: Option<Uuid>,
}

/// Reads the newest `count` deliveries of a range, and returns at most `limit` of them.
pub(super) async fn read(
    db: &mut PgConnection,
    filter: &DeliveryFilter<'_>,
    range: IdRange,
    count: i64,
    limit: i64,
) -> Result<Chunk, Error> {
    let Some(parts) = Parts::new(filter, range) else { return Ok(Chunk::default()) };
    let row = match filter.webhook {
        Some(webhook) => read_of_webhook(db, filter, webhook.uuid(), parts, count, limit).await?,
        None => read_of_all(db, filter, parts, count, limit).await?,
    };
    let deliveries = row.ids.into_iter().zip(row.event_ids);
    let deliveries = deliveries.map(|(id, event_id)| Candidate { id, event_id }).collect();
    Ok(Chunk { deliveries, end: row.end })
}

/// Each part of the union can be read in one way only, so that a plan that was made for other parameters is not slow.
async fn read_of_all(
    db: &mut PgConnection,
    filter: &DeliveryFilter<'_>,
    Parts { queue, history, unsuccessful }: Parts,
    count: i64,
    limit: i64,
) -> Result<Row, Error> {
    let result = ResultRange::from(filter.status);
    Ok(sqlx::query_as!(
        Row,
        r#"with read as materialized (
               select * from (
                   (select id, event_id, state, attempts, last_status from delivery_queue
                    where id >= $1 and id < $2 order by id desc limit $7)
                   union all
                   (select id, event_id, state, attempts, last_status from delivery_history
                    where id >= $3 and id < $4 order by id desc limit $7)
                   union all
                   (select id, event_id, state, attempts, last_status from delivery_history
                    where state <> 'delivered' and id >= $5 and id < $6 order by id desc limit $7)
               ) d
               order by id desc limit $7
           ),
           matching as materialized (
               select id, event_id from read
               where ($8::text is null or state = $8)
                 and ($9::int is null or last_status between $9 and $10)
                 and (not $11 or (last_status is null and attempts > 0))
               order by id desc limit $12
           )
           select array(select id from matching order by id desc) as "ids!",
                  array(select event_id from matching order by id desc) as "event_ids!",
                  (select id from read order by id desc offset $7 - 1 limit 1) as "end?""#,
        queue.first,
        queue.before,
        history.first,
        history.before,
        unsuccessful.first,
        unsuccessful.before,
        count,
        filter.state.map(DeliveryState::as_str),
        result.status_from,
        result.status_to,
        result.is_missing,
        limit
    )
    .fetch_one(db)
    .await?)
}

/// Rows are compared because with `webhook_id = $12`, PostgreSQL may read the primary key instead, and all other webhooks
/// with it.
async fn read_of_webhook(
    db: &mut PgConnection,
    filter: &DeliveryFilter<'_>,
    webhook: Uuid,
    Parts { queue, history, unsuccessful }: Parts,
    count: i64,
    limit: i64,
) -> Result<Row, Error> {
    let result = ResultRange::from(filter.status);
    Ok(sqlx::query_as!(
        Row,
        r#"with read as materialized (
               select * from (
                   (select id, event_id, webhook_id, state, attempts, last_status from delivery_queue
                    where id >= $1 and id < $2 order by id desc limit $7)
                   union all
                   (select id, event_id, webhook_id, state, attempts, last_status from delivery_history
                    where (webhook_id, id) >= ($12, $3) and (webhook_id, id) < ($12, $4)
                    order by webhook_id desc, id desc limit $7)
                   union all
                   (select id, event_id, webhook_id, state, attempts, last_status from delivery_history
                    where state <> 'delivered' and (webhook_id, id) >= ($12, $5) and (webhook_id, id) < ($12, $6)
                    order by webhook_id desc, id desc limit $7)
               ) d
               order by id desc limit $7
           ),
           matching as materialized (
               select id, event_id from read
               where webhook_id = $12
                 and ($8::text is null or state = $8)
                 and ($9::int is null or last_status between $9 and $10)
                 and (not $11 or (last_status is null and attempts > 0))
               order by id desc limit $13
           )
           select array(select id from matching order by id desc) as "ids!",
                  array(select event_id from matching order by id desc) as "event_ids!",
                  (select id from read order by id desc offset $7 - 1 limit 1) as "end?""#,
        queue.first,
        queue.before,
        history.first,
        history.before,
        unsuccessful.first,
        unsuccessful.before,
        count,
        filter.state.map(DeliveryState::as_str),
        result.status_from,
        result.status_to,
        result.is_missing,
        webhook,
        limit
    )
    .fetch_one(db)
    .await?)
}

/// Keeps the deliveries of events with a trigger; manual sends for `Manual`.
pub(super) async fn keep_trigger(
    db: &mut PgConnection,
    deliveries: &mut Vec<Candidate>,
    trigger: Trigger,
) -> Result<(), Error> {
    if trigger != Trigger::Manual {
        return keep_events(db, deliveries, Some(trigger.as_str()), "").await;
    }
    let ids: Vec<Uuid> = deliveries.iter().map(|delivery| delivery.id).collect();
    let manual = sqlx::query_scalar!(
        "select delivery_id from manual_deliveries where delivery_id = any($1)",
        &ids
    );
    let manual: HashSet<Uuid> = manual.fetch_all(db).await?.into_iter().collect();
    deliveries.retain(|delivery| manual.contains(&delivery.id));
    Ok(())
}

/// Keeps the deliveries of events with a trigger, if one is given, whose access request or requester contains a text, ignoring
/// case.
pub(super) async fn keep_events(
    db: &mut PgConnection,
    deliveries: &mut Vec<Candidate>,
    trigger: Option<&str>,
    text: &str,
) -> Result<(), Error> {
    let events: BTreeSet<Uuid> = deliveries.iter().map(|delivery| delivery.event_id).collect();
    let events: Vec<Uuid> = events.into_iter().collect();
    let (Some(oldest), Some(newest)) = (events.first(), events.last()) else { return Ok(()) };
    // The range excludes partitions, which a list of ids does not.
    let matching = sqlx::query_scalar!(
        r#"select id as "id!" from events
           where id = any($1) and id between $2 and $3
             and ($4::text is null or trigger = $4)
             and ($5 = '' or position(lower($5) in lower(request)) > 0
                          or position(lower($5) in lower(request_id)) > 0
                          or position(lower($5) in lower(requester)) > 0)"#,
        &events,
        oldest,
        newest,
        trigger,
        text
    );
    let matching: HashSet<Uuid> = matching.fetch_all(db).await?.into_iter().collect();
    deliveries.retain(|delivery| matching.contains(&delivery.event_id));
    Ok(())
}

/// Keeps the deliveries whose last response contains a text of JSON, ignoring case.
///
/// PostgreSQL rejects a NUL in JSON. An attempt has a greater id than its delivery, which excludes older partitions.
pub(super) async fn keep_responses(
    db: &mut PgConnection,
    deliveries: &mut Vec<Candidate>,
    text: &str,
) -> Result<(), Error> {
    let ids: Vec<Uuid> = deliveries.iter().map(|delivery| delivery.id).collect();
    let Some(oldest) = ids.iter().min() else { return Ok(()) };
    let matching = sqlx::query_scalar!(
        r#"select d.id as "id!" from unnest($1::uuid[]) as d (id)
           cross join lateral (
               select replace(record, '\u0000', '\u0001')::json as record from invocations i
               where i.delivery_id = d.id and i.id >= d.id and i.id >= $2
               order by i.id desc limit 1
           ) last
           where position(lower($3) in lower((last.record #> '{transcript,response,body}')::text)) > 0
              or position(lower($3) in lower((last.record #> '{transcript,response,headers}')::text)) > 0"#,
        &ids,
        *oldest,
        text
    );
    let matching: HashSet<Uuid> = matching.fetch_all(db).await?.into_iter().collect();
    deliveries.retain(|delivery| matching.contains(&delivery.id));
    Ok(())
}
