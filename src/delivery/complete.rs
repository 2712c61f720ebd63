//! Writes what became of deliveries, in batches.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::{Shared, breakers, send};
use crate::model::WebhookId;
use crate::store::deliveries::queue::{self, Completion};

/// Most completions in one statement.
const BATCH: usize = 256;
/// How long a result waits for others.
const LINGER: Duration = Duration::from_millis(4);
/// Between attempts to reach the database.
const PAUSE: Duration = Duration::from_millis(250);

/// What became of a delivery that this instance has in hand.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) webhook_id: WebhookId,
    pub(super) completion: Completion,
}

/// Runs until nothing more can come: after a stop, until the last exchange has ended.
pub(super) async fn run(shared: Arc<Shared>, mut incoming: mpsc::Receiver<Done>) {
    let mut batch = Vec::with_capacity(BATCH);
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
        write(&shared, &batch).await;
        breakers::note(&shared, &batch).await;
        shared.flight.let_go(batch.drain(..).map(|done| (done.completion.id, done.webhook_id)));
        send::start(&shared);
        if shared.has_backlog() {
            shared.wake.notify_one();
        }
    }
}

/// Waits a moment for more, which costs little more to write: nobody waits for a result but the next
/// of its lane.
async fn gather(shared: &Shared, incoming: &mut mpsc::Receiver<Done>, batch: &mut Vec<Done>) {
    let until = tokio::time::Instant::now() + LINGER;
    while batch.len() < BATCH && !shared.stop.is_cancelled() {
        let room = BATCH - batch.len();
        let more = tokio::time::timeout_at(until, incoming.recv_many(batch, room)).await;
        if !matches!(more, Ok(1..)) {
            return;
        }
    }
}

/// Tries until it is written: the deliveries stay in hand meanwhile, so that memory stays bounded
/// while the database is away. After a stop only for a while; their leases run out then.
async fn write(shared: &Shared, done: &[Done]) {
    let completions: Vec<Completion> = done.iter().map(|one| one.completion.clone()).collect();
    let mut pause = tokio::time::interval(PAUSE);
    let mut tries = 0;
    loop {
        pause.tick().await;
        let deps = &shared.deps;
        match queue::complete(&deps.db, shared.lease, deps.sources.now(), &completions).await {
            Ok(completed) => {
                let count = u64::try_from(completions.len()).unwrap_or_default();
                let lost = count.saturating_sub(completed.moved);
                if lost > 0 {
                    tracing::warn!(lost, "deliveries were taken over after their lease ran out");
                }
                if completed.promoted > 0 {
                    shared.note_backlog(done.iter().map(|one| one.webhook_id));
                }
                return;
            }
            Err(error) if error.may_pass() && !(shared.stop.is_cancelled() && tries > 10) => {
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
