//! Accepts events. Requests that arrive while a transaction is in progress share the next one. Each gets its response
//! when its transaction is committed.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tracing::{Instrument as _, Span};

use super::planner::{AcceptedEvent, PlannedEvent, Planner, SubmittedEvent};
use super::shared::Shared;
use crate::metrics::Statements;
use crate::store::StickyConnection;

/// Number of events in one transaction after which no further request is added.
const MAX_BATCH: usize = 1000;
/// Maximum number of requests that wait for the transaction in progress.
const MAX_WAITING_REQUESTS: usize = 1024;
/// Number of events in one transaction from which on intake counts as busy: senders wait for each other.
const BUSY_BATCH: usize = 8;
/// Time without a request after which intake is no longer busy.
const IDLE_AFTER: Duration = Duration::from_millis(10);

/// Why events were not accepted. None of the request's events are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IntakeError {
    /// The database is unavailable. The sender should retry.
    #[error("the database is not available")]
    Unavailable,
    /// Gatepost is stopping. The sender should retry.
    #[error("the server is stopping")]
    Stopping,
}

type Reply = oneshot::Sender<Result<Vec<AcceptedEvent>, IntakeError>>;

struct Request {
    events: Vec<PlannedEvent>,
    reply: Reply,
    /// The span of the sender's request.
    span: Span,
}

/// Accepts events.
#[derive(Debug, Clone)]
pub struct Intake {
    shared: Arc<Shared>,
    requests: mpsc::Sender<Request>,
}

impl Intake {
    pub(super) fn start(shared: &Arc<Shared>) -> Self {
        let (sender, requests) = mpsc::channel(MAX_WAITING_REQUESTS);
        shared.tracker.spawn(run(Arc::clone(shared), requests));
        Self { shared: Arc::clone(shared), requests: sender }
    }

    /// Stores events and their deliveries, all or none. Returns once they are committed.
    ///
    /// # Errors
    /// If they could not be stored.
    pub async fn accept(
        &self,
        events: Vec<SubmittedEvent>,
    ) -> Result<Vec<AcceptedEvent>, IntakeError> {
        let (reply, response) = oneshot::channel();
        // Done here, in parallel with other requests, to keep the transactions short, which run one after another.
        let events =
            events.into_iter().map(|event| PlannedEvent::new(&self.shared.router, event)).collect();
        let request = Request { events, reply, span: Span::current() };
        self.requests.send(request).await.map_err(|_closed| IntakeError::Stopping)?;
        response.await.map_err(|_closed| IntakeError::Stopping)?
    }
}

async fn run(shared: Arc<Shared>, mut requests: mpsc::Receiver<Request>) {
    let mut connection = StickyConnection::default();
    loop {
        let first = tokio::select! {
            () = shared.stop.cancelled() => break,
            request = next_request(&shared, &mut requests) => request,
        };
        let Some(first) = first else { break };
        let mut count = first.events.len();
        let mut batch = vec![first];
        while count < MAX_BATCH
            && let Ok(next) = requests.try_recv()
        {
            count += next.events.len();
            batch.push(next);
        }
        shared.ingest_busy.store(count >= BUSY_BATCH, Ordering::Relaxed);
        let span = tracing::debug_span!("intake_batch", requests = batch.len(), events = count);
        for request in &batch {
            span.follows_from(request.span.id());
        }
        // Pinned, so that only a pointer moves into the span.
        let committing = pin!(commit_batch(&shared, &mut connection, batch));
        let committed = committing.instrument(span).await;
        if committed.is_err() {
            // Requests that waited during the failure should not wait for another timeout.
            while let Ok(next) = requests.try_recv() {
                respond(next.reply, Err(IntakeError::Unavailable));
            }
        }
    }
    // Dropping the remaining requests rejects them with `IntakeError::Stopping`.
    requests.close();
}

async fn next_request(shared: &Shared, requests: &mut mpsc::Receiver<Request>) -> Option<Request> {
    if shared.ingest_busy.load(Ordering::Relaxed) {
        if let Ok(request) = tokio::time::timeout(IDLE_AFTER, requests.recv()).await {
            return request;
        }
        shared.ingest_busy.store(false, Ordering::Relaxed);
    }
    requests.recv().await
}

/// Stores the events of several requests and responds to each.
///
/// # Errors
/// If the database is unavailable.
async fn commit_batch(
    shared: &Arc<Shared>,
    connection: &mut StickyConnection,
    batch: Vec<Request>,
) -> Result<(), IntakeError> {
    let mut replies = Vec::with_capacity(batch.len());
    let mut planner = Planner::new(shared);
    for request in batch {
        replies.push((request.reply, request.events.len()));
        for event in request.events {
            planner.add(event);
        }
    }
    // If the confirmation of a commit is lost, the senders retry and their events are duplicates. The leases of that
    // commit are not renewed, so other instances soon take over its deliveries.
    let timeout = planner.commit_timeout();
    let timer = shared.deps.metrics.time(Statements::Intake);
    let accepted = connection
        .within(&shared.deps.db, timeout, async |db| planner.commit(db).await)
        .instrument(tracing::debug_span!("statements", group = Statements::Intake.as_str()))
        .await
        .map_err(|error| {
            tracing::warn!(error = error.chain(), "could not store events");
            // The commit may have succeeded although its confirmation was lost.
            shared.lane_rechecks.schedule_all();
            IntakeError::Unavailable
        });
    drop(timer);
    if let Ok(accepted) = &accepted {
        let duplicate = accepted.iter().filter(|event| event.duplicate).count();
        shared.deps.metrics.events_accepted(accepted.len() - duplicate, duplicate);
    }
    let outcome = accepted.as_ref().map(|_| ()).map_err(|error| *error);
    let mut accepted = accepted.map(Vec::into_iter);
    for (reply, count) in replies {
        respond(
            reply,
            match &mut accepted {
                Ok(all) => Ok(all.by_ref().take(count).collect()),
                Err(error) => Err(*error),
            },
        );
    }
    outcome
}

fn respond(reply: Reply, response: Result<Vec<AcceptedEvent>, IntakeError>) {
    if reply.send(response).is_err() {
        tracing::debug!("a sender disconnected before its response");
    }
}
