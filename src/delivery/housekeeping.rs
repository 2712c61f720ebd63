//! Periodic maintenance: creates partitions, enforces retention, closes idle connections.

use std::sync::Arc;
use std::time::Duration;

use chrono::{NaiveDate, TimeDelta};

use super::shared::{Deps, Shared};
use crate::model::Timestamp;
use crate::store::deliveries::manual;
use crate::store::{
    Error, PgPool, audit, events, filter_values, hours, notifications, partitions, redeliveries,
    replays, sample_requests, sessions, within,
};

/// Time between two runs.
const RUN_INTERVAL: Duration = Duration::from_hours(1);
/// Time between checks for idle connections to targets.
const CLOSE_IDLE_INTERVAL: Duration = Duration::from_secs(15);
/// Timeout of a run. The next run does the rest.
const RUN_TIMEOUT: Duration = Duration::from_mins(10);
/// Time between two dropped partitions, so that inserts that wait for the lock can proceed.
const DROP_INTERVAL: Duration = Duration::from_millis(100);
/// Maximum attempts per run to drop partitions that are in use.
const MAX_DROP_FAILURES: u32 = 50;
/// Number of days for which partitions are created in advance.
const DAYS_AHEAD: i64 = 7;

/// Runs the maintenance once.
pub(super) async fn run_once(deps: &Deps) -> Result<(), Error> {
    let now = deps.sources.now();
    let today = now.date_naive();
    let expired_before = now - TimeDelta::days(deps.retention_days.into());
    let work = async {
        partitions::ensure(&deps.background, today, today + TimeDelta::days(DAYS_AHEAD)).await?;
        let mut connection = deps.background.acquire().await?;
        events::delete_expired_keys(&mut connection, now).await?;
        manual::delete_before(&mut connection, expired_before).await?;
        redeliveries::delete_before(&mut connection, expired_before).await?;
        replays::delete_before(&mut connection, expired_before).await?;
        sample_requests::delete_before(&mut connection, expired_before).await?;
        notifications::delete_before(&mut connection, expired_before).await?;
        hours::delete_before(&mut connection, expired_before).await?;
        drop(connection);
        filter_values::delete_before(&deps.background, expired_before).await?;
        sessions::delete_expired(&deps.background, now).await?;
        let audit_before = now - TimeDelta::days(deps.audit_retention_days.into());
        audit::prune(&deps.background, audit_before).await?;
        delete_expired(&deps.background, expired_before).await
    };
    within(&deps.background, RUN_TIMEOUT, work).await
}

/// Deletes expired rows: whole partitions, and rows in the default partitions.
async fn delete_expired(db: &PgPool, before: Timestamp) -> Result<(), Error> {
    let count = partitions::delete_from_default(db, before).await?;
    if count > 0 {
        tracing::info!(count, "deleted expired rows from default partitions");
    }
    drop_partitions(db, before.date_naive()).await
}

/// Drops expired partitions. Partitions that are being read are left to the next run.
async fn drop_partitions(db: &PgPool, before: NaiveDate) -> Result<(), Error> {
    let mut interval = tokio::time::interval(DROP_INTERVAL);
    let mut failures = 0;
    while failures < MAX_DROP_FAILURES {
        interval.tick().await;
        match partitions::drop_oldest(db, before).await {
            Ok(None) => return Ok(()),
            Ok(Some(dropped)) => tracing::info!(dropped, "dropped an expired partition"),
            Err(error) if error.is_unavailable() => return Err(error),
            Err(error) => {
                failures += 1;
                tracing::debug!(error = error.chain(), "could not drop a partition; retrying");
            }
        }
    }
    tracing::warn!("could not drop expired partitions that are in use; retrying in an hour");
    Ok(())
}

/// Runs the maintenance every hour until stopped, and closes idle connections.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut interval = tokio::time::interval(RUN_INTERVAL);
    let mut idle_interval = tokio::time::interval(CLOSE_IDLE_INTERVAL);
    // The first run was done at the start of the dispatcher.
    interval.tick().await;
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            _instant = idle_interval.tick() => {
                shared.deps.client.close_idle();
                continue;
            }
            _instant = interval.tick() => {}
        }
        if let Err(error) = run_once(&shared.deps).await {
            tracing::warn!(error = error.chain(), "housekeeping failed; retrying in an hour");
        }
    }
}
