//! The queue: take in, claim, complete. The lease is in the row; there is no leader.

use std::time::Duration;

use sqlx::postgres::types::PgInterval;
use uuid::Uuid;

use crate::model::delivery::DeliveryState;
use crate::model::{DeliveryId, EventId, InvocationId, Timestamp, WebhookId};
use crate::store::{Error, PgConnection, PgPool, SLOW_TIMEOUT, within};

/// How long a delivery belongs to who took it, unless renewed. What a killed instance had in hand is
/// taken over after this.
pub const LEASE: Duration = Duration::from_secs(8);

/// The unique index that holds that a lane has one head.
pub const HEAD_KEY: &str = "delivery_queue_head";

/// A delivery in hand.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// Its id.
    pub id: DeliveryId,
    /// The webhook.
    pub webhook_id: WebhookId,
    /// Which attempt this is, from 1.
    pub attempt: i32,
    /// The event.
    pub event_id: EventId,
    /// The event as received: with the first of its deliveries, if it is still there.
    pub payload: Option<String>,
    /// Whether a person has sent it by hand.
    pub by_hand: bool,
}

/// What became of an attempt.
#[derive(Debug, Clone)]
pub struct Completion {
    /// The delivery.
    pub id: DeliveryId,
    /// Its webhook.
    pub webhook_id: WebhookId,
    /// Which attempt: completes nothing when another has begun since.
    pub attempt: i32,
    /// Where it goes.
    pub state: DeliveryState,
    /// When it is tried next, where it is.
    pub due_at: Option<Timestamp>,
    /// The answer's status.
    pub status: Option<i32>,
    /// Why it failed, in short.
    pub error: Option<String>,
    /// Whether the attempt counts; one that was handed back unsent does not.
    pub counts: bool,
    /// The exchange, where there was one.
    pub invocation: Option<(InvocationId, String)>,
}

/// What a batch of completions did.
#[derive(Debug, Clone, Copy)]
pub struct Completed {
    /// How many were changed; the others had been taken over.
    pub moved: usize,
    /// How many that waited behind them are due now.
    pub promoted: usize,
}

pub(super) fn interval(duration: Duration) -> PgInterval {
    let microseconds = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    PgInterval { months: 0, days: 0, microseconds }
}

/// Takes due deliveries in hand: of each webhook at most as many as there is room for.
pub async fn claim(
    db: &PgPool,
    lease: Uuid,
    now: Timestamp,
    webhooks: &[Uuid],
    rooms: &[i64],
) -> Result<Vec<Claimed>, Error> {
    let query = sqlx::query!(
        r#"with picked as (
               select due.id
               from unnest($3::uuid[], $4::bigint[]) as w (id, room)
               cross join lateral (
                   select q.id from delivery_queue q
                   where q.state = 'due' and q.webhook_id = w.id and q.due_at <= $2
                   order by q.due_at, q.id limit w.room
                   for update skip locked
               ) due
           ),
           taken as (
               update delivery_queue q
               set state = 'leased', lease = $1, leased_until = $2::timestamptz + $5::interval,
                   attempts = attempts + 1
               from picked where q.id = picked.id
               returning q.id, q.event_id, q.webhook_id, q.attempts
           )
           select t.id as "id!", t.event_id as "event_id!", t.webhook_id as "webhook_id!", t.attempts as "attempts!",
                  e.payload as "payload?",
                  exists (select from manual_deliveries m where m.delivery_id = t.id) as "by_hand!"
           from (select *, row_number() over (partition by event_id order by id) = 1 as is_first from taken) t
           left join events e on t.is_first and e.id = t.event_id
           order by t.id"#,
        lease,
        now,
        webhooks,
        rooms,
        interval(LEASE)
    );
    let rows = within(db, SLOW_TIMEOUT, query.fetch_all(db)).await?;
    Ok(rows
        .into_iter()
        .map(|row| Claimed {
            id: row.id.into(),
            webhook_id: row.webhook_id.into(),
            attempt: row.attempts,
            event_id: row.event_id.into(),
            payload: row.payload,
            by_hand: row.by_hand,
        })
        .collect())
}

