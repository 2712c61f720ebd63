//! Deliveries that users send again: one more attempt of a finished delivery.

use sqlx::postgres::types::PgInterval;
use uuid::Uuid;

use super::{Error, PgConnection, PgPool};
use crate::model::{DeliveryId, EventId, InvocationId, Timestamp, WebhookId};

/// How long an instance has for one redelivery, in seconds. It is longer than any attempt.
const LEASE_SECONDS: i64 = 300;

/// Queues a redelivery. Returns false if the delivery is not finished, or is queued already.
pub async fn insert(
    db: &mut PgConnection,
    delivery: DeliveryId,
    who: &str,
    now: Timestamp,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "insert into redeliveries (delivery_id, state, requested_at, who)
         select h.id, 'queued', $2, $3 from delivery_history h where h.id = $1
         on conflict (delivery_id) where state in ('queued', 'leased') do nothing",
        delivery.uuid(),
        now,
        who
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// A claimed redelivery.
#[derive(Debug, Clone)]
pub struct ClaimedRedelivery {
    /// The redelivery.
    pub id: i64,
    /// The delivery.
    pub delivery: DeliveryId,
    /// What to send. `None` if retention has removed the delivery or its event.
    pub content: Option<RedeliveryContent>,
}

/// What a redelivery sends.
#[derive(Debug, Clone)]
pub struct RedeliveryContent {
    /// The webhook.
    pub webhook: WebhookId,
    /// The event.
    pub event: EventId,
    /// The number of the attempt, from 1.
    pub attempt: i32,
    /// The event as received.
    pub payload: String,
    /// Whether the delivery was a manual send.
    pub is_manual: bool,
}

/// Claims the oldest redeliveries, including those of instances that have ended.
pub async fn claim(
    db: &PgPool,
    lease: Uuid,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<ClaimedRedelivery>, Error> {
    let rows = sqlx::query!(
        r#"with picked as (
               select id from redeliveries
               where state in ('queued', 'leased') and (state = 'queued' or leased_until < $2)
               order by id limit $3
               for update skip locked
           ),
           taken as (
               update redeliveries r
               set state = 'leased', lease = $1, leased_until = $2::timestamptz + $4::interval
               from picked where r.id = picked.id
               returning r.id, r.delivery_id
           )
           select t.id as "id!", t.delivery_id as "delivery_id!", h.webhook_id as "webhook_id?",
                  h.event_id as "event_id?", h.attempts as "attempts?", e.payload as "payload?",
                  exists (select from manual_deliveries m where m.delivery_id = t.delivery_id) as "is_manual!"
           from taken t
           left join delivery_history h on h.id = t.delivery_id
           left join events e on e.id = h.event_id
           order by t.id"#,
        lease,
        now,
        limit,
        PgInterval { months: 0, days: 0, microseconds: LEASE_SECONDS * 1_000_000 }
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let found = row.webhook_id.zip(row.event_id).zip(row.attempts.zip(row.payload));
            ClaimedRedelivery {
                id: row.id,
                delivery: row.delivery_id.into(),
                content: found.map(|((webhook, event), (attempts, payload))| RedeliveryContent {
                    webhook: webhook.into(),
                    event: event.into(),
                    attempt: attempts + 1,
                    payload,
                    is_manual: row.is_manual,
                }),
            }
        })
        .collect())
}

/// The result of a redelivery.
#[derive(Debug, Clone)]
pub struct RedeliveryResult {
    /// The redelivery.
    pub id: i64,
    /// The delivery.
    pub delivery: DeliveryId,
    /// A summary of the failure. `None` if it succeeded.
    pub error: Option<String>,
    /// The attempt, if one was made.
    pub attempt: Option<RedeliveryAttempt>,
}

/// The attempt of a redelivery.
#[derive(Debug, Clone)]
pub struct RedeliveryAttempt {
    /// The webhook.
    pub webhook: WebhookId,
    /// The status of the response.
    pub status: Option<i32>,
    /// The id of the invocation.
    pub invocation: InvocationId,
    /// The record of the invocation.
    pub record: String,
}

