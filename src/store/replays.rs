//! Replays: stored events of a range of time that a user sends to one webhook.

use uuid::Uuid;

use super::webhook_health::first_uuid_at;
use super::{Error, PgConnection, PgPool};
use crate::model::{EventId, NOTIFICATION_EVENT_TYPE, Timestamp, WebhookId};

/// Maximum number of events in the range of a replay.
pub const MAX_REPLAY_EVENTS: i64 = 100_000;

/// What a replay sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayRange {
    /// The webhook.
    pub webhook: WebhookId,
    /// Events received at this time or later.
    pub from: Timestamp,
    /// Events received before this time.
    pub until: Timestamp,
    /// Whether events that do not match the webhook's triggers and filters are sent too.
    pub ignores_filters: bool,
    /// Whether events that the webhook has received before are sent again.
    pub repeats: bool,
}

/// A replay with its progress.
#[derive(Debug, Clone)]
pub struct Replay {
    /// The replay's id.
    pub id: Uuid,
    /// What it sends.
    pub range: ReplayRange,
    /// Number of events in the range.
    pub total: i64,
    /// Number of events that were read.
    pub read: i64,
    /// Number of events that were queued for delivery.
    pub queued: i64,
    /// The last event that was read.
    pub last_event: EventId,
    /// When it was requested.
    pub requested_at: Timestamp,
    /// Who requested it, as displayed.
    pub who: String,
    /// When the last event was read, or a user stopped it.
    pub finished_at: Option<Timestamp>,
    /// Whether a user stopped it.
    pub is_stopped: bool,
}

/// Number of a replay's deliveries by their result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReplayResult {
    /// Delivered successfully.
    pub delivered: i64,
    /// Failed or cancelled.
    pub failed: i64,
    /// Everything else.
    pub unfinished: i64,
}

struct Row {
    id: Uuid,
    webhook_id: Uuid,
    received_from: Timestamp,
    received_until: Timestamp,
    ignores_filters: bool,
    repeats: bool,
    total: i64,
    read: i64,
    queued: i64,
    last_event: Uuid,
    requested_at: Timestamp,
    who: String,
    finished_at: Option<Timestamp>,
    is_stopped: bool,
}

impl From<Row> for Replay {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            range: ReplayRange {
                webhook: row.webhook_id.into(),
                from: row.received_from,
                until: row.received_until,
                ignores_filters: row.ignores_filters,
                repeats: row.repeats,
            },
            total: row.total,
            read: row.read,
            queued: row.queued,
            last_event: row.last_event.into(),
            requested_at: row.requested_at,
            who: row.who,
            finished_at: row.finished_at,
            is_stopped: row.is_stopped,
        }
    }
}

/// Counts the received events of a range, up to one more than [`MAX_REPLAY_EVENTS`].
pub async fn count_events(db: &PgPool, range: &ReplayRange) -> Result<i64, Error> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from (
               select from events where id >= $1 and id < $2 and trigger <> 'Manual' and event_type <> $4 limit $3
           ) found"#,
        first_uuid_at(range.from),
        first_uuid_at(range.until),
        MAX_REPLAY_EVENTS + 1,
        NOTIFICATION_EVENT_TYPE
    )
    .fetch_one(db)
    .await?;
    Ok(count)
}

/// Returns received events of a range after this one with their payloads, oldest first.
pub async fn list_events(
    db: &mut PgConnection,
    range: &ReplayRange,
    after: EventId,
    limit: i64,
) -> Result<Vec<(EventId, String)>, Error> {
    let rows = sqlx::query!(
        "select id, payload from events
         where id >= $1 and id < $2 and id > $3 and trigger <> 'Manual' and event_type <> $5
         order by id limit $4",
        first_uuid_at(range.from),
        first_uuid_at(range.until),
        after.uuid(),
        limit,
        NOTIFICATION_EVENT_TYPE
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id.into(), row.payload)).collect())
}

