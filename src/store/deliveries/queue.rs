//! The queue: claim, complete, renew, reap. The lease is in the row; there is no leader.

use std::time::Duration;

use sqlx::postgres::types::PgInterval;
use uuid::Uuid;

use crate::model::delivery::DeliveryState;
use crate::model::{DeliveryId, EventId, InvocationId, Timestamp, WebhookId};
use crate::store::{Error, PgConnection, PgPool};

/// How long a delivery belongs to who took it, unless renewed. What a killed instance had in hand is
/// taken over after this.
pub const LEASE: Duration = Duration::from_secs(15);

/// Not yet stored.
#[derive(Debug, Clone, Copy)]
pub struct NewDelivery {
    /// Its id.
    pub id: DeliveryId,
    /// The event.
    pub event_id: EventId,
    /// The webhook.
    pub webhook_id: WebhookId,
    /// Whether the inserting instance takes it in hand at once.
    pub leased: bool,
}

/// A delivery in hand.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// Its id.
    pub id: DeliveryId,
    /// The webhook.
    pub webhook_id: WebhookId,
    /// Which attempt this is, from 1.
    pub attempt: i32,
    /// The event's trigger.
    pub trigger: String,
    /// The event as received.
    pub payload: String,
}

/// What became of an attempt.
#[derive(Debug, Clone)]
pub struct Completion {
    /// The delivery.
    pub id: DeliveryId,
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
    pub invocation: Option<(InvocationId, WebhookId, String)>,
}

fn interval(duration: Duration) -> PgInterval {
    let microseconds = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    PgInterval { months: 0, days: 0, microseconds }
}

/// Adds deliveries; those leased belong to `lease` at once, as their first attempt.
pub async fn insert(
    db: &mut PgConnection,
    deliveries: &[NewDelivery],
    lease: Uuid,
    now: Timestamp,
) -> Result<(), Error> {
    let ids: Vec<Uuid> = deliveries.iter().map(|delivery| delivery.id.uuid()).collect();
    let events: Vec<Uuid> = deliveries.iter().map(|delivery| delivery.event_id.uuid()).collect();
    let webhooks: Vec<Uuid> =
        deliveries.iter().map(|delivery| delivery.webhook_id.uuid()).collect();
    let leased: Vec<bool> = deliveries.iter().map(|delivery| delivery.leased).collect();
    sqlx::query!(
        "insert into deliveries
             (id, event_id, webhook_id, state, attempts, due_at, lease, leased_until, created_at)
         select id, event_id, webhook_id,
                case when leased then 'leased' else 'due' end,
                case when leased then 1 else 0 end,
                $5::timestamptz,
                case when leased then $6::uuid end,
                case when leased then $5::timestamptz + $7::interval end,
                $5::timestamptz
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::boolean[])
             as i (id, event_id, webhook_id, leased)",
        &ids,
        &events,
        &webhooks,
        &leased,
        now,
        lease,
        interval(LEASE)
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes up to `limit` due deliveries in hand, none of the webhooks in `full`.
pub async fn claim(
    db: &PgPool,
    lease: Uuid,
    now: Timestamp,
    limit: i64,
    full: &[Uuid],
) -> Result<Vec<Claimed>, Error> {
    let rows = sqlx::query!(
        r#"with picked as (
               select id from deliveries where state = 'due' and due_at <= $2 and webhook_id <> all($5)
               order by due_at, id limit $3 for update skip locked
           ),
           taken as (
               update deliveries d
               set state = 'leased', lease = $1, leased_until = $2::timestamptz + $4::interval,
                   attempts = attempts + 1
               from picked where d.id = picked.id
               returning d.id, d.event_id, d.webhook_id, d.attempts
           )
           select t.id as "id!", t.webhook_id as "webhook_id!", t.attempts as "attempts!",
                  e.trigger as "trigger?", e.payload as "payload?"
           from taken t left join events e on e.id = t.event_id"#,
        lease,
        now,
        limit,
        interval(LEASE),
        full
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Claimed {
            id: row.id.into(),
            webhook_id: row.webhook_id.into(),
            attempt: row.attempts,
            trigger: row.trigger.unwrap_or_default(),
            payload: row.payload.unwrap_or_default(),
        })
        .collect())
}

