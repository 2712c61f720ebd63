//! Records the results of attempts.

use std::time::Duration;

use uuid::Uuid;

use crate::model::delivery::DeliveryState;
use crate::model::{DeliveryId, InvocationId, Timestamp, WebhookId};
use crate::store::{Error, PgConnection};

/// The result of an attempt.
#[derive(Debug, Clone)]
pub struct Completion {
    /// The delivery.
    pub id: DeliveryId,
    /// Its webhook.
    pub webhook_id: WebhookId,
    /// The number of the attempt. A completion has no effect once another attempt has started.
    pub attempt: i32,
    /// The new state.
    pub state: DeliveryState,
    /// When the next attempt is due, if there is one.
    pub due_at: Option<Timestamp>,
    /// The status of the response.
    pub status: Option<i32>,
    /// A summary of the failure.
    pub error: Option<String>,
    /// Whether the attempt was made. A delivery handed back unsent does not count it.
    pub counts: bool,
    /// How long the attempt took, if it was made.
    pub duration: Option<Duration>,
    /// The id and the record of the invocation, if the attempt was made.
    pub invocation: Option<(InvocationId, String)>,
}

impl Completion {
    /// Returns a delivery to the queue, or cancels it, without an attempt.
    pub fn unsent(
        id: DeliveryId,
        webhook_id: WebhookId,
        attempt: i32,
        state: DeliveryState,
    ) -> Self {
        Self {
            id,
            webhook_id,
            attempt,
            state,
            due_at: None,
            status: None,
            error: None,
            counts: false,
            duration: None,
            invocation: None,
        }
    }
}

/// The effect of a batch of completions.
#[derive(Debug, Clone, Copy)]
pub struct Completed {
    /// Number of deliveries that were changed. The others were taken over by another instance.
    pub changed: usize,
    /// Number of deliveries that became due because their predecessor in the lane was finished.
    pub promoted: usize,
}

/// Records results and invocations in one statement. Where the head of a lane is finished, its successor becomes due.
///
/// Only deliveries that this lease still holds in the same attempt are changed. The others were taken over after their
/// lease expired, but their invocations are recorded too. A row has a lease exactly while its state is `leased`. The
/// statement does not test the state, because the planner would then read all leased rows.
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
                         case when i.counts then i.error else q.last_error end as last_error, i.counts
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
               returning q.id, q.webhook_id, i.state, i.counts
           ),
           rolled_up as (
               insert into webhook_hours as h (webhook_id, hour, delivered, failed, retried, last_delivered_at)
               select ended.webhook_id, date_trunc('hour', $12::timestamptz, 'UTC'),
                      count(*) filter (where ended.state = 'delivered'),
                      count(*) filter (where ended.state = 'failed'),
                      count(*) filter (where ended.state = 'due'),
                      max($12::timestamptz) filter (where ended.state = 'delivered')
               from (
                   select webhook_id, state from finished where counts
                   union all
                   select webhook_id, state from postponed where counts and state = 'due'
               ) ended
               -- A deleted webhook has no roll-ups. The order prevents deadlocks between instances.
               where exists (select from webhooks w where w.id = ended.webhook_id)
               group by ended.webhook_id
               order by ended.webhook_id
               on conflict (webhook_id, hour) do update
               set delivered = h.delivered + excluded.delivered,
                   failed = h.failed + excluded.failed,
                   retried = h.retried + excluded.retried,
                   last_delivered_at = coalesce(excluded.last_delivered_at, h.last_delivered_at)
           ),
           recorded as (
               insert into invocations (id, delivery_id, webhook_id, record)
               -- Not from input, whose rows are copied for each of its readers.
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
    Ok(Completed { changed: count(row.moved), promoted: count(row.promoted) })
}
