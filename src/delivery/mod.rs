//! From an event received to an exchange recorded: intake, dispatcher, completion.
//!
//! PostgreSQL is the queue. An event and its deliveries are committed in one transaction before
//! anybody is told that they were accepted; every delivery in hand is leased, so that what a killed
//! instance had is taken over. See `docs/architecture.md`.

mod attempt;
mod authorize;
mod breakers;
mod complete;
mod counted;
mod dispatch;
mod filter_values;
mod flight;
mod housekeeping;
mod intake;
mod leases;
mod lined_up;
mod listen;
mod pause;
mod rates;
mod routing;
mod send;
mod steps;

use std::collections::HashSet;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

pub use attempt::{AttemptContext, AttemptRequest, attempt};
pub use intake::{Accepted, Intake, IntakeError, Submitted, lane_of};
pub use routing::{Route, Routing};

use crate::egress::{Client, TokenClient};
use crate::model::webhook::{DeliveryPolicy, Rules};
use crate::model::{Sources, WebhookId};
use crate::store::deliveries::leases as stored_leases;
use crate::store::deliveries::queue::Completion;
use crate::store::{self, Error, PgPool};
use crate::vault::Vault;
use breakers::Breakers;
use flight::Flight;
use lined_up::LinedUp;
use rates::Rates;

/// How long exchanges may go on after a stop is asked for.
const SOFT_STOP: Duration = Duration::from_secs(10);

/// What the dispatcher works with.
#[derive(Debug, Clone)]
pub struct Deps {
    /// The database.
    pub db: PgPool,
    /// Opens webhooks.
    pub vault: Vault,
    /// Sends.
    pub client: Client,
    /// Obtains access tokens.
    pub tokens: TokenClient,
    /// Time and randomness.
    pub sources: Sources,
    /// What the operator allows.
    pub rules: Rules,
    /// How many days history is kept.
    pub retention_days: u16,
}

/// What the tasks of one instance share.
#[derive(Debug)]
pub(crate) struct Shared {
    deps: Deps,
    /// Marks what this instance has in hand.
    lease: Uuid,
    routing: Routing,
    flight: Flight,
    breakers: Breakers,
    rates: Rates,
    /// Webhooks that may have something due in the database.
    backlog: Mutex<HashSet<WebhookId>>,
    /// There may be something to claim.
    wake: Notify,
    lined_up: LinedUp,
    /// Many events are being stored, and their senders wait.
    coming_in: AtomicBool,
    stop: CancellationToken,
    tracker: TaskTracker,
    done: mpsc::Sender<Completion>,
}

impl Shared {
    /// The next job that may be sent now; none after a stop.
    fn next(&self) -> Option<send::Job> {
        if self.stop.is_cancelled() {
            return None;
        }
        self.flight.next(|webhook, in_flight| {
            let route = self.routing.find(webhook);
            // One that is gone is sent through, to be cancelled.
            let policy = route.as_ref().map(|route| route.webhook.delivery_policy());
            in_flight
                < policy
                    .map_or(DeliveryPolicy::DEFAULT_MAX_IN_FLIGHT, |policy| policy.max_in_flight)
                && self.rates.allow(webhook, policy.and_then(|policy| policy.rate_per_minute))
        })
    }

    /// Waits for a stop, and then until nothing is in flight or on its way into the database. What is
    /// only queued is not begun any more, and handed back in the end.
    async fn landed(&self) {
        self.stop.cancelled().await;
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        loop {
            tick.tick().await;
            self.flight.forget_queued();
            if self.flight.is_empty() {
                return;
            }
        }
    }

    fn backlogged(&self) -> MutexGuard<'_, HashSet<WebhookId>> {
        self.backlog.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Webhooks that may have something due in the database.
    fn backlog(&self) -> Vec<WebhookId> {
        self.backlogged().iter().copied().collect()
    }

    fn has_backlog(&self) -> bool {
        !self.backlogged().is_empty()
    }

    fn note_backlog(&self, webhooks: impl IntoIterator<Item = WebhookId>) {
        self.backlogged().extend(webhooks);
        self.wake.notify_one();
    }

    fn forget_backlog(&self, webhooks: impl Iterator<Item = WebhookId>) {
        let mut backlog = self.backlogged();
        for webhook in webhooks {
            backlog.remove(&webhook);
        }
    }
}

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
    /// Where the webhooks cannot be read, or were sealed with another master key.
    pub async fn start(deps: Deps) -> Result<Self, Error> {
        let routing = Routing::default();
        routing.reload(&deps).await?;
        housekeeping::run_once(&deps).await?;
        let lease = deps.sources.uuid();
        let (done, completions) = mpsc::channel(1024);
        let shared = Arc::new(Shared {
            deps,
            lease,
            routing,
            flight: Flight::default(),
            breakers: Breakers::default(),
            rates: Rates::default(),
            backlog: Mutex::default(),
            wake: Notify::new(),
            lined_up: LinedUp::default(),
            coming_in: AtomicBool::new(false),
            stop: CancellationToken::new(),
            tracker: TaskTracker::new(),
            done,
        });
        breakers::refresh(&shared).await?;
        let intake = Intake::start(&shared);
        let tracker = &shared.tracker;
        tracker.spawn(complete::run(Arc::clone(&shared), completions));
        tracker.spawn(dispatch::run(Arc::clone(&shared)));
        tracker.spawn(leases::keep(Arc::clone(&shared)));
        tracker.spawn(leases::promote(Arc::clone(&shared)));
        tracker.spawn(rates::run(Arc::clone(&shared)));
        tracker.spawn(listen::run(Arc::clone(&shared)));
        tracker.spawn(housekeeping::run(Arc::clone(&shared)));
        tracker.spawn(filter_values::run(Arc::clone(&shared)));
        tracker.spawn(steps::run(Arc::clone(&shared)));
        Ok(Self { shared, intake })
    }

    /// Where events come in.
    pub fn intake(&self) -> &Intake {
        &self.intake
    }

    /// Reads the webhooks anew, after one was changed here.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub async fn reload(&self) -> Result<(), Error> {
        self.shared.routing.reload(&self.shared.deps).await?;
        breakers::refresh(&self.shared).await?;
        self.shared.note_backlog(self.shared.routing.ids());
        Ok(())
    }

    /// Stops: claims nothing more, lets exchanges end for a while, hands back the rest.
    pub async fn stop(self) {
        let Shared { deps, lease, stop, tracker, .. } = &*self.shared;
        stop.cancel();
        tracker.close();
        if tokio::time::timeout(SOFT_STOP, tracker.wait()).await.is_err() {
            tracing::warn!("exchanges were cut off by the stop; they are tried again");
        }
        match stored_leases::give_back(&deps.db, *lease).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "deliveries handed back"),
            Err(error) => {
                tracing::warn!(%error, "deliveries in hand could not be handed back; their leases run out");
            }
        }
        store::close(&deps.db).await;
    }
}
