//! From a received event to a recorded invocation: intake, dispatch and completion.
//!
//! PostgreSQL is the queue. An event and its deliveries are committed in one transaction before the sender gets a
//! response. Every delivery that an instance holds is leased, so that other instances take over the deliveries of a
//! killed one. See `docs/architecture.md`.

mod attempt;
mod attempt_metrics;
mod audit_forwarding;
mod authorize;
mod auto_pause;
mod breaker_updates;
mod bulk_changes;
mod change_listener;
mod circuit_breakers;
mod claim;
mod clock_watch;
mod completion;
mod dispatch_queue;
mod event_budget;
mod figures;
mod filter_values;
mod housekeeping;
mod instances;
mod intake;
mod lane_rechecks;
mod latencies;
mod leases;
mod live_updates;
mod metrics_upkeep;
mod planner;
mod rate_limits;
mod redelivery;
mod redelivery_results;
mod replay;
mod router;
mod sample_requests;
mod shared;
mod webhook_ranks;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use uuid::Uuid;

pub use attempt::{AttemptRequest, attempt};
pub use authorize::AttemptContext;
pub use figures::{DispatcherFigures, WebhookFigures};
pub use intake::{Intake, IntakeError};
pub use live_updates::LiveReports;
pub use planner::{AcceptedEvent, SubmittedEvent, lane_of};
pub use router::{Route, Router};
pub use shared::Deps;

use crate::store::deliveries::leases as stored_leases;
use crate::store::{self, Error};
use shared::Shared;

/// How long attempts in flight may continue after a stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// Capacity of the channel of results.
const COMPLETION_CHANNEL_CAPACITY: usize = 1024;

/// The running dispatcher of this instance.
#[derive(Debug, Clone)]
pub struct Dispatcher {
    shared: Arc<Shared>,
    intake: Intake,
}

impl Dispatcher {
    /// Starts all tasks.
    ///
    /// # Errors
    /// If the webhooks cannot be read, or were encrypted with another master key.
    pub async fn start(deps: Deps) -> Result<Self, Error> {
        let router = Router::default();
        router.reload(&deps.db, &deps.vault).await?;
        housekeeping::run_once(&deps).await?;
        let (sender, completions) = mpsc::channel(COMPLETION_CHANNEL_CAPACITY);
        let shared = Arc::new(Shared::new(deps, router, sender));
        shared.breakers.refresh(&shared.deps.db).await?;
        let intake = Intake::start(&shared);
        let tracker = &shared.tracker;
        tracker.spawn(completion::run(Arc::clone(&shared), completions));
        tracker.spawn(claim::run(Arc::clone(&shared)));
        tracker.spawn(leases::run(Arc::clone(&shared)));
        tracker.spawn(leases::promote(Arc::clone(&shared)));
        tracker.spawn({
            let (limits, db) = (Arc::clone(&shared.rate_limits), shared.deps.db.clone());
            let (stop, shared) = (shared.stop.clone(), Arc::clone(&shared));
            rate_limits::run(limits, db, stop, move || worker::start(&shared))
        });
        tracker.spawn(change_listener::run(Arc::clone(&shared)));
        tracker.spawn(live_updates::run(
            Arc::clone(&shared.live),
            shared.deps.db.clone(),
            shared.stop.clone(),
        ));
        tracker.spawn({
            let shared = Arc::clone(&shared);
            async move {
                let (deps, drained) = (&shared.deps, shared.drained());
                latencies::run(&shared.latencies, &deps.background, &deps.sources, drained).await;
            }
        });
        tracker.spawn(redelivery::run(Arc::clone(&shared)));
        tracker.spawn(replay::run(Arc::clone(&shared)));
        tracker.spawn(audit_forwarding::run(Arc::clone(&shared), intake.clone()));
        tracker.spawn(sample_requests::run(Arc::clone(&shared), intake.clone()));
        tracker.spawn(bulk_changes::run(Arc::clone(&shared)));
        tracker.spawn(housekeeping::run(Arc::clone(&shared)));
        tracker.spawn(instances::run(Arc::clone(&shared)));
        tracker.spawn(filter_values::run(Arc::clone(&shared)));
        tracker.spawn(webhook_ranks::run(Arc::clone(&shared)));
        tracker.spawn(clock_watch::run(Arc::clone(&shared)));
        tracker.spawn(metrics_upkeep::run(shared.deps.metrics.clone(), shared.stop.clone()));
        Ok(Self { shared, intake })
    }

    /// Returns the id of this instance, which is also that of its leases.
    pub fn instance_id(&self) -> Uuid {
        self.shared.lease_id
    }

    /// Returns the intake of events.
    pub fn intake(&self) -> &Intake {
        &self.intake
    }

    /// Returns what this instance holds, for monitoring.
    pub fn figures(&self) -> DispatcherFigures {
        figures::read(&self.shared)
    }

    /// Returns reports of changes to a page.
    pub fn live_reports(&self) -> LiveReports {
        self.shared.live.subscribe()
    }

    /// Applies a committed change of webhooks that was made on this instance. See
    /// [`notify_webhooks`](crate::store::notify::notify_webhooks).
    ///
    /// # Errors
    /// If the webhooks cannot be read.
    pub async fn apply_change(&self, change: Uuid) -> Result<(), Error> {
        self.shared.apply_change(change).await
    }

    /// Stops: claims no more deliveries, waits a while for attempts in flight, hands back all other deliveries.
    pub async fn stop(self) {
        let Shared { deps, lease_id, stop, tracker, .. } = &*self.shared;
        stop.cancel();
        tracker.close();
        if tokio::time::timeout(STOP_TIMEOUT, tracker.wait()).await.is_err() {
            tracing::warn!("aborted attempts at the stop; they will be retried");
        }
        match stored_leases::give_back(&deps.db, *lease_id).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "handed back deliveries"),
            Err(error) => {
                tracing::warn!(
                    error = error.chain(),
                    "could not hand back deliveries; their leases will expire"
                );
            }
        }
        store::close(&deps.background).await;
        store::close(&deps.db).await;
    }
}
