//! Writes what became of deliveries, in batches.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;

use super::{Shared, breakers, send};
use crate::store::deliveries::queue::{self, Completed, Completion};
use crate::store::{Error, StickyConnection};

/// Most completions in one statement.
const BATCH: usize = 256;
/// How long a result waits for others.
const LINGER: Duration = Duration::from_millis(8);
/// How long the first attempt to write a batch may take.
const LIMIT: Duration = Duration::from_secs(3);
/// Between attempts to reach the database.
const PAUSE: Duration = Duration::from_millis(250);

/// Runs until nothing more can come: after a stop, until the last exchange has ended.
pub(super) async fn run(shared: Arc<Shared>, mut incoming: mpsc::Receiver<Completion>) {
    let mut batch = Vec::with_capacity(BATCH);
    let mut connection = StickyConnection::default();
    loop {
        let count = tokio::select! {
            count = incoming.recv_many(&mut batch, BATCH) => count,
            // The tracker counts this task too, so the end is told by the stop and by nothing being
            // on its way.
            () = shared.landed() => 0,
        };
        if count == 0 {
            break;
        }
        gather(&shared, &mut incoming, &mut batch).await;
        write(&shared, &mut connection, &batch).await;
        breakers::note(&shared, &batch).await;
        shared.flight.let_go(batch.drain(..).map(|done| (done.id, done.webhook_id)));
        send::start(&shared);
        if shared.has_backlog() {
            shared.wake.notify_one();
        }
    }
}

/// Waits a moment for more where more are on their way, which costs little more to write: nobody waits for a result
/// but the next of its lane. Where none are, it would only be in the way of the next event.
async fn gather(
    shared: &Shared,
    incoming: &mut mpsc::Receiver<Completion>,
    batch: &mut Vec<Completion>,
) {
    let until = tokio::time::Instant::now() + LINGER;
    let comes_more = || shared.coming_in.load(Ordering::Relaxed) || !shared.flight.is_quiet();
    while batch.len() < BATCH && comes_more() && !shared.stop.is_cancelled() {
        let room = BATCH - batch.len();
        let more = tokio::time::timeout_at(until, incoming.recv_many(batch, room)).await;
        if !matches!(more, Ok(1..)) {
            return;
        }
    }
}

/// Tries until it is written: the deliveries stay in hand meanwhile, so that memory stays bounded
/// while the database is away. After a stop only for a while; their leases run out then.
///
/// Where the answer was lost, it is asked again: what the first attempt wrote, the second finds gone from
/// the queue, and its exchanges there.
async fn write(shared: &Shared, connection: &mut StickyConnection, batch: &[Completion]) {
    let deps = &shared.deps;
    let mut pause = tokio::time::interval(PAUSE);
    let mut tries = 0;
    loop {
        pause.tick().await;
        // More each time: a slow disk must not keep a large batch from ever being written.
        let limit = LIMIT * (tries + 1).min(10);
        let written = connection
            .within(&deps.db, limit, async |db| {
                queue::complete(db, shared.lease, deps.sources.now(), batch).await
            })
            .await;
        match written {
            Ok(completed) => return note_completed(shared, batch, completed),
            Err(Error::Conflict { constraint }) if constraint != queue::HEAD_KEY => {
                tracing::info!("deliveries' results were written, and the answer was lost");
                note_next(shared, batch);
                return;
            }
            Err(error)
                if (error.may_pass() || error.is_conflict(queue::HEAD_KEY))
                    && !(shared.stop.is_cancelled() && tries > 10) =>
            {
                tries += 1;
                tracing::warn!(error = error.chain(), "deliveries' results wait for the database");
            }
            Err(error) => {
                tracing::error!(
                    error = error.chain(),
                    "deliveries' results could not be written; they are sent again"
                );
                return;
            }
        }
    }
}

fn note_completed(shared: &Shared, batch: &[Completion], completed: Completed) {
    let lost = batch.len().saturating_sub(completed.moved);
    if lost > 0 {
        tracing::warn!(lost, "deliveries were taken over after their lease ran out");
    }
    if completed.promoted > 0 {
        note_next(shared, batch);
    }
}

/// The next of their lanes may be due.
fn note_next(shared: &Shared, batch: &[Completion]) {
    shared.note_backlog(batch.iter().map(|one| one.webhook_id));
}
