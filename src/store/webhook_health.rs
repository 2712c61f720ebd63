//! Delivery health of webhooks, for the list of webhooks.

use std::collections::HashMap;

use uuid::Uuid;

use super::{Error, PgPool};
use crate::model::{Timestamp, WebhookId};

/// Delivery health of one webhook.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// When the newest successful delivery was created.
    pub last_delivered_at: Option<Timestamp>,
    /// When the oldest delivery that failed since the last success was created. `None` if the newest delivery succeeded.
    pub failing_since: Option<Timestamp>,
    /// A summary of the newest failure since the last success.
    pub last_error: Option<String>,
    /// Why Gatepost paused the webhook.
    pub paused_because: Option<String>,
    /// Deliveries of the last 24 hours by hour, oldest first.
    pub hours: Vec<Hour>,
}

/// Deliveries of one hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hour {
    /// Successful deliveries.
    pub delivered: i64,
    /// Deliveries whose last attempt failed, whether or not they are retried.
    pub failed: i64,
}

/// Returns the health of all webhooks.
pub async fn health(db: &PgPool, now: Timestamp) -> Result<HashMap<WebhookId, Health>, Error> {
    let mut all: HashMap<WebhookId, Health> = HashMap::new();
    let rows = sqlx::query!(
        r#"select w.id, w.paused_because,
                  good.created_at as "last_delivered_at?",
                  bad.first_at as "failing_since?",
                  bad.last_error as "last_error?"
           from webhooks w
           left join lateral (
               select d.id, d.created_at from delivery_history d
               where d.webhook_id = w.id and d.state = 'delivered'
               order by d.id desc limit 1
           ) good on true
           left join lateral (
               select min(b.created_at) as first_at,
                      (array_agg(b.last_error order by b.id desc))[1] as last_error
               from (
                   select d.id, d.created_at, d.last_error from deliveries d
                   where d.webhook_id = w.id and d.last_error is not null
                     and d.state <> 'delivered' and (good.id is null or d.id > good.id)
                   order by d.id limit 1000
               ) b
           ) bad on true
           where w.deleted_at is null"#
    )
    .fetch_all(db)
    .await?;
    for row in rows {
        let health = all.entry(row.id.into()).or_default();
        health.last_delivered_at = row.last_delivered_at;
        health.failing_since = row.failing_since;
        health.last_error = row.last_error;
        health.paused_because = row.paused_because;
        health.hours = vec![Hour::default(); 24];
    }
    count_hours(db, now, &mut all).await?;
    Ok(all)
}

async fn count_hours(
    db: &PgPool,
    now: Timestamp,
    all: &mut HashMap<WebhookId, Health>,
) -> Result<(), Error> {
    let since = now - chrono::TimeDelta::hours(24);
    let first = first_uuid_at(since);
    let rows = sqlx::query!(
        r#"select d.webhook_id as "webhook_id!",
                  floor(extract(epoch from d.created_at - $2) / 3600)::int as "hour!",
                  count(*) filter (where d.state = 'delivered') as "delivered!",
                  count(*) filter (where d.state <> 'delivered') as "failed!"
           from deliveries d
           where d.id >= $1 and d.created_at >= $2
             and (d.state = 'delivered' or (d.last_error is not null and d.state <> 'cancelled'))
           group by 1, 2"#,
        first,
        since
    )
    .fetch_all(db)
    .await?;
    for row in rows {
        let hour = usize::try_from(row.hour).unwrap_or_default().min(23);
        if let Some(entry) =
            all.get_mut(&row.webhook_id.into()).and_then(|health| health.hours.get_mut(hour))
        {
            *entry = Hour { delivered: row.delivered, failed: row.failed };
        }
    }
    Ok(())
}

/// Returns the smallest `UUIDv7` of a timestamp. Greater ids were created then or later.
pub(super) fn first_uuid_at(time: Timestamp) -> Uuid {
    let millis = u128::try_from(time.timestamp_millis()).unwrap_or_default();
    Uuid::from_u128(millis << 80)
}
