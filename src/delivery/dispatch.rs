//! Takes due deliveries in hand, and keeps them.

use std::sync::Arc;
use std::time::Duration;

use super::Shared;
use super::complete::Done;
use super::send::{self, Job};
use crate::model::Trigger;
use crate::model::delivery::DeliveryState;
use crate::store::Error;
use crate::store::deliveries::queue::{self, Claimed, LEASE};

/// Most deliveries in one claim.
const BATCH: usize = 100;
/// Retries come due without anybody telling: look at least so often.
const POLL: Duration = Duration::from_secs(1);

/// Claims until stopped.
pub(super) async fn run(shared: Arc<Shared>) {
    loop {
        let jitter = 0.9 + 0.2 * shared.deps.sources.fraction();
        tokio::select! {
            () = shared.stop.cancelled() => break,
            _woken = tokio::time::timeout(POLL.mul_f64(jitter), shared.wake.notified()) => {}
        }
        while !shared.stop.is_cancelled() {
            match claim(&shared).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(error = error.chain(), "nothing could be claimed");
                    break;
                }
            }
        }
    }
}

/// Takes one batch; false when there is nothing more to take, or no room.
async fn claim(shared: &Arc<Shared>) -> Result<bool, Error> {
    let limit = shared.lanes.free().min(BATCH);
    if limit == 0 {
        return Ok(false);
    }
    let deps = &shared.deps;
    let limit = i64::try_from(limit).unwrap_or(1);
    let full = shared.lanes.full();
    let claimed = queue::claim(&deps.db, shared.lease, deps.sources.now(), limit, &full).await?;
    let any = !claimed.is_empty();
    for one in claimed {
        take(shared, one).await;
    }
    Ok(any)
}

async fn take(shared: &Arc<Shared>, claimed: Claimed) {
    let Claimed { id, webhook_id, attempt, trigger, payload } = claimed;
    let parsed = (Trigger::from_word(&trigger), serde_json::from_str(&payload));
    let (Some(trigger), Ok(value)) = parsed else {
        tracing::error!(delivery.id = %id, "the event of a delivery is gone");
        return done(shared, send::hand_back(id, attempt, DeliveryState::Cancelled)).await;
    };
    match shared.lanes.take(webhook_id) {
        Some(slot) => {
            let payload_value = Arc::new(value);
            let job = Job {
                id,
                webhook_id,
                attempt,
                trigger,
                raw: payload,
                payload: payload_value,
                slot,
            };
            send::spawn(shared, job);
        }
        // The webhook's slots were taken by others of the same batch.
        None => done(shared, send::hand_back(id, attempt, DeliveryState::Due)).await,
    }
}

async fn done(shared: &Shared, completion: queue::Completion) {
    shared.lanes.hold(completion.id);
    if shared.done.send(Done { completion, slot: None }).await.is_err() {
        tracing::error!("nobody records deliveries any more");
    }
}

/// Renews the leases of what is in hand, and frees what others no longer hold.
pub(super) async fn keep_leases(shared: Arc<Shared>) {
    let deps = &shared.deps;
    let mut tick = tokio::time::interval(LEASE / 5);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => break,
            _instant = tick.tick() => {}
        }
        let held = shared.lanes.held();
        let now = deps.sources.now();
        if !held.is_empty()
            && let Err(error) = queue::renew(&deps.db, shared.lease, now, &held).await
        {
            tracing::warn!(%error, "leases could not be renewed");
        }
        match queue::reap(&deps.db, now).await {
            Ok(0) => {}
            Ok(count) => {
                tracing::info!(count, "took over deliveries whose holder is gone");
                shared.wake.notify_one();
            }
            Err(error) => tracing::warn!(%error, "expired leases could not be freed"),
        }
    }
}