/// Inserts a replay of a range with this number of events.
pub async fn insert(
    db: &mut PgConnection,
    id: Uuid,
    range: &ReplayRange,
    total: i64,
    (who, now): (&str, Timestamp),
) -> Result<(), Error> {
    sqlx::query!(
        "insert into replays (id, webhook_id, received_from, received_until, ignores_filters, repeats, total, last_event,
                              requested_at, who)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        id,
        range.webhook.uuid(),
        range.from,
        range.until,
        range.ignores_filters,
        range.repeats,
        total,
        Uuid::nil(),
        now,
        who
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Locks the oldest unfinished replay that no other instance works on and that comes after this one.
pub async fn lock_next(db: &mut PgConnection, after: Uuid) -> Result<Option<Replay>, Error> {
    let row = sqlx::query_as!(
        Row,
        "select * from replays where finished_at is null and id > $1 order by id limit 1 for update skip locked",
        after
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Replay::from))
}

/// Whether at least this many deliveries of a webhook are due.
pub async fn has_due(db: &mut PgConnection, webhook: WebhookId, count: i64) -> Result<bool, Error> {
    let found = sqlx::query_scalar!(
        r#"select count(*) as "count!" from (
               select from delivery_queue where webhook_id = $1 and state = 'due' limit $2
           ) due"#,
        webhook.uuid(),
        count
    )
    .fetch_one(db)
    .await?;
    Ok(found >= count)
}

/// Progress of a replay after some events were read.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// The last event that was read.
    pub last_event: EventId,
    /// Number of events that were read.
    pub read: i64,
    /// Number of events that were queued.
    pub queued: i64,
}

/// Adds to the progress of a locked replay.
pub async fn advance(db: &mut PgConnection, id: Uuid, progress: Progress) -> Result<(), Error> {
    sqlx::query!(
        "update replays set last_event = $2, read = read + $3, queued = queued + $4 where id = $1",
        id,
        progress.last_event.uuid(),
        progress.read,
        progress.queued
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Ends a replay. Returns false if there is no such replay, or it has ended.
pub async fn finish(
    db: &mut PgConnection,
    id: Uuid,
    now: Timestamp,
    is_stopped: bool,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "update replays set finished_at = $2, is_stopped = $3 where id = $1 and finished_at is null",
        id,
        now,
        is_stopped
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Finds a replay.
pub async fn find(db: &PgPool, id: Uuid) -> Result<Option<Replay>, Error> {
    let row =
        sqlx::query_as!(Row, "select * from replays where id = $1", id).fetch_optional(db).await?;
    Ok(row.map(Replay::from))
}

/// Returns the newest replays to a webhook.
pub async fn list_by_webhook(
    db: &PgPool,
    webhook: WebhookId,
    limit: i64,
) -> Result<Vec<Replay>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "select * from replays where webhook_id = $1 order by id desc limit $2",
        webhook.uuid(),
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Replay::from).collect())
}

/// Counts the deliveries of a replay by their result.
pub async fn count_results(db: &PgPool, id: Uuid) -> Result<ReplayResult, Error> {
    let row = sqlx::query!(
        r#"select count(*) filter (where h.state = 'delivered') as "delivered!",
                  count(*) filter (where h.state in ('failed', 'cancelled')) as "failed!",
                  count(*) filter (where h.state is null) as "unfinished!"
           from manual_deliveries m left join delivery_history h on h.id = m.delivery_id
           where m.replay_id = $1"#,
        id
    )
    .fetch_one(db)
    .await?;
    Ok(ReplayResult { delivered: row.delivered, failed: row.failed, unfinished: row.unfinished })
}

/// Deletes ended replays that were requested before a time.
pub async fn delete_before(db: &mut PgConnection, before: Timestamp) -> Result<(), Error> {
    sqlx::query!("delete from replays where requested_at < $1 and finished_at is not null", before)
        .execute(db)
        .await?;
    Ok(())
}
