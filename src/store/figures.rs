//! Figures for monitoring. Every statement is cheap, however long the history is: none reads it.

use super::{Error, PgPool, QUICK_TIMEOUT, within};
use crate::model::Timestamp;

/// Maximum number of unfinished deliveries that are read to count them. It takes about 100 ms.
const MAX_COUNTED: i64 = 500_000;

/// The unfinished deliveries of all instances, by state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueFigures {
    /// Due now.
    pub due: i64,
    /// Due later: they are retried.
    pub scheduled: i64,
    /// Held by an instance.
    pub leased: i64,
    /// Held back until their webhook is active again.
    pub held: i64,
    /// Behind another delivery of their lane.
    pub waiting: i64,
    /// Since when the first delivery is due. `None` if none is.
    pub oldest_due_at: Option<Timestamp>,
}

/// Counts the unfinished deliveries, up to [`MAX_COUNTED`].
pub async fn queue(db: &PgPool, now: Timestamp) -> Result<QueueFigures, Error> {
    let query = sqlx::query_as!(
        QueueFigures,
        r#"select count(*) filter (where state = 'due' and due_at <= $1) as "due!",
                  count(*) filter (where state = 'due' and due_at > $1) as "scheduled!",
                  count(*) filter (where state = 'leased') as "leased!",
                  count(*) filter (where state = 'held') as "held!",
                  count(*) filter (where state = 'waiting') as "waiting!",
                  min(due_at) filter (where state = 'due' and due_at <= $1) as oldest_due_at
           from (select state, due_at from delivery_queue limit $2) q"#,
        now,
        MAX_COUNTED
    );
    within(db, QUICK_TIMEOUT, query.fetch_one(db)).await
}

/// Returns the size of the database on disk, in bytes. PostgreSQL asks the file system for the size of each file.
pub async fn size(db: &PgPool) -> Result<i64, Error> {
    let query = sqlx::query_scalar!(r#"select pg_database_size(current_database()) as "size!""#);
    within(db, QUICK_TIMEOUT, query.fetch_one(db)).await
}

/// The connections of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolFigures {
    /// Open connections.
    pub size: u32,
    /// Those that are not in use.
    pub idle: u32,
    /// Maximum number of open connections.
    pub max: u32,
}

/// Counts the connections of a pool.
pub fn pool(db: &PgPool) -> PoolFigures {
    let size = db.size();
    let idle = u32::try_from(db.num_idle()).unwrap_or(u32::MAX).min(size);
    PoolFigures { size, idle, max: db.options().get_max_connections() }
}