/// Records results of redeliveries that this lease holds, with their invocations, in one statement. A delivery that
/// succeeds becomes delivered. One that was delivered before stays so.
pub async fn complete(
    db: &mut PgConnection,
    lease: Uuid,
    now: Timestamp,
    results: &[RedeliveryResult],
) -> Result<(), Error> {
    let ids: Vec<i64> = results.iter().map(|one| one.id).collect();
    let deliveries: Vec<Uuid> = results.iter().map(|one| one.delivery.uuid()).collect();
    let errors: Vec<Option<&str>> = results.iter().map(|one| one.error.as_deref()).collect();
    let attempts = || results.iter().map(|one| one.attempt.as_ref());
    let invocations: Vec<Option<Uuid>> =
        attempts().map(|one| one.map(|attempt| attempt.invocation.uuid())).collect();
    let webhooks: Vec<Option<Uuid>> =
        attempts().map(|one| one.map(|attempt| attempt.webhook.uuid())).collect();
    let records: Vec<Option<&str>> =
        attempts().map(|one| one.map(|attempt| attempt.record.as_str())).collect();
    let statuses: Vec<Option<i32>> =
        attempts().map(|one| one.and_then(|attempt| attempt.status)).collect();
    sqlx::query!(
        "with input as (
             select * from unnest($1::bigint[], $2::uuid[], $3::text[], $4::uuid[], $5::int[])
                 as i (id, delivery, error, invocation, status)
         ),
         done as (
             update redeliveries r
             set state = case when i.error is null then 'succeeded' else 'failed' end,
                 lease = null, leased_until = null, finished_at = $9, error = i.error
             from input i where r.id = i.id and r.lease = $8
             returning r.delivery_id, i.error, i.invocation, i.status
         ),
         recorded as (
             insert into invocations (id, delivery_id, webhook_id, record)
             select i.id, i.delivery, i.webhook, i.record
             from unnest($4::uuid[], $2::uuid[], $6::uuid[], $7::text[]) as i (id, delivery, webhook, record)
             where i.id is not null
         )
         update delivery_history h
         set attempts = h.attempts + 1,
             state = case when d.error is null then 'delivered' else h.state end,
             finished_at = case when d.error is null and h.state <> 'delivered' then $9 else h.finished_at end,
             last_status = case when d.error is null or h.state <> 'delivered' then d.status else h.last_status end,
             last_error = case when d.error is null then null
                               when h.state = 'delivered' then h.last_error else d.error end
         from done d where h.id = d.delivery_id and d.invocation is not null",
        &ids,
        &deliveries,
        &errors as _,
        &invocations as _,
        &statuses as _,
        &webhooks as _,
        &records as _,
        lease,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns these redeliveries to the queue.
pub async fn give_back(db: &PgPool, lease: Uuid, ids: &[i64]) -> Result<(), Error> {
    sqlx::query!(
        "update redeliveries set state = 'queued', lease = null, leased_until = null
         where lease = $1 and id = any($2)",
        lease,
        ids
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A redelivery as the page of its delivery shows it.
#[derive(Debug, Clone)]
pub struct Redelivery {
    /// Who requested it, as displayed.
    pub who: String,
    /// When it was requested.
    pub requested_at: Timestamp,
    /// When it ended. `None` if it is queued or being sent.
    pub finished_at: Option<Timestamp>,
    /// Whether it was stopped before it was sent.
    pub is_stopped: bool,
    /// A summary of the failure.
    pub error: Option<String>,
}

/// Returns the redeliveries of a delivery, newest first.
pub async fn list_by_delivery(db: &PgPool, id: DeliveryId) -> Result<Vec<Redelivery>, Error> {
    let rows = sqlx::query!(
        "select r.who, r.requested_at, r.finished_at, r.state, r.error from redeliveries r
         left join redelivery_batches b on b.id = r.batch_id
         where r.delivery_id = $1 and (b.action is null or b.action = 'redeliver')
         order by r.id desc limit 20",
        id.uuid()
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Redelivery {
            who: row.who,
            requested_at: row.requested_at,
            finished_at: row.finished_at,
            is_stopped: row.state == "stopped",
            error: row.error,
        })
        .collect())
}

/// Deletes redeliveries and batches that were requested before a time and have ended.
pub async fn delete_before(db: &mut PgConnection, before: Timestamp) -> Result<(), Error> {
    sqlx::query!(
        "delete from redeliveries where requested_at < $1 and state not in ('queued', 'leased', 'pending')",
        before
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "delete from redelivery_batches b where requested_at < $1
         and not exists (select from redeliveries r where r.batch_id = b.id)",
        before
    )
    .execute(db)
    .await?;
    Ok(())
}
