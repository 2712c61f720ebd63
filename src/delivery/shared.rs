//! The state shared by the tasks of one instance.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::authorize::AttemptContext;
use super::circuit_breakers::CircuitBreakers;
use super::dispatch_queue::{DispatchQueue, Job};
use super::lane_rechecks::LaneRechecks;
use super::latencies::Latencies;
use super::live_updates::LiveUpdates;
use super::rate_limits::RateLimits;
use super::router::Router;
use crate::egress::{Client, TokenClient};
use crate::metrics::Metrics;
use crate::model::webhook::{DeliveryPolicy, Rules};
use crate::model::{Sources, WebhookId};
use crate::store::deliveries::complete::Completion;
use crate::store::instances::InstanceInfo;
use crate::store::{Error, PgPool};
use crate::vault::Vault;

/// Time between checks whether the last attempt has finished.
const DRAIN_CHECK_INTERVAL: Duration = Duration::from_millis(20);

/// Dependencies of the dispatcher.
#[derive(Debug, Clone)]
pub struct Deps {
    /// The database.
    pub db: PgPool,
    /// Connections for work that may wait: what users start, and maintenance.
    pub background: PgPool,
    /// Decrypts webhooks.
    pub vault: Vault,
    /// Sends requests.
    pub client: Client,
    /// Obtains access tokens.
    pub tokens: TokenClient,
    /// Time and randomness.
    pub sources: Sources,
    /// Counts events, attempts and results.
    pub metrics: Metrics,
    /// What the operator allows.
    pub rules: Rules,
    /// What this instance reports about itself.
    pub instance: InstanceInfo,
    /// How many days history is kept.
    pub retention_days: u16,
    /// How many days entries of the audit log are kept.
    pub audit_retention_days: u16,
}

impl Deps {
    /// What attempts of all webhooks share.
    pub(super) fn attempt_context(&self) -> AttemptContext<'_> {
        AttemptContext {
            client: &self.client,
            tokens: &self.tokens,
            sources: &self.sources,
            rules: &self.rules,
        }
    }
}

/// The shared state.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) deps: Deps,
    /// The lease of the deliveries that this instance holds.
    pub(super) lease_id: Uuid,
    pub(super) router: Router,
    pub(super) queue: DispatchQueue,
    pub(super) breakers: CircuitBreakers,
    pub(super) rate_limits: Arc<RateLimits>,
    /// Webhooks that may have due deliveries in the database.
    backlog: Mutex<HashSet<WebhookId>>,
    /// Wakes the task that claims deliveries.
    pub(super) wake: Notify,
    /// Wakes the task that sends deliveries again.
    pub(super) wake_redelivery: Notify,
    /// Wakes the task that queues events of replays.
    pub(super) wake_replay: Notify,
    /// Wakes the task that sends events of sample access requests.
    pub(super) wake_samples: Notify,
    /// Wakes the task that applies bulk retries and cancellations.
    pub(super) wake_bulk_changes: Notify,
    pub(super) lane_rechecks: LaneRechecks,
    pub(super) latencies: Latencies,
    pub(super) live: Arc<LiveUpdates>,
    /// Whether many events are being stored, whose senders wait for the response.
    pub(super) ingest_busy: AtomicBool,
    pub(super) stop: CancellationToken,
    pub(super) tracker: TaskTracker,
    pub(super) completions: mpsc::Sender<Completion>,
}

impl Shared {
    pub(super) fn new(deps: Deps, router: Router, completions: mpsc::Sender<Completion>) -> Self {
        let lease_id = deps.sources.uuid();
        Self {
            deps,
            lease_id,
            router,
            queue: DispatchQueue::default(),
            breakers: CircuitBreakers::default(),
            rate_limits: Arc::default(),
            backlog: Mutex::default(),
            wake: Notify::new(),
            wake_redelivery: Notify::new(),
            wake_replay: Notify::new(),
            wake_samples: Notify::new(),
            wake_bulk_changes: Notify::new(),
            lane_rechecks: LaneRechecks::default(),
            latencies: Latencies::default(),
            live: Arc::default(),
            ingest_busy: AtomicBool::new(false),
            stop: CancellationToken::new(),
            tracker: TaskTracker::new(),
            completions,
        }
    }

    /// Returns the next job that may start now. `None` after a stop.
    pub(super) fn next_job(&self) -> Option<Job> {
        if self.stop.is_cancelled() {
            return None;
        }
        self.queue.next(|webhook, in_flight| {
            let route = self.router.find(webhook);
            // Jobs of a deleted webhook start too: the worker cancels them.
            let policy = route.as_ref().map(|route| route.webhook().delivery_policy());
            let max_in_flight =
                policy.map_or(DeliveryPolicy::DEFAULT_MAX_IN_FLIGHT, |policy| policy.max_in_flight);
            in_flight < max_in_flight
                && self
                    .rate_limits
                    .try_acquire(webhook, policy.and_then(|policy| policy.rate_per_minute))
        })
    }

    /// Waits for a stop, and then until all attempts in flight are finished and recorded. Queued jobs are discarded;
    /// their deliveries are handed back when the dispatcher ends.
    pub(super) async fn drained(&self) {
        self.stop.cancelled().await;
        let mut interval = tokio::time::interval(DRAIN_CHECK_INTERVAL);
        loop {
            interval.tick().await;
            self.queue.discard_queued();
            if self.queue.is_empty() {
                return;
            }
        }
    }

    /// Returns the webhooks that may have due deliveries in the database.
    pub(super) fn backlog(&self) -> Vec<WebhookId> {
        self.backlog.lock().iter().copied().collect()
    }

    pub(super) fn has_backlog(&self) -> bool {
        !self.backlog.lock().is_empty()
    }

    /// Records that webhooks may have due deliveries in the database.
    pub(super) fn note_backlog(&self, webhooks: impl IntoIterator<Item = WebhookId>) {
        self.backlog.lock().extend(webhooks);
        self.wake.notify_one();
    }

    pub(super) fn remove_backlog(&self, webhooks: impl Iterator<Item = WebhookId>) {
        let mut backlog = self.backlog.lock();
        for webhook in webhooks {
            backlog.remove(&webhook);
        }
    }

    /// Reads webhooks and circuit breakers after a change. Does nothing if this change was applied before.
    pub(super) async fn apply_change(&self, change: Uuid) -> Result<(), Error> {
        let Deps { db, vault, .. } = &self.deps;
        if self.router.apply_change(db, vault, change).await? {
            self.breakers.refresh(db).await?;
            self.note_backlog(self.router.ids());
        }
        Ok(())
    }

    /// Reads webhooks and circuit breakers after changes without an id.
    pub(super) async fn reload(&self) -> Result<(), Error> {
        let Deps { db, vault, .. } = &self.deps;
        self.router.reload(db, vault).await?;
        self.breakers.refresh(db).await?;
        self.note_backlog(self.router.ids());
        Ok(())
    }
}
