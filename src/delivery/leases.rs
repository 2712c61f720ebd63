//! Renews leases, takes over deliveries with expired leases, and promotes waiting deliveries of lanes without a head.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::MissedTickBehavior;

use super::lane_rechecks::Recheck;
use super::shared::Shared;
use crate::metrics::Statements;
use crate::model::Timestamp;
use crate::store::Error;
use crate::store::deliveries::leases::{self, HEAD_KEY, LEASE_DURATION, LeaseTerm};

/// Number of consecutive checks after which an unrenewed lease is taken over. By then it has expired, and a running
/// holder would have had time for two renewals.
const CHECKS_BEFORE_REAP: u32 = 3;
/// Maximum plausible difference between the clocks of two instances.
const MAX_CLOCK_SKEW: Duration = Duration::from_secs(5);
/// Time between re-checks of lanes.
const RECHECK_INTERVAL: Duration = Duration::from_secs(1);
/// Time between re-checks of all lanes, for those that an instance was killed before it could re-check.
const RECHECK_ALL_INTERVAL: Duration = Duration::from_mins(10);

/// Renews the leases of held deliveries and takes over expired ones, until the last attempt has finished.
pub(super) async fn run(shared: Arc<Shared>) {
    let deps = &shared.deps;
    let mut interval = tokio::time::interval(LEASE_DURATION / 4);
    let mut suspects = HashMap::new();
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            // Attempts in flight continue for a while after a stop.
            () = shared.drained() => break,
            _instant = interval.tick() => {}
        }
        shared.queue.end_period();
        let held = shared.queue.held();
        let now = deps.sources.now();
        let timer = deps.metrics.time(Statements::Leases);
        if !held.is_empty()
            && let Err(error) = leases::renew(&deps.db, shared.lease_id, now, &held).await
        {
            tracing::warn!(error = error.chain(), "could not renew leases");
        }
        if shared.stop.is_cancelled() {
            continue;
        }
        let reaped = reap(&shared, now, &mut suspects).await;
        drop(timer);
        match reaped {
            Ok(0) => {}
            Ok(count) => {
                deps.metrics.leases_taken_over(count);
                tracing::info!(count, "took over deliveries with expired leases");
                shared.lane_rechecks.schedule_all();
                shared.live.record(shared.router.ids());
                shared.note_backlog(shared.router.ids());
            }
            Err(error) => {
                tracing::warn!(error = error.chain(), "could not take over expired leases");
            }
        }
    }
}

/// Takes over deliveries whose leases are not renewed. Returns their number.
///
/// If a clock was set back, or the clocks of two instances differ, valid leases can look expired and leases of a killed
/// holder can look valid for hours. The stored expiry therefore only makes a lease suspect. It is taken over if it
/// stays unchanged over [`CHECKS_BEFORE_REAP`] checks.
async fn reap(
    shared: &Shared,
    now: Timestamp,
    suspects: &mut HashMap<LeaseTerm, u32>,
) -> Result<u64, Error> {
    let db = &shared.deps.db;
    // A lease that missed a renewal has less than half of its duration left.
    let (soon, late) = (now + LEASE_DURATION / 2, now + LEASE_DURATION + MAX_CLOCK_SKEW);
    let found = leases::suspects(db, soon, late).await?;
    let checks = |term| suspects.get(term).copied().unwrap_or_default() + 1;
    *suspects = found.iter().map(|term| (*term, checks(term))).collect();
    let is_lost = |term: &LeaseTerm| suspects.get(term) >= Some(&CHECKS_BEFORE_REAP);
    let lost: Vec<LeaseTerm> = found.into_iter().filter(is_lost).collect();
    if lost.is_empty() { Ok(0) } else { leases::reap(db, now, &lost).await }
}

/// Promotes waiting deliveries of lanes without a head until stopped. See [`super::lane_rechecks`].
pub(super) async fn promote(shared: Arc<Shared>) {
    let mut interval = tokio::time::interval(RECHECK_INTERVAL);
    let mut all_interval = tokio::time::interval(RECHECK_ALL_INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let include_all = tokio::select! {
            () = shared.stop.cancelled() => break,
            _instant = all_interval.tick() => {
                shared.lane_rechecks.schedule_all();
                continue;
            }
            _instant = interval.tick() => true,
            () = shared.lane_rechecks.added() => false,
        };
        let rechecks = shared.lane_rechecks.take_due(Instant::now(), include_all);
        if rechecks.is_empty() {
            continue;
        }
        let timer = shared.deps.metrics.time(Statements::Lanes);
        let checked = recheck(&shared, &rechecks).await;
        drop(timer);
        shared.lane_rechecks.put_back(rechecks, checked.is_ok());
        match checked {
            Ok(0) => {}
            Ok(_) => {
                shared.live.record(shared.router.ids());
                shared.note_backlog(shared.router.ids());
            }
            // A head was inserted at the same time. The re-check is repeated.
            Err(error) if error.is_conflict(HEAD_KEY) => {}
            Err(error) => tracing::warn!(error = error.chain(), "could not re-check lanes"),
        }
    }
}

async fn recheck(shared: &Shared, rechecks: &[Recheck]) -> Result<u64, Error> {
    let deps = &shared.deps;
    let mut lanes = Vec::new();
    if rechecks.iter().any(|recheck| recheck.lanes.is_none()) {
        lanes = leases::list_headless_lanes(&deps.db).await?;
    }
    lanes.extend(rechecks.iter().filter_map(|recheck| recheck.lanes.as_deref()).flatten());
    if lanes.is_empty() {
        Ok(0)
    } else {
        leases::promote(&deps.db, deps.sources.now(), &lanes).await
    }
}
