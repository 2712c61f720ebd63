//! Figures for the checks of the installation. No statement reads the history or a long queue.

use std::collections::HashMap;

use chrono::TimeDelta;

use super::hours::hour_of;
use super::webhook_health::first_uuid_at;
use super::{Error, PgPool, QUICK_TIMEOUT, SLOW_TIMEOUT, within};
use crate::model::breaker::FAILURES_TO_OPEN;
use crate::model::delivery::DeliveryState;
use crate::model::{Timestamp, WebhookId};

/// Maximum number of rows that are counted.
pub const MAX_COUNTED: i64 = 100_000;
/// Maximum number of webhooks that are listed.
pub const MAX_WEBHOOKS: usize = 50;
/// Maximum number of names that a check lists.
const MAX_NAMED: i64 = 5;

/// The database server.
#[derive(Debug, Clone)]
pub struct DatabaseServer {
    /// Its version, such as `16.4`.
    pub version: String,
    /// The time by its clock.
    pub time: Timestamp,
    /// Its address. `None` for a socket on this machine.
    pub address: Option<String>,
    /// Whether the connection is encrypted.
    pub is_encrypted: bool,
}

/// Returns facts about the server.
pub async fn server(db: &PgPool) -> Result<DatabaseServer, Error> {
    let query = sqlx::query_as!(
        DatabaseServer,
        r#"select split_part(current_setting('server_version'), ' ', 1) as "version!",
                  clock_timestamp() as "time!", host(inet_server_addr()) as address,
                  coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false) as "is_encrypted!""#
    );
    within(db, QUICK_TIMEOUT, query.fetch_one(db)).await
}

/// The unfinished deliveries.
#[derive(Debug, Clone, Default)]
pub struct Queue {
    /// Their number by state. Together at most [`MAX_COUNTED`].
    pub counts: HashMap<DeliveryState, i64>,
    /// Since when the oldest due delivery has waited. Those of webhooks with an open circuit breaker do not count, because
    /// they wait for a probe.
    pub oldest_due: Option<Timestamp>,
}

impl Queue {
    /// Returns the number of deliveries.
    pub fn total(&self) -> i64 {
        self.counts.values().sum()
    }

    /// Returns the number in a state.
    pub fn count(&self, state: DeliveryState) -> i64 {
        self.counts.get(&state).copied().unwrap_or_default()
    }
}

/// Returns figures about the unfinished deliveries.
pub async fn queue(db: &PgPool, now: Timestamp) -> Result<Queue, Error> {
    let count = sqlx::query!(
        r#"select state, count(*) as "count!"
           from (select state from delivery_queue limit $1) as counted group by state"#,
        MAX_COUNTED
    );
    let rows = within(db, SLOW_TIMEOUT, count.fetch_all(db)).await?;
    let counts = rows
        .iter()
        .filter_map(|row| Some((DeliveryState::from_name(&row.state)?, row.count)))
        .collect();
    // Goes from one webhook to the next in the index of due deliveries.
    let oldest = sqlx::query_scalar!(
        r#"with recursive head as (
               (select webhook_id, due_at from delivery_queue
                where state = 'due' order by webhook_id, due_at limit 1)
               union all
               select next.webhook_id, next.due_at
               from head cross join lateral (
                   select webhook_id, due_at from delivery_queue
                   where state = 'due' and webhook_id > head.webhook_id
                   order by webhook_id, due_at limit 1) as next
           )
           select min(head.due_at) from head
           where head.due_at <= $1 and not exists (
               select from webhook_breakers b
               where b.webhook_id = head.webhook_id and b.failures >= $2)"#,
        now,
        FAILURES_TO_OPEN
    );
    let oldest_due = within(db, SLOW_TIMEOUT, oldest.fetch_one(db)).await?;
    Ok(Queue { counts, oldest_due })
}

/// Attempts of all webhooks within an hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HourTotals {
    /// Delivered.
    pub delivered: i64,
    /// Failed for good.
    pub failed: i64,
    /// Failed, and are retried.
    pub retried: i64,
}

/// The last two hours of the clock.
#[derive(Debug, Clone)]
pub struct RecentHours {
    /// The start of the current hour.
    pub started_at: Timestamp,
    /// Attempts of the current hour.
    pub current: HourTotals,
    /// Attempts of the hour before.
    pub previous: HourTotals,
}

/// Returns the totals of the last two hours, from the roll-ups.
pub async fn recent_hours(db: &PgPool, now: Timestamp) -> Result<RecentHours, Error> {
    let started_at = hour_of(now);
    let previous = started_at - TimeDelta::hours(1);
    let query = sqlx::query!(
        r#"select hour, sum(delivered)::int8 as "delivered!", sum(failed)::int8 as "failed!",
                  sum(retried)::int8 as "retried!"
           from webhook_hours where hour between $1 and $2 group by hour"#,
        previous,
        started_at
    );
    let rows = within(db, SLOW_TIMEOUT, query.fetch_all(db)).await?;
    let totals = |hour| {
        let row = rows.iter().find(|row| row.hour == hour);
        row.map_or_else(HourTotals::default, |row| HourTotals {
            delivered: row.delivered,
            failed: row.failed,
            retried: row.retried,
        })
    };
    Ok(RecentHours { started_at, current: totals(started_at), previous: totals(previous) })
}

/// Returns the number of events received since a time, at most [`MAX_COUNTED`].
pub async fn count_events_since(db: &PgPool, since: Timestamp) -> Result<i64, Error> {
    let query = sqlx::query_scalar!(
        r#"select count(*) as "count!" from (select from events where id >= $1 limit $2) as counted"#,
        first_uuid_at(since),
        MAX_COUNTED
    );
    within(db, SLOW_TIMEOUT, query.fetch_one(db)).await
}