/// Writes what became of attempts, and their exchanges, in one statement. Only what this lease still
/// holds in that attempt is changed; the answer is how many were. (The rest was taken over after
/// its lease ran out; its exchange is recorded all the same.)
pub async fn complete(
    db: &PgPool,
    lease: Uuid,
    now: Timestamp,
    batch: &[Completion],
) -> Result<u64, Error> {
    let column = |get: fn(&Completion) -> Option<String>| -> Vec<Option<String>> {
        batch.iter().map(get).collect()
    };
    let ids: Vec<Uuid> = batch.iter().map(|one| one.id.uuid()).collect();
    let attempts: Vec<i32> = batch.iter().map(|one| one.attempt).collect();
    let states: Vec<String> = batch.iter().map(|one| one.state.as_str().to_owned()).collect();
    let dues: Vec<Option<Timestamp>> = batch.iter().map(|one| one.due_at).collect();
    let statuses: Vec<Option<i32>> = batch.iter().map(|one| one.status).collect();
    let counts: Vec<bool> = batch.iter().map(|one| one.counts).collect();
    let invocations: Vec<Option<Uuid>> =
        batch.iter().map(|one| one.invocation.as_ref().map(|(id, _, _)| id.uuid())).collect();
    let webhooks: Vec<Option<Uuid>> =
        batch.iter().map(|one| one.invocation.as_ref().map(|(_, id, _)| id.uuid())).collect();
    let moved = sqlx::query_scalar!(
        r#"with input as (
               select * from unnest($1::uuid[], $2::int[], $3::text[], $4::timestamptz[], $5::int[],
                                    $6::text[], $7::boolean[], $8::uuid[], $9::uuid[], $10::text[])
                   as i (id, attempt, state, due_at, status, error, counts, invocation, webhook, record)
           ),
           moved as (
               update deliveries d
               set state = i.state,
                   due_at = coalesce(i.due_at, d.due_at),
                   attempts = d.attempts - case when i.counts then 0 else 1 end,
                   lease = null,
                   leased_until = null,
                   finished_at =
                       case when i.state in ('delivered', 'failed', 'cancelled') then $12::timestamptz end,
                   last_status = case when i.counts then i.status else d.last_status end,
                   last_error = case when i.counts then i.error else d.last_error end
               from input i
               where d.id = i.id and d.state = 'leased' and d.lease = $11
                 and d.attempts = i.attempt
               returning d.id
           ),
           recorded as (
               insert into invocations (id, delivery_id, webhook_id, record)
               select i.invocation, i.id, i.webhook, i.record from input i
               where i.invocation is not null
           )
           select count(*) as "count!" from moved"#,
        &ids,
        &attempts,
        &states,
        &dues as _,
        &statuses as _,
        &column(|one| one.error.clone()) as _,
        &counts,
        &invocations as _,
        &webhooks as _,
        &column(|one| one.invocation.as_ref().map(|(_, _, record)| record.clone()))
            as _,
        lease,
        now
    )
    .fetch_one(db)
    .await?;
    Ok(u64::try_from(moved).unwrap_or_default())
}

/// Keeps what is in hand. Named one by one: what this lease holds without knowing it, because the
/// answer to a commit got lost, must run out.
pub async fn renew(db: &PgPool, lease: Uuid, now: Timestamp, held: &[Uuid]) -> Result<u64, Error> {
    let done = sqlx::query!(
        "update deliveries set leased_until = $2::timestamptz + $3::interval
         where state = 'leased' and lease = $1 and id = any($4)",
        lease,
        now,
        interval(LEASE),
        held
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Hands back all that this lease holds; the attempt does not count.
pub async fn give_back(db: &PgPool, lease: Uuid) -> Result<u64, Error> {
    let done = sqlx::query!(
        "update deliveries
         set state = 'due', attempts = attempts - 1, lease = null, leased_until = null
         where state = 'leased' and lease = $1",
        lease
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Makes due again what nobody renewed: its holder was killed or cut off.
pub async fn reap(db: &PgPool, now: Timestamp) -> Result<u64, Error> {
    let done = sqlx::query!(
        "update deliveries set state = 'due', due_at = $1, lease = null, leased_until = null
         where state = 'leased' and leased_until < $1",
        now
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Holds what waits for a webhook that became inactive.
pub async fn hold(db: &mut PgConnection, webhook: WebhookId) -> Result<u64, Error> {
    let done = sqlx::query!(
        "update deliveries set state = 'held' where webhook_id = $1 and state = 'due'",
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
        "update deliveries set state = 'due', due_at = $2 where webhook_id = $1 and state = 'held'",
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
        "update deliveries set state = 'cancelled', finished_at = $2, last_error = 'Webhook deleted'
         where webhook_id = $1 and state in ('due', 'held')",
        webhook.uuid(),
        now
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
