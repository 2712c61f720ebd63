//! Keeps what is in hand, takes over what others let go, and lets the next of a lane go.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::MissedTickBehavior;

use super::Shared;
use super::lined_up::Wave;
use crate::model::Timestamp;
use crate::store::Error;
use crate::store::deliveries::leases::{self, Kept};
use crate::store::deliveries::queue::{HEAD_KEY, LEASE};

/// Found unrenewed in so many looks in a row, a lease is lost: by then it has run out, and who lives
/// would have had time for two renewals.
const LOOKS: u32 = 3;
/// No renewal reaches further than a lease and what clocks may well differ by.
const SKEW: Duration = Duration::from_secs(5);
/// Between looks for heads of lanes that nobody made due.
const PROMOTE: Duration = Duration::from_secs(1);
/// Between looks at all that waits, for what an instance did not live to look for.
const PROMOTE_ALL: Duration = Duration::from_mins(10);

/// Renews the leases of what is in hand, and takes over what nobody renewed.
pub(super) async fn keep(shared: Arc<Shared>) {
    let deps = &shared.deps;
    let mut tick = tokio::time::interval(LEASE / 4);
    let mut suspects = HashMap::new();
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            // Exchanges go on for a while after a stop.
            () = shared.landed() => break,
            _instant = tick.tick() => {}
        }
        shared.flight.end_period();
        let held = shared.flight.held();
        let now = deps.sources.now();
        if !held.is_empty()
            && let Err(error) = leases::renew(&deps.db, shared.lease, now, &held).await
        {
            tracing::warn!(error = error.chain(), "leases could not be renewed");
        }
        if shared.stop.is_cancelled() {
            continue;
        }
        match reap(&shared, now, &mut suspects).await {
            Ok(0) => {}
            Ok(count) => {
                tracing::info!(count, "took over deliveries whose holder is gone");
                shared.lined_up.note_all();
                shared.note_backlog(shared.routing.ids());
            }
            Err(error) => {
                tracing::warn!(error = error.chain(), "expired leases could not be freed");
            }
        }
    }
}

/// Takes over from leases that nobody renews. Clocks that step, or differ from one instance to the next,
/// make leases look old that are not, or good for hours when their holder is gone: so what the row says
/// only makes them suspects, and what counts is whether they stay as they are.
async fn reap(
    shared: &Shared,
    now: Timestamp,
    suspects: &mut HashMap<Kept, u32>,
) -> Result<u64, Error> {
    let db = &shared.deps.db;
    // Less than half a lease is left of what has missed a renewal.
    let seen = leases::suspects(db, now + LEASE / 2, now + LEASE + SKEW).await?;
    let looks = |kept| suspects.get(kept).copied().unwrap_or_default() + 1;
    *suspects = seen.iter().map(|kept| (*kept, looks(kept))).collect();
    let lost: Vec<Kept> =
        seen.into_iter().filter(|kept| suspects.get(kept) >= Some(&LOOKS)).collect();
    if lost.is_empty() { Ok(0) } else { leases::reap(db, now, &lost).await }
}

/// Lets go what waits at the head of its lane: see [`super::lined_up`].
pub(super) async fn promote(shared: Arc<Shared>) {
    let mut tick = tokio::time::interval(PROMOTE);
    let mut all = tokio::time::interval(PROMOTE_ALL);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let may_be_all = tokio::select! {
            () = shared.stop.cancelled() => break,
            _instant = all.tick() => {
                shared.lined_up.note_all();
                continue;
            }
            _instant = tick.tick() => true,
            () = shared.lined_up.noted() => false,
        };
        let waves = shared.lined_up.take(Instant::now(), may_be_all);
        if waves.is_empty() {
            continue;
        }
        let looked = look_at(&shared, &waves).await;
        shared.lined_up.put_back(waves, looked.is_ok());
        match looked {
            Ok(0) => {}
            Ok(_) => shared.note_backlog(shared.routing.ids()),
            // A head came in at this very moment.
            Err(error) if error.is_conflict(HEAD_KEY) => {}
            Err(error) => tracing::warn!(error = error.chain(), "lanes could not be looked at"),
        }
    }
}

async fn look_at(shared: &Shared, waves: &[Wave]) -> Result<u64, Error> {
    let deps = &shared.deps;
    let mut lanes = Vec::new();
    if waves.iter().any(|wave| wave.lanes.is_none()) {
        lanes = leases::headless(&deps.db).await?;
    }
    lanes.extend(waves.iter().filter_map(|wave| wave.lanes.as_deref()).flatten());
    if lanes.is_empty() {
        Ok(0)
    } else {
        leases::promote(&deps.db, deps.sources.now(), &lanes).await
    }
}
