//! From an event received to an exchange recorded: intake, dispatcher, completion.
//!
//! PostgreSQL is the queue. An event and its deliveries are committed in one transaction before
//! anybody is told that they were accepted; every delivery in hand is leased, so that what a killed
//! instance had is taken over. See `docs/architecture.md`.

mod attempt;
mod complete;
mod dispatch;
mod housekeeping;
mod intake;
mod lanes;
mod listen;
mod routing;
mod send;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

pub use attempt::{Subject, attempt};
pub use intake::{Accepted, Intake, IntakeError, Submitted};
pub use routing::{Route, Routing};

use crate::egress::Client;
use crate::model::Sources;
use crate::model::webhook::Rules;
use crate::store::{Error, PgPool, deliveries::queue};
use crate::vault::Vault;
use lanes::Lanes;

/// How long exchanges may go on after a stop is asked for.
const SOFT_STOP: Duration = Duration::from_secs(10);

/// What the engine works with.
#[derive(Debug, Clone)]
pub struct Deps {
    /// The database.
    pub db: PgPool,
    /// Opens webhooks.
    pub vault: Vault,
    /// Sends.
    pub client: Client,
    /// Time and randomness.
    pub sources: Sources,
    /// What the operator allows.
    pub rules: Rules,
}

/// What the tasks of one instance share.
#[derive(Debug)]
pub(crate) struct Shared {
    deps: Deps,
    /// Marks what this instance has in hand.
    lease: Uuid,
    routing: Routing,
    lanes: Lanes,
    /// There may be something to claim.
    wake: Notify,
    stop: CancellationToken,
    tracker: TaskTracker,
    done: mpsc::Sender<complete::Done>,
}

/// The running engine of this instance.
#[derive(Debug, Clone)]
pub struct Engine {
    shared: Arc<Shared>,
    intake: Intake,
}

impl Engine {
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
            lanes: Lanes::default(),
            wake: Notify::new(),
            stop: CancellationToken::new(),
            tracker: TaskTracker::new(),
            done,
        });
        let intake = Intake::start(&shared);
        let tracker = &shared.tracker;
        tracker.spawn(complete::run(Arc::clone(&shared), completions));
        tracker.spawn(dispatch::run(Arc::clone(&shared)));
        tracker.spawn(dispatch::keep_leases(Arc::clone(&shared)));
        tracker.spawn(listen::run(Arc::clone(&shared)));
        tracker.spawn(housekeeping::run(Arc::clone(&shared)));
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
        self.shared.wake.notify_one();
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
        match queue::give_back(&deps.db, *lease).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "deliveries handed back"),
            Err(error) => {
                tracing::warn!(%error, "deliveries in hand could not be handed back; their leases run out");
            }
        }
    }
}
