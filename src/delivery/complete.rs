//! Writes what became of deliveries, in batches.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::Shared;
use super::lanes::Slot;
use crate::store::deliveries::queue::{self, Completion};

/// Most completions in one statement.
const BATCH: usize = 200;
/// Between attempts to reach the database.
const PAUSE: Duration = Duration::from_millis(500);

/// A completion and the slot that it frees once it is written.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) completion: Completion,
    pub(super) slot: Option<Slot>,
}

/// Runs until nothing more can come: after a stop, until the last exchange has ended.
pub(super) async fn run(shared: Arc<Shared>, mut incoming: mpsc::Receiver<Done>) {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let count = tokio::select! {
            count = incoming.recv_many(&mut batch, BATCH) => count,
            // Only the completer and what it waits for is left: the tracker counts this task, so
            // the end is told by the stop and by nothing being in hand.
            () = nothing_left(&shared) => 0,
        };
        if count == 0 {
            break;
        }
        write(&shared, std::mem::take(&mut batch)).await;
        shared.wake.notify_one();
    }
}

async fn nothing_left(shared: &Shared) {
    shared.stop.cancelled().await;
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    loop {
        tick.tick().await;
        if shared.lanes.held().is_empty() {
            return;
        }
    }
}

/// Tries until it is written, for as long as the lease may hold: the slots stay taken meanwhile,
/// so that memory stays bounded while the database is away.
async fn write(shared: &Shared, done: Vec<Done>) {
    let (completions, slots): (Vec<Completion>, Vec<Option<Slot>>) =
        done.into_iter().map(|one| (one.completion, one.slot)).unzip();
    let mut pause = tokio::time::interval(PAUSE);
    let mut tries = 0;
    loop {
        pause.tick().await;
        let deps = &shared.deps;
        match queue::complete(&deps.db, shared.lease, deps.sources.now(), &completions).await {
            Ok(moved) => {
                let lost =
                    u64::try_from(completions.len()).unwrap_or_default().saturating_sub(moved);
                if lost > 0 {
                    tracing::warn!(
                        lost,
                        "deliveries had been taken over after their lease ran out"
                    );
                }
                break;
            }
            Err(error) if error.is_unavailable() && !(shared.stop.is_cancelled() && tries > 5) => {
                tries += 1;
                tracing::warn!(%error, "deliveries' results wait for the database");
            }
            Err(error) => {
                tracing::error!(
                    error = error.chain(),
                    "deliveries' results could not be written; they are sent again"
                );
                break;
            }
        }
    }
    for completion in &completions {
        shared.lanes.let_go(completion.id);
    }
    drop(slots);
}
