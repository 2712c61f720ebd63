//! Roll-ups by hour, for charts. The counts of each webhook are written with the results of attempts, in
//! [`complete`](super::deliveries::complete::complete); the rest is added here.

use chrono::{DurationRound, TimeDelta};
use uuid::Uuid;

use super::transaction::begin;
use super::{Error, PgConnection, PgPool};
use crate::model::{LATENCY_BUCKETS, LatencyCounts, Timestamp, WebhookId};

/// What happened in one hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourCounts {
    /// The start of the hour.
    pub hour: Timestamp,
    /// Deliveries that succeeded.
    pub delivered: i64,
    /// Deliveries that failed for good.
    pub failed: i64,
    /// Attempts that failed and are retried.
    pub retried: i64,
    /// How long the attempts of the delivered ones took.
    pub latencies: LatencyCounts,
}

/// How long attempts that delivered took: of one webhook in one hour.
#[derive(Debug, Clone)]
pub struct WebhookLatencies {
    /// The webhook.
    pub webhook: WebhookId,
    /// The start of the hour.
    pub hour: Timestamp,
    /// The durations.
    pub counts: LatencyCounts,
}

/// Returns the start of the hour of a time.
pub fn hour_of(time: Timestamp) -> Timestamp {
    time.duration_trunc(TimeDelta::hours(1)).unwrap_or(time)
}

struct Row {
    hour: Timestamp,
    delivered: i64,
    failed: i64,
    retried: i64,
    latencies: Option<Vec<i32>>,
}

impl From<Row> for HourCounts {
    fn from(row: Row) -> Self {
        let Row { hour, delivered, failed, retried, latencies } = row;
        let latencies = LatencyCounts::from_stored(&latencies.unwrap_or_default());
        Self { hour, delivered, failed, retried, latencies }
    }
}

/// Returns the roll-ups of a webhook from an hour on, oldest first. Hours without attempts are missing.
pub async fn of_webhook(
    db: &PgPool,
    webhook: WebhookId,
    from: Timestamp,
) -> Result<Vec<HourCounts>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select h.hour, h.delivered, h.failed, h.retried, l.counts as "latencies?"
           from webhook_hours h left join latency_hours l on l.webhook_id = h.webhook_id and l.hour = h.hour
           where h.webhook_id = $1 and h.hour >= $2 order by h.hour"#,
        webhook.uuid(),
        from
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(HourCounts::from).collect())
}

/// Returns the roll-ups of all webhooks from an hour on, oldest first. Hours without attempts are missing. The newest
/// counts may be some seconds old.
pub async fn of_all(db: &PgPool, from: Timestamp) -> Result<Vec<HourCounts>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select hour, delivered, failed, retried, latencies as "latencies?" from all_hours
           where hour >= $1 order by hour"#,
        from
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(HourCounts::from).collect())
}

/// Adds latencies, and sums up the counts of all webhooks.
pub async fn write(
    db: &PgPool,
    latencies: &[WebhookLatencies],
    now: Timestamp,
) -> Result<(), Error> {
    let mut transaction = begin(db).await?;
    if !latencies.is_empty() {
        add_latencies(&mut transaction, latencies).await?;
    }
    sum_up(&mut transaction, now).await?;
    transaction.commit().await?;
    Ok(())
}

/// Adds latencies to the roll-ups of their webhooks and to those of all webhooks. Those of deleted webhooks are only in
/// the latter.
async fn add_latencies(db: &mut PgConnection, latencies: &[WebhookLatencies]) -> Result<(), Error> {
    let webhooks: Vec<Uuid> = latencies.iter().map(|one| one.webhook.uuid()).collect();
    let hours: Vec<Timestamp> = latencies.iter().map(|one| one.hour).collect();
    let counts: Vec<i32> =
        latencies.iter().flat_map(|one| one.counts.as_slice()).copied().collect();
    sqlx::query!(
        r#"with added as (
               select i.webhook_id, i.hour, ($3::int[])[(i.n - 1) * $4 + 1 : i.n * $4] as counts
               from unnest($1::uuid[], $2::timestamptz[]) with ordinality as i (webhook_id, hour, n)
           ),
           added_to_all as (
               insert into all_hours as a (hour, latencies)
               select hour, array_agg(sum order by bucket)
               from (select hour, bucket, sum(c.count)::int as sum
                     from added, unnest(counts) with ordinality as c (count, bucket) group by hour, bucket) s
               group by hour order by hour
               on conflict (hour) do update set latencies = (
                   select array_agg(coalesce(x.before, 0) + coalesce(x.more, 0) order by x.n)
                   from unnest(a.latencies, excluded.latencies) with ordinality as x (before, more, n))
           )
           insert into latency_hours as h (webhook_id, hour, counts)
           select webhook_id, hour, counts from added
           where exists (select from webhooks w where w.id = webhook_id)
           -- The order prevents deadlocks between instances.
           order by webhook_id, hour
           on conflict (webhook_id, hour) do update set counts = (
               select array_agg(coalesce(x.before, 0) + coalesce(x.more, 0) order by x.n)
               from unnest(h.counts, excluded.counts) with ordinality as x (before, more, n))"#,
        &webhooks,
        &hours,
        &counts,
        i64::try_from(LATENCY_BUCKETS).unwrap_or(i64::MAX) as _
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Sums up the counts of all webhooks: of the newest hours, or of all hours the first time. Sums never shrink, so that
/// they keep what a deleted webhook sent.
///
/// Hours in the future are from a clock that was set back, and do not count as the newest ones.
async fn sum_up(db: &mut PgConnection, now: Timestamp) -> Result<(), Error> {
    sqlx::query!(
        "insert into all_hours as a (hour, delivered, failed, retried)
         select hour, sum(delivered), sum(failed), sum(retried) from webhook_hours
         where hour >= coalesce((select max(hour) - interval '1 hour' from all_hours
                                 where delivered + failed + retried > 0 and hour <= $1),
                                '-infinity')
         group by hour order by hour
         on conflict (hour) do update
         set delivered = greatest(a.delivered, excluded.delivered),
             failed = greatest(a.failed, excluded.failed),
             retried = greatest(a.retried, excluded.retried)",
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes the roll-ups of hours before a time.
pub async fn delete_before(db: &mut PgConnection, before: Timestamp) -> Result<(), Error> {
    sqlx::query!("delete from webhook_hours where hour < $1", before).execute(&mut *db).await?;
    sqlx::query!("delete from latency_hours where hour < $1", before).execute(&mut *db).await?;
    sqlx::query!("delete from all_hours where hour < $1", before).execute(db).await?;
    Ok(())
}
