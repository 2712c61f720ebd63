//! Keeps what is in hand, takes over what others let go, and lets the next of a lane go.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::Shared;
use crate::model::Timestamp;
use crate::store::Error;
use crate::store::deliveries::leases;
use crate::store::deliveries::queue::LEASE;

/// Between looks for heads of lanes that nobody made due. They are rare: see `leases::promote`.
const PROMOTE: Duration = Duration::from_secs(1);

/// Renews the leases of what is in hand, and takes over what nobody renewed.
pub(super) async fn keep(shared: Arc<Shared>) {
    let deps = &shared.deps;
    let mut tick = tokio::time::interval(LEASE / 4);
    let mut suspects = HashSet::new();
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => break,
            _instant = tick.tick() => {}
        }
        let held = shared.flight.held();
        let now = deps.sources.now();
        if !held.is_empty()
            && let Err(error) = leases::renew(&deps.db, shared.lease, now, &held).await
        {
            tracing::warn!(error = error.chain(), "leases could not be renewed");
        }
        match reap(&shared, now, &mut suspects).await {
            Ok(0) => {}
            Ok(count) => {
                tracing::info!(count, "took over deliveries whose holder is gone");
                shared.note_backlog(shared.routing.ids());
                shared.wake.notify_one();
            }
            Err(error) => {
                tracing::warn!(error = error.chain(), "expired leases could not be freed");
            }
        }
    }
}

/// Takes over from leases that were found run out twice in a row. A clock that steps makes all of
/// them look so at once; whoever lives has renewed by the second look.
async fn reap(shared: &Shared, now: Timestamp, suspects: &mut HashSet<Uuid>) -> Result<u64, Error> {
    let expired = leases::expired(&shared.deps.db, now).await?;
    let (lost, new): (Vec<Uuid>, Vec<Uuid>) =
        expired.into_iter().partition(|lease| suspects.contains(lease));
    *suspects = new.into_iter().collect();
    if lost.is_empty() { Ok(0) } else { leases::reap(&shared.deps.db, now, &lost).await }
}

/// Lets go what waits at the head of its lane: at once after something came in that waits, and now
/// and then.
pub(super) async fn promote(shared: Arc<Shared>) {
    let deps = &shared.deps;
    let mut tick = tokio::time::interval(PROMOTE);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => break,
            _instant = tick.tick() => {}
            () = shared.lined_up.notified() => {}
        }
        match leases::promote(&deps.db, deps.sources.now()).await {
            Ok(0) => {}
            Ok(_) => {
                shared.note_backlog(shared.routing.ids());
                shared.wake.notify_one();
            }
            Err(error) => tracing::warn!(error = error.chain(), "lanes could not be looked at"),
        }
    }
}
