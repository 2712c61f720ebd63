//! Sample access requests and their events, which are sent one after the other.

use uuid::Uuid;

use super::{Error, PgConnection, PgPool};
use crate::model::{EventId, Timestamp, Trigger, WebhookId};

/// An event to send.
#[derive(Debug, Clone)]
pub struct NewStep {
    /// The trigger.
    pub trigger: Trigger,
    /// When to send it.
    pub due_at: Timestamp,
    /// The event.
    pub payload: String,
}

/// A sample access request.
#[derive(Debug, Clone)]
pub struct StoredSample {
    /// The only webhook that the events go to. `None` for all that match.
    pub webhook: Option<WebhookId>,
    /// The webhook's name.
    pub webhook_name: String,
    /// When it was requested.
    pub requested_at: Timestamp,
    /// Who requested it, as displayed.
    pub who: String,
    /// The events in their order.
    pub steps: Vec<StoredStep>,
}

/// An event of a sample access request.
#[derive(Debug, Clone)]
pub struct StoredStep {
    /// Its trigger.
    pub trigger: String,
    /// When to send it.
    pub due_at: Timestamp,
    /// The event. `None` until it is sent.
    pub event: Option<EventId>,
}

/// An event that is due.
#[derive(Debug, Clone)]
pub struct DueStep {
    /// The sample access request.
    pub sample: Uuid,
    /// Its number, from 0.
    pub step: i32,
    /// The event.
    pub payload: String,
    /// The only webhook that it goes to. `None` for all that match.
    pub webhook: Option<WebhookId>,
    /// Who requested it, as displayed.
    pub who: String,
}

/// Inserts a sample access request with its events.
pub async fn insert(
    db: &mut PgConnection,
    id: Uuid,
    (request_id, webhook): (&str, Option<WebhookId>),
    steps: &[NewStep],
    (who, now): (&str, Timestamp),
) -> Result<(), Error> {
    let numbers: Vec<i32> = (0..).take(steps.len()).collect();
    let triggers: Vec<&str> = steps.iter().map(|step| step.trigger.as_str()).collect();
    let times: Vec<Timestamp> = steps.iter().map(|step| step.due_at).collect();
    let payloads: Vec<&str> = steps.iter().map(|step| step.payload.as_str()).collect();
    sqlx::query!(
        "with sample as (
             insert into sample_requests (id, request_id, webhook_id, requested_at, who) values ($1, $2, $3, $4, $5)
         )
         insert into sample_steps (sample_id, step, trigger, due_at, payload)
         select $1, * from unnest($6::integer[], $7::text[], $8::timestamptz[], $9::text[])",
        id,
        request_id,
        webhook.map(WebhookId::uuid),
        now,
        who,
        &numbers,
        &triggers as _,
        &times,
        &payloads as _
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Locks the next due event that no other instance is sending. An event waits for the earlier ones of its request.
pub async fn lock_due(db: &mut PgConnection, now: Timestamp) -> Result<Option<DueStep>, Error> {
    let row = sqlx::query!(
        "select s.sample_id, s.step, s.payload, r.webhook_id, r.who
         from sample_steps s join sample_requests r on r.id = s.sample_id
         where s.event_id is null and s.due_at <= $1
           and not exists (
               select from sample_steps earlier
               where earlier.sample_id = s.sample_id and earlier.step < s.step and earlier.event_id is null
           )
         order by s.due_at, s.step limit 1
         for update of s skip locked",
        now
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| DueStep {
        sample: row.sample_id,
        step: row.step,
        payload: row.payload,
        webhook: row.webhook_id.map(WebhookId::from),
        who: row.who,
    }))
}

/// Records that a locked event was sent.
pub async fn set_sent(db: &mut PgConnection, due: &DueStep, event: EventId) -> Result<(), Error> {
    sqlx::query!(
        "update sample_steps set event_id = $3 where sample_id = $1 and step = $2",
        due.sample,
        due.step,
        event.uuid()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes the events that were not sent yet. Returns their number.
pub async fn stop(db: &mut PgConnection, id: Uuid) -> Result<u64, Error> {
    let done =
        sqlx::query!("delete from sample_steps where sample_id = $1 and event_id is null", id)
            .execute(db)
            .await?;
    Ok(done.rows_affected())
}

/// Returns a sample access request with its events.
pub async fn find(db: &PgPool, id: Uuid) -> Result<Option<StoredSample>, Error> {
    let row = sqlx::query!(
        r#"select r.webhook_id, w.name as "name?", r.requested_at, r.who
           from sample_requests r left join webhooks w on w.id = r.webhook_id
           where r.id = $1"#,
        id
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let steps = sqlx::query!(
        "select trigger, due_at, event_id from sample_steps where sample_id = $1 order by step",
        id
    )
    .fetch_all(db)
    .await?;
    let step = |trigger, due_at, event: Option<Uuid>| StoredStep {
        trigger,
        due_at,
        event: event.map(EventId::from),
    };
    Ok(Some(StoredSample {
        webhook: row.webhook_id.map(WebhookId::from),
        webhook_name: row.name.unwrap_or_default(),
        requested_at: row.requested_at,
        who: row.who,
        steps: steps.into_iter().map(|row| step(row.trigger, row.due_at, row.event_id)).collect(),
    }))
}

/// Returns the id of a sample access request that is sent to all webhooks that match, by the id in its events.
pub async fn find_sent_to_all(db: &PgPool, request_id: &str) -> Result<Option<Uuid>, Error> {
    let id = sqlx::query_scalar!(
        "select id from sample_requests where request_id = $1 and webhook_id is null",
        request_id
    )
    .fetch_optional(db)
    .await?;
    Ok(id)
}

/// Deletes sample access requests that were requested before a time and have no unsent events.
pub async fn delete_before(db: &mut PgConnection, before: Timestamp) -> Result<(), Error> {
    sqlx::query!(
        "delete from sample_requests r where requested_at < $1
         and not exists (select from sample_steps s where s.sample_id = r.id and s.event_id is null)",
        before
    )
    .execute(db)
    .await?;
    Ok(())
}
