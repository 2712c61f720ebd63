//! Claims due deliveries from the database.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tracing::Instrument as _;
use uuid::Uuid;

use super::dispatch_queue::Job;
use super::event_budget::TrackedEvent;
use super::shared::Shared;
use super::{circuit_breakers, worker};
use crate::metrics::Statements;
use crate::model::WebhookId;
use crate::model::breaker::Breaker;
use crate::model::delivery::DeliveryState;
use crate::model::event::Event;
use crate::store::Error;
use crate::store::deliveries::claim::{self, Claimed};
use crate::store::deliveries::complete::Completion;

/// Maximum number of deliveries of one webhook in one claim.
const MAX_BATCH: usize = 256;
/// Maximum time between two claims. Retries become due without a notification.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How long a claim is delayed while many events are being stored. Their senders wait for a response, and claims and
/// attempts compete with them for CPU time. A webhook's backlog is still sent at [`MAX_BATCH`] deliveries per interval.
const BUSY_DELAY: Duration = Duration::from_millis(200);

/// Claims deliveries until stopped. When woken, looks at the webhooks with a known backlog. After [`POLL_INTERVAL`],
/// looks at all webhooks.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut busy_delay = tokio::time::interval(BUSY_DELAY);
    loop {
        let jitter = 0.9 + 0.2 * shared.deps.sources.fraction();
        let woken = tokio::select! {
            () = shared.stop.cancelled() => break,
            woken = tokio::time::timeout(POLL_INTERVAL.mul_f64(jitter), shared.wake.notified()) => woken,
        };
        if woken.is_err() {
            shared.note_backlog(shared.router.ids());
            if let Err(error) = shared.breakers.refresh(&shared.deps.db).await {
                tracing::warn!(error = error.chain(), "could not refresh circuit breakers");
            }
        }
        while !shared.stop.is_cancelled() {
            if shared.ingest_busy.load(Ordering::Relaxed) {
                busy_delay.reset();
                busy_delay.tick().await;
            }
            match claim_batch(&shared).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(error = error.chain(), "could not claim deliveries");
                    break;
                }
            }
        }
    }
}

/// Claims one batch. Returns false if there is no backlog or no capacity. Each claim returns deliveries or removes a
/// webhook from the backlog, so repeated calls end.
async fn claim_batch(shared: &Arc<Shared>) -> Result<bool, Error> {
    let limits = claim_limits(shared).await?;
    if limits.is_empty() {
        return Ok(false);
    }
    let (webhooks, counts): (Vec<Uuid>, Vec<i64>) = limits
        .iter()
        .map(|(webhook, limit)| (webhook.uuid(), i64::try_from(*limit).unwrap_or(1)))
        .unzip();
    let deps = &shared.deps;
    let now = deps.sources.now();
    let timer = deps.metrics.time(Statements::Claim);
    let claimed = claim::claim(&deps.db, shared.lease_id, now, &webhooks, &counts)
        .instrument(tracing::debug_span!("statements", group = Statements::Claim.as_str()))
        .await?;
    drop(timer);
    // A webhook with fewer deliveries than its limit has no more that are due.
    let mut counts: HashMap<WebhookId, usize> = HashMap::new();
    for one in &claimed {
        *counts.entry(one.webhook_id).or_default() += 1;
    }
    let is_exhausted = |(webhook, limit): &&(WebhookId, usize)| {
        counts.get(webhook).copied().unwrap_or_default() < *limit
    };
    if !counts.is_empty() {
        shared.live.record(counts.keys().copied());
    }
    shared.remove_backlog(limits.iter().filter(is_exhausted).map(|(webhook, _)| *webhook));
    let mut events = HashMap::new();
    for mut one in claimed {
        if let Some(payload) = one.payload.take()
            && let Ok(event) = Event::parse(&payload)
        {
            events.insert(one.event_id, shared.queue.track(event));
        }
        let event: Option<&Arc<TrackedEvent>> = events.get(&one.event_id);
        let event = event.map(|event| {
            if one.is_manual { shared.queue.track(event.as_manual()) } else { Arc::clone(event) }
        });
        enqueue(shared, &one, event).await;
    }
    // Drops the references before the jobs start, so that the last job of an event owns it.
    drop(events);
    worker::start(shared);
    Ok(true)
}

/// Returns how many deliveries of each webhook may be claimed: a single probe if its breaker is open and the probe is
/// due, and otherwise as many as there is capacity for.
async fn claim_limits(shared: &Shared) -> Result<Vec<(WebhookId, usize)>, Error> {
    let open: HashMap<WebhookId, Breaker> = shared.breakers.list_open().into_iter().collect();
    let backlog = shared.backlog();
    let (failing, healthy): (Vec<_>, Vec<_>) =
        backlog.into_iter().partition(|id| open.contains_key(id));
    let mut limits = shared.queue.claim_limits(&healthy, MAX_BATCH);
    let deps = &shared.deps;
    for webhook in failing {
        let Some(breaker) = open.get(&webhook) else { continue };
        let now = deps.sources.now();
        if circuit_breakers::claim_probe(&deps.db, webhook, breaker, now).await? {
            limits.push((webhook, 1));
        }
        // Not checked again before the next poll.
        shared.remove_backlog(std::iter::once(webhook));
    }
    Ok(limits)
}

async fn enqueue(shared: &Arc<Shared>, claimed: &Claimed, event: Option<Arc<TrackedEvent>>) {
    let Claimed { id, webhook_id, attempt, .. } = *claimed;
    // New events may have taken the capacity since the claim.
    let has_capacity = shared.queue.reserve_claimed(webhook_id);
    match event {
        Some(event) if has_capacity => {
            let event_id = claimed.event_id;
            shared.queue.push(Job { id, webhook_id, attempt, event_id, event });
        }
        Some(_) => {
            let back = Completion::unsent(id, webhook_id, attempt, DeliveryState::Due);
            worker::record(shared, back).await;
        }
        None => {
            tracing::error!(delivery.id = %id, "cancelled a delivery whose event is missing");
            if has_capacity {
                shared.queue.cancel_reservation(webhook_id);
            }
            let cancelled = Completion::unsent(id, webhook_id, attempt, DeliveryState::Cancelled);
            worker::record(shared, cancelled).await;
        }
    }
}