/// Webhooks with a problem: their number, and the first [`MAX_WEBHOOKS`].
#[derive(Debug, Clone)]
pub struct Webhooks<T> {
    /// Number of all.
    pub count: i64,
    /// The first ones.
    pub first: Vec<T>,
}

/// A webhook whose circuit breaker is open.
#[derive(Debug, Clone)]
pub struct FailingWebhook {
    /// The webhook.
    pub id: WebhookId,
    /// Its name.
    pub name: String,
    /// Number of consecutive failures.
    pub failures: i32,
    /// Time of the first of them.
    pub failing_since: Timestamp,
    /// Time of the next probe.
    pub probe_at: Option<Timestamp>,
    /// The last error.
    pub last_error: String,
}

/// Returns the webhooks whose circuit breaker is open, those that have failed for the longest time first.
pub async fn failing_webhooks(db: &PgPool) -> Result<Webhooks<FailingWebhook>, Error> {
    let query = sqlx::query!(
        r#"select w.id, w.name, b.failures, b.failing_since, b.probe_at, b.last_error,
                  count(*) over () as "count!"
           from webhook_breakers b join webhooks w on w.id = b.webhook_id
           where b.failures >= $1 and w.active and w.deleted_at is null and w.paused_because is null
           order by b.failing_since, w.id limit $2"#,
        FAILURES_TO_OPEN,
        i64::try_from(MAX_WEBHOOKS).unwrap_or(i64::MAX)
    );
    let rows = within(db, QUICK_TIMEOUT, query.fetch_all(db)).await?;
    let count = rows.first().map_or(0, |row| row.count);
    let first = rows.into_iter().map(|row| FailingWebhook {
        id: row.id.into(),
        name: row.name,
        failures: row.failures,
        failing_since: row.failing_since,
        probe_at: row.probe_at,
        last_error: row.last_error,
    });
    Ok(Webhooks { count, first: first.collect() })
}

/// A webhook that Gatepost has paused.
#[derive(Debug, Clone)]
pub struct PausedWebhook {
    /// The webhook.
    pub id: WebhookId,
    /// Its name.
    pub name: String,
    /// Why it was paused.
    pub reason: String,
}

/// Returns the paused webhooks by name.
pub async fn paused_webhooks(db: &PgPool) -> Result<Webhooks<PausedWebhook>, Error> {
    let query = sqlx::query!(
        r#"select id, name, paused_because as "reason!", count(*) over () as "count!" from webhooks
           where paused_because is not null and deleted_at is null order by lower(name), id limit $1"#,
        i64::try_from(MAX_WEBHOOKS).unwrap_or(i64::MAX)
    );
    let rows = within(db, QUICK_TIMEOUT, query.fetch_all(db)).await?;
    let count = rows.first().map_or(0, |row| row.count);
    let first = rows.into_iter().map(|row| PausedWebhook {
        id: row.id.into(),
        name: row.name,
        reason: row.reason,
    });
    Ok(Webhooks { count, first: first.collect() })
}

/// Objects of one kind: their number, and the names of the first [`MAX_NAMED`].
#[derive(Debug, Clone)]
pub struct Named {
    /// Number of all.
    pub count: i64,
    /// Names of the first ones.
    pub first: Vec<String>,
}

/// Returns the webhooks that do not verify the certificates of their servers, by name.
pub async fn unverified_webhooks(db: &PgPool) -> Result<Named, Error> {
    let query = sqlx::query!(
        r#"select name, count(*) over () as "count!" from webhooks
           where unverified and deleted_at is null order by lower(name), id limit $1"#,
        MAX_NAMED
    );
    let rows = within(db, QUICK_TIMEOUT, query.fetch_all(db)).await?;
    let count = rows.first().map_or(0, |row| row.count);
    Ok(Named { count, first: rows.into_iter().map(|row| row.name).collect() })
}

/// Returns the tokens that do not expire within some days after they were created, by name.
pub async fn lasting_tokens(db: &PgPool, days: u16) -> Result<Named, Error> {
    // In hours, because a day of PostgreSQL depends on the time zone.
    let query = sqlx::query!(
        r#"select name, count(*) over () as "count!" from tokens
           where expires_at is null or expires_at > created_at + make_interval(hours => $1)
           order by lower(name) limit $2"#,
        24 * i32::from(days),
        MAX_NAMED
    );
    let rows = within(db, QUICK_TIMEOUT, query.fetch_all(db)).await?;
    let count = rows.first().map_or(0, |row| row.count);
    Ok(Named { count, first: rows.into_iter().map(|row| row.name).collect() })
}

/// The role with which the server connects.
#[derive(Debug, Clone)]
pub struct DatabaseRole {
    /// Its name.
    pub name: String,
    /// Whether it has the rights of the owner of the audit log.
    pub owns_audit_log: bool,
    /// Whether it has the rights of the owner of the database.
    pub owns_database: bool,
}

/// Returns what the role of the connection owns. A superuser owns everything.
pub async fn database_role(db: &PgPool) -> Result<DatabaseRole, Error> {
    let query = sqlx::query_as!(
        DatabaseRole,
        r#"select current_user::text as "name!",
                  pg_has_role(current_user, relowner, 'usage') as "owns_audit_log!",
                  pg_has_role(current_user, datdba, 'usage') as "owns_database!"
           from pg_class, pg_database
           where pg_class.oid = 'audit_log'::regclass and datname = current_database()"#
    );
    within(db, QUICK_TIMEOUT, query.fetch_one(db)).await
}