/// Writes what became of attempts, and their exchanges, in one statement. Only what this lease still
/// holds in that attempt is changed. (The rest was taken over after its lease ran out; its exchange is
/// recorded all the same.) A row has a lease exactly while it is leased; its state is not asked for,
/// because the planner would then look through all that are leased. Where the head of a lane is finished, the next of the lane is due.
#[expect(clippy::too_many_lines, reason = "one statement, and a column for each of its parameters")]
pub async fn complete(
    db: &mut PgConnection,
    lease: Uuid,
    now: Timestamp,
    batch: &[Completion],
) -> Result<Completed, Error> {
    let ids: Vec<Uuid> = batch.iter().map(|one| one.id.uuid()).collect();
    let attempts: Vec<i32> = batch.iter().map(|one| one.attempt).collect();
    let states: Vec<&str> = batch.iter().map(|one| one.state.as_str()).collect();
    let dues: Vec<Option<Timestamp>> = batch.iter().map(|one| one.due_at).collect();
    let statuses: Vec<Option<i32>> = batch.iter().map(|one| one.status).collect();
    let errors: Vec<Option<&str>> = batch.iter().map(|one| one.error.as_deref()).collect();
    let counts: Vec<bool> = batch.iter().map(|one| one.counts).collect();
    let exchanges = || batch.iter().map(|one| one.invocation.as_ref());
    let invocations: Vec<Option<Uuid>> =
        exchanges().map(|one| one.map(|(id, _)| id.uuid())).collect();
    let webhooks: Vec<Uuid> = batch.iter().map(|one| one.webhook_id.uuid()).collect();
    let records: Vec<Option<&str>> =
        exchanges().map(|one| one.map(|(_, record)| record.as_str())).collect();
    let row = sqlx::query!(
        r#"with input as (
               select * from unnest($1::uuid[], $2::int[], $3::text[], $4::timestamptz[], $5::int[], $6::text[], $7::boolean[])
                   as i (id, attempt, state, due_at, status, error, counts)
           ),
           finished as (
               delete from delivery_queue q using input i
               where q.id = i.id and q.lease = $11 and q.attempts = i.attempt
                 and i.state in ('delivered', 'failed', 'cancelled')
               returning q.id, q.event_id, q.webhook_id, q.lane, i.state,
                         q.attempts - case when i.counts then 0 else 1 end as attempts, q.created_at,
                         case when i.counts then i.status else q.last_status end as last_status,
                         case when i.counts then i.error else q.last_error end as last_error
           ),
           remembered as (
               insert into delivery_history
                   (id, event_id, webhook_id, state, attempts, created_at, finished_at, last_status, last_error)
               select id, event_id, webhook_id, state, attempts, created_at, $12, last_status, last_error
               from finished
           ),
           postponed as (
               update delivery_queue q
               set state = i.state,
                   due_at = coalesce(i.due_at, q.due_at),
                   attempts = q.attempts - case when i.counts then 0 else 1 end,
                   lease = null,
                   leased_until = null,
                   last_status = case when i.counts then i.status else q.last_status end,
                   last_error = case when i.counts then i.error else q.last_error end
               from input i
               where q.id = i.id and q.lease = $11 and q.attempts = i.attempt
                 and i.state in ('due', 'held')
               returning q.id
           ),
           recorded as (
               insert into invocations (id, delivery_id, webhook_id, record)
               -- Not of the input, whose rows are copied for each of its readers.
               select i.id, i.delivery, i.webhook, i.record
               from unnest($8::uuid[], $1::uuid[], $9::uuid[], $10::text[]) as i (id, delivery, webhook, record)
               where i.id is not null
           ),
           promoted as (
               update delivery_queue q set state = 'due', due_at = $12
               from (
                   select (select x.id from delivery_queue x
                           where x.lane = f.lane and x.state = 'waiting' order by x.lane, x.id limit 1) as id
                   from finished f where f.lane is not null
               ) next
               where q.id = next.id
               returning q.id
           )
           select (select count(*) from finished) + (select count(*) from postponed) as "moved!",
                  (select count(*) from promoted) as "promoted!""#,
        &ids,
        &attempts,
        &states as _,
        &dues as _,
        &statuses as _,
        &errors as _,
        &counts,
        &invocations as _,
        &webhooks,
        &records as _,
        lease,
        now
    )
    .fetch_one(db)
    .await?;
    let count = |count: i64| usize::try_from(count).unwrap_or_default();
    Ok(Completed { moved: count(row.moved), promoted: count(row.promoted) })
}

/// Holds what is due for a webhook that became inactive.
pub async fn hold(db: &mut PgConnection, webhook: WebhookId) -> Result<u64, Error> {
    let done = sqlx::query!(
        "update delivery_queue set state = 'held' where webhook_id = $1 and state = 'due'",
        webhook.uuid()
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Lets go what was held for a webhook.
pub async fn release(
    db: &mut PgConnection,
    webhook: WebhookId,
    now: Timestamp,
) -> Result<u64, Error> {
    let done = sqlx::query!(
        "update delivery_queue set state = 'due', due_at = $2 where webhook_id = $1 and state = 'held'",
        webhook.uuid(),
        now
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Cancels what waits for a webhook that is deleted.
pub async fn cancel(
    db: &mut PgConnection,
    webhook: WebhookId,
    now: Timestamp,
) -> Result<u64, Error> {
    let done = sqlx::query!(
        "with gone as (
             delete from delivery_queue where webhook_id = $1 and state in ('due', 'held', 'waiting')
             returning id, event_id, webhook_id, attempts, created_at, last_status
         )
         insert into delivery_history
             (id, event_id, webhook_id, state, attempts, created_at, finished_at, last_status, last_error)
         select id, event_id, webhook_id, 'cancelled', attempts, created_at, $2, last_status, 'Webhook deleted'
         from gone",
        webhook.uuid(),
        now
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
