//! Records the results of redeliveries in batches.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::shared::Shared;
use crate::metrics::Statements;
use crate::store::redeliveries::{self, RedeliveryResult};
use crate::store::{Error, SLOW_TIMEOUT, StickyConnection};

/// Maximum number of results in one statement.
pub(super) const MAX_BATCH: usize = 256;
/// Maximum time that a result waits for others. Nothing waits for it, and every statement delays the results of other
/// deliveries.
const LINGER: Duration = Duration::from_millis(100);
/// Time between attempts to write a batch.
const RETRY_INTERVAL: Duration = Duration::from_millis(250);
/// Maximum number of attempts to write a batch while the database is not available.
const MAX_WRITES: u32 = 20;

/// Records results until all senders are gone.
pub(super) async fn run(shared: Arc<Shared>, mut results: mpsc::Receiver<RedeliveryResult>) {
    let mut batch = Vec::with_capacity(MAX_BATCH);
    let mut connection = StickyConnection::default();
    while results.recv_many(&mut batch, MAX_BATCH).await > 0 {
        let until = tokio::time::Instant::now() + LINGER;
        while batch.len() < MAX_BATCH && !shared.stop.is_cancelled() {
            let capacity = MAX_BATCH - batch.len();
            let more = results.recv_many(&mut batch, capacity);
            if !matches!(tokio::time::timeout_at(until, more).await, Ok(1..)) {
                break;
            }
        }
        write(&shared, &mut connection, &batch).await;
        batch.clear();
    }
}

/// Writes a batch. If PostgreSQL rejects it, each result is written separately, so that one that cannot be stored does not
/// keep the others from being recorded.
async fn write(shared: &Shared, connection: &mut StickyConnection, batch: &[RedeliveryResult]) {
    let written = write_part(shared, connection, batch).await;
    let webhook = |result: &RedeliveryResult| Some(result.attempt.as_ref()?.webhook);
    shared.live.record(batch.iter().filter_map(webhook));
    let Err(error) = written else { return };
    if let [one] = batch {
        report(one, &error);
        return;
    }
    for one in batch {
        if let Err(error) = write_part(shared, connection, std::slice::from_ref(one)).await {
            report(one, &error);
        }
    }
}

/// Writes results, and repeats it while the database is not available.
async fn write_part(
    shared: &Shared,
    connection: &mut StickyConnection,
    batch: &[RedeliveryResult],
) -> Result<(), Error> {
    let deps = &shared.deps;
    let mut interval = tokio::time::interval(RETRY_INTERVAL);
    let mut writes = 1;
    loop {
        interval.tick().await;
        let timer = deps.metrics.time(Statements::Redeliveries);
        let written = connection
            .within(&deps.background, SLOW_TIMEOUT, async |db| {
                redeliveries::complete(db, shared.lease_id, deps.sources.now(), batch).await
            })
            .await;
        drop(timer);
        match written {
            Err(error) if error.is_transient() && writes < MAX_WRITES => {
                tracing::warn!(error = error.chain(), "could not record redeliveries; retrying");
                writes += 1;
            }
            // The confirmation of an earlier attempt was lost.
            Err(Error::Conflict { .. }) if writes > 1 => return Ok(()),
            written => return written,
        }
    }
}

fn report(result: &RedeliveryResult, error: &Error) {
    tracing::error!(
        delivery.id = %result.delivery, error = error.chain(),
        "could not record a redelivery; it will be sent again"
    );
}
