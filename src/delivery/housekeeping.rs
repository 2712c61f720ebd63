//! What must be done now and then: make partitions ahead, forget what no longer counts.

use std::sync::Arc;
use std::time::Duration;

use chrono::{NaiveDate, TimeDelta};

use super::{Deps, Shared};
use crate::model::Timestamp;
use crate::store::deliveries::manual;
use crate::store::{Error, PgPool, events, filter_values, partitions, revisions, sessions, within};

const EVERY: Duration = Duration::from_hours(1);
/// How often it is looked for connections that nobody uses.
const LOOK_AT_CONNECTIONS: Duration = Duration::from_secs(15);
/// Longer than any of it takes; what is left undone is done the next time.
const LONGEST: Duration = Duration::from_mins(10);
/// Between two days that are dropped, so that whoever inserts comes in between.
const BETWEEN_DROPS: Duration = Duration::from_millis(100);
/// So often a day in use is tried again.
const PATIENCE: u32 = 50;
/// Partitions exist so many days ahead.
const DAYS_AHEAD: i64 = 7;

/// Does it once.
pub(super) async fn run_once(deps: &Deps) -> Result<(), Error> {
    let now = deps.sources.now();
    let today = now.date_naive();
    let kept = TimeDelta::days(deps.retention_days.into());
    let work = async {
        partitions::ensure(&deps.db, today, today + TimeDelta::days(DAYS_AHEAD)).await?;
        let mut connection = deps.db.acquire().await?;
        events::prune_keys(&mut connection, now).await?;
        manual::forget(&mut connection, now - kept).await?;
        revisions::forget_deleted(&mut connection).await?;
        drop(connection);
        filter_values::forget(&deps.db, now - kept).await?;
        sessions::prune(&deps.db, now).await?;
        forget(&deps.db, now - kept).await
    };
    within(&deps.db, LONGEST, work).await
}

/// Deletes what is kept long enough: what fits no day, and days as a whole.
async fn forget(db: &PgPool, before: Timestamp) -> Result<(), Error> {
    let others = partitions::forget_others(db, before).await?;
    if others > 0 {
        tracing::info!(others, "deleted what is kept long enough and fits no day");
    }
    drop_days(db, before.date_naive()).await
}

/// A day that is being read is left for the next time.
async fn drop_days(db: &PgPool, before: NaiveDate) -> Result<(), Error> {
    let mut pause = tokio::time::interval(BETWEEN_DROPS);
    let mut refused = 0;
    while refused < PATIENCE {
        pause.tick().await;
        match partitions::drop_oldest(db, before).await {
            Ok(None) => return Ok(()),
            Ok(Some(dropped)) => tracing::info!(dropped, "dropped a day that is kept long enough"),
            Err(error) if error.is_unavailable() => return Err(error),
            Err(error) => {
                refused += 1;
                tracing::debug!(error = error.chain(), "a day is in use; tries again");
            }
        }
    }
    tracing::warn!("days that are kept long enough are still in use; tries again in an hour");
    Ok(())
}

/// Does it every hour until stopped, and closes connections that nobody uses.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut tick = tokio::time::interval(EVERY);
    let mut look = tokio::time::interval(LOOK_AT_CONNECTIONS);
    tick.tick().await;
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            _instant = look.tick() => {
                shared.deps.client.close_idle();
                continue;
            }
            _instant = tick.tick() => {}
        }
        if let Err(error) = run_once(&shared.deps).await {
            tracing::warn!(error = error.chain(), "housekeeping failed; tries again in an hour");
        }
    }
}
