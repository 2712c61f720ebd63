//! Records the results of attempts in batches.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;
use tracing::Instrument as _;

use super::shared::Shared;
use super::{breaker_updates, worker};
use crate::metrics::Statements;
use crate::model::delivery::DeliveryState;
use crate::model::text;
use crate::store::deliveries::complete::{Completed, Completion, complete};
use crate::store::deliveries::leases::HEAD_KEY;
use crate::store::{Error, StickyConnection};

/// Maximum number of completions in one statement.
const MAX_BATCH: usize = 256;
/// Maximum time that a result waits for others.
const LINGER: Duration = Duration::from_millis(8);
/// Timeout of the first attempt to write a batch.
const WRITE_TIMEOUT: Duration = Duration::from_secs(3);
/// The timeout grows by [`WRITE_TIMEOUT`] with each attempt, up to this factor.
const MAX_TIMEOUT_FACTOR: u32 = 10;
/// Time between attempts to write a batch.
const RETRY_INTERVAL: Duration = Duration::from_millis(250);
/// Maximum number of attempts to write a batch after a stop.
const MAX_RETRIES_AFTER_STOP: u32 = 10;

/// Runs until a stop, and then until the results of all attempts are recorded.
pub(super) async fn run(shared: Arc<Shared>, mut incoming: mpsc::Receiver<Completion>) {
    let mut batch = Vec::with_capacity(MAX_BATCH);
    let mut connection = StickyConnection::default();
    loop {
        let count = tokio::select! {
            count = incoming.recv_many(&mut batch, MAX_BATCH) => count,
            // The channel never closes, because this task itself holds a sender in `shared`.
            () = shared.drained() => 0,
        };
        if count == 0 {
            break;
        }
        gather(&shared, &mut incoming, &mut batch).await;
        write(&shared, &mut connection, &batch).await;
        shared.latencies.record(&batch, shared.deps.sources.now());
        breaker_updates::record(&shared, &batch).await;
        shared.live.record(batch.iter().map(|done| done.webhook_id));
        shared.queue.released(batch.drain(..).map(|done| (done.id, done.webhook_id)));
        worker::start(&shared);
        if shared.has_backlog() {
            shared.wake.notify_one();
        }
    }
}

/// Waits up to [`LINGER`] for more results while attempts are in flight. A larger batch costs little more, and only the
/// next delivery of a lane waits for a result. If nothing is in flight, waiting would only delay the next event.
async fn gather(
    shared: &Shared,
    incoming: &mut mpsc::Receiver<Completion>,
    batch: &mut Vec<Completion>,
) {
    let until = tokio::time::Instant::now() + LINGER;
    let expects_more = || shared.ingest_busy.load(Ordering::Relaxed) || !shared.queue.is_idle();
    while batch.len() < MAX_BATCH && expects_more() && !shared.stop.is_cancelled() {
        let capacity = MAX_BATCH - batch.len();
        let more = tokio::time::timeout_at(until, incoming.recv_many(batch, capacity)).await;
        if !matches!(more, Ok(1..)) {
            return;
        }
    }
}

/// Writes a batch. If PostgreSQL rejects it, the halves are written separately, so that one result that cannot be stored
/// does not keep the others from being recorded.
async fn write(shared: &Shared, connection: &mut StickyConnection, batch: &[Completion]) {
    let mut parts = vec![batch];
    while let Some(part) = parts.pop() {
        let Err(error) = write_part(shared, connection, part).await else { continue };
        if let [one] = part {
            write_without_record(shared, connection, one, &error).await;
        } else {
            let (first, second) = part.split_at(part.len() / 2);
            parts.extend([second, first]);
        }
    }
}

/// Writes a result that PostgreSQL rejected, without its invocation and with the reason. It is not retried: the next
/// result would probably be rejected too.
async fn write_without_record(
    shared: &Shared,
    connection: &mut StickyConnection,
    rejected: &Completion,
    error: &Error,
) {
    let reason = error.chain();
    tracing::error!(delivery.id = %rejected.id, error = reason, "could not record an invocation");
    let is_retry = rejected.state == DeliveryState::Due;
    let state = if is_retry { DeliveryState::Failed } else { rejected.state };
    let reason = format!("The invocation could not be recorded: {reason}");
    let (error, invocation) = (Some(text::storable(&reason).into_owned()), None);
    let bare = Completion { state, due_at: None, error, invocation, ..rejected.clone() };
    if let Err(error) = write_part(shared, connection, &[bare]).await {
        tracing::error!(
            delivery.id = %rejected.id, error = error.chain(),
            "could not record a result; the delivery will be sent again"
        );
    }
}

/// Writes results, retrying until PostgreSQL accepts or rejects them. The deliveries stay reserved meanwhile, which
/// bounds the memory used while the database is down. After a stop, the number of attempts is limited and the leases
/// expire.
///
/// If the confirmation of a commit is lost, the results are written again. The second attempt finds the deliveries gone
/// from the queue and conflicts with the recorded invocations.
///
/// # Errors
/// If PostgreSQL rejected the results.
async fn write_part(
    shared: &Shared,
    connection: &mut StickyConnection,
    batch: &[Completion],
) -> Result<(), Error> {
    let deps = &shared.deps;
    let mut interval = tokio::time::interval(RETRY_INTERVAL);
    let mut retries = 0;
    loop {
        interval.tick().await;
        // Longer with each attempt, so that a large batch can be written even to a slow disk.
        let timeout = WRITE_TIMEOUT * (retries + 1).min(MAX_TIMEOUT_FACTOR);
        let timer = deps.metrics.time(Statements::Completion);
        let written = connection
            .within(&deps.db, timeout, async |db| {
                complete(db, shared.lease_id, deps.sources.now(), batch).await
            })
            .instrument(tracing::debug_span!(
                "statements",
                group = Statements::Completion.as_str(),
                results = batch.len()
            ))
            .await;
        drop(timer);
        match written {
            Ok(completed) => {
                note_completed(shared, batch, completed);
                return Ok(());
            }
            Err(Error::Conflict { constraint }) if constraint != HEAD_KEY => {
                tracing::info!("results were recorded by an earlier attempt");
                note_successors(shared, batch);
                return Ok(());
            }
            Err(error) if !(error.is_transient() || error.is_conflict(HEAD_KEY)) => {
                return Err(error);
            }
            Err(error) if shared.stop.is_cancelled() && retries > MAX_RETRIES_AFTER_STOP => {
                tracing::error!(
                    error = error.chain(),
                    "could not record results; the deliveries will be sent again"
                );
                return Ok(());
            }
            Err(error) => {
                retries += 1;
                tracing::warn!(error = error.chain(), "could not record results; retrying");
            }
        }
    }
}

fn note_completed(shared: &Shared, batch: &[Completion], completed: Completed) {
    let lost = batch.len().saturating_sub(completed.changed);
    if lost > 0 {
        tracing::warn!(lost, "lost deliveries to another instance after their lease expired");
    }
    if completed.promoted > 0 {
        note_successors(shared, batch);
    }
}

/// Records that the next deliveries of the lanes may be due.
fn note_successors(shared: &Shared, batch: &[Completion]) {
    shared.note_backlog(batch.iter().map(|completion| completion.webhook_id));
}
