//! Delivery health of webhooks, for the list of webhooks. Rates come from roll-ups by hour, never from the history.

use std::collections::HashMap;

use chrono::TimeDelta;
use uuid::Uuid;

use super::hours::hour_of;
use super::{Error, PgConnection, PgPool};
use crate::model::{Timestamp, WebhookId};

/// Delivery health of one webhook.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// When the newest successful delivery ended.
    pub last_delivered_at: Option<Timestamp>,
    /// Since when all attempts fail. `None` if the newest attempt succeeded.
    pub failing_since: Option<Timestamp>,
    /// A summary of the newest failure since the last success.
    pub last_error: Option<String>,
    /// Why Gatepost paused the webhook.
    pub paused_because: Option<String>,
    /// Attempts of the last 24 hours by hour, oldest first.
    pub hours: Vec<Hour>,
}

/// Attempts of one hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hour {
    /// Successful attempts.
    pub delivered: i64,
    /// Failed attempts, whether or not they are retried.
    pub failed: i64,
}

/// Maximum number of waiting deliveries to count.
pub const MAX_COUNTED: i64 = 10_000;
/// Number of hours that the list shows.
const HOURS: usize = 24;

/// The start of the oldest hour that the list shows.
pub(super) fn first_hour(now: Timestamp) -> Timestamp {
    let hours = TimeDelta::hours(i64::try_from(HOURS).unwrap_or(24) - 1);
    hour_of(now) - hours
}

struct Row {
    id: Uuid,
    paused_because: Option<String>,
    failing_since: Option<Timestamp>,
    last_error: Option<String>,
    last_delivered_at: Option<Timestamp>,
    hours: Vec<Timestamp>,
    delivered: Vec<i64>,
    failed: Vec<i64>,
}

impl Row {
    fn into_health(self, first: Timestamp) -> Health {
        let mut hours = vec![Hour::default(); HOURS];
        for ((hour, delivered), failed) in
            self.hours.into_iter().zip(self.delivered).zip(self.failed)
        {
            let index = usize::try_from((hour - first).num_hours()).ok();
            if let Some(entry) = index.and_then(|index| hours.get_mut(index)) {
                *entry = Hour { delivered, failed };
            }
        }
        Health {
            last_delivered_at: self.last_delivered_at,
            failing_since: self.failing_since,
            last_error: self.last_error,
            paused_because: self.paused_because,
            hours,
        }
    }
}

/// Returns the health of these webhooks. The hours that had ended at the last refresh of [`super::webhook_ranks`] are those of that
/// refresh.
pub async fn health(
    db: &mut PgConnection,
    now: Timestamp,
    webhooks: &[WebhookId],
) -> Result<HashMap<WebhookId, Health>, Error> {
    let ids: Vec<Uuid> = webhooks.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"select w.id as "id!", w.paused_because, b.failing_since as "failing_since?", b.last_error as "last_error?",
                  greatest(newest.last_delivered_at, r.last_delivered_at) as last_delivered_at,
                  coalesce(r.hours || newest.hours, '{}') as "hours!",
                  coalesce(r.delivered || newest.delivered, '{}') as "delivered!",
                  coalesce(r.failed || newest.failed, '{}') as "failed!"
           from webhooks w
           left join webhook_breakers b on b.webhook_id = w.id
           left join webhook_ranks r on r.webhook_id = w.id
           cross join lateral (
               select max(h.last_delivered_at) as last_delivered_at, array_agg(h.hour) as hours,
                      array_agg(h.delivered) as delivered, array_agg(h.failed + h.retried) as failed
               from webhook_hours h
               where h.webhook_id = w.id and h.hour >= coalesce(r.hours_until, '-infinity')
           ) newest
           where w.id = any($1)"#,
        &ids
    )
    .fetch_all(db)
    .await?;
    let first = first_hour(now);
    Ok(rows.into_iter().map(|row| (WebhookId::from(row.id), row.into_health(first))).collect())
}

/// Returns how many deliveries of a webhook wait, of each kind at most [`MAX_COUNTED`].
pub async fn count_waiting(db: &PgPool, webhook: WebhookId) -> Result<i64, Error> {
    let count = sqlx::query_scalar!(
        r#"select (select count(*) from (
                       select from delivery_queue where webhook_id = $1 and state = 'due' limit $2) d)
                + (select count(*) from (
                       select from delivery_queue where webhook_id = $1 and state in ('held', 'waiting') limit $2) b)
                as "count!""#,
        webhook.uuid(),
        MAX_COUNTED
    )
    .fetch_one(db)
    .await?;
    Ok(count)
}

/// Returns the smallest `UUIDv7` of a timestamp. Greater ids were created then or later.
pub(super) fn first_uuid_at(time: Timestamp) -> Uuid {
    let millis = u128::try_from(time.timestamp_millis()).unwrap_or_default();
    Uuid::from_u128(millis << 80)
}

/// Returns the time at which a `UUIDv7` was created.
pub(super) fn time_of(id: Uuid) -> Timestamp {
    let millis = i64::try_from(id.as_u128() >> 80).unwrap_or(i64::MAX);
    Timestamp::from_timestamp_millis(millis).unwrap_or(Timestamp::MAX_UTC)
}
