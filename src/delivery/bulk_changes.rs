//! Applies bulk retries and bulk cancellations that users have started.

use std::sync::Arc;
use std::time::Duration;

use super::shared::Shared;
use crate::store::bulk_changes::{self, BulkStep};
use crate::store::{self, Error, SLOW_TIMEOUT, notify, within};

/// Number of deliveries changed in one transaction. Their rows are locked meanwhile.
const STEP: i64 = 500;
/// Maximum time between two steps. A batch that another instance has not finished is continued.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Applies changes until stopped.
pub(super) async fn run(shared: Arc<Shared>) {
    while !shared.stop.is_cancelled() {
        match step(&shared).await {
            Ok(BulkStep { taken: 1.., .. }) => continue,
            Ok(_) => {}
            // Another instance may have recorded results of the same lanes. The step is repeated.
            Err(error) => {
                tracing::warn!(error = error.chain(), "could not apply a bulk action; retrying");
            }
        }
        let woken = tokio::time::timeout(POLL_INTERVAL, shared.wake_bulk_changes.notified());
        tokio::select! {
            () = shared.stop.cancelled() => {}
            _ = woken => {}
        }
    }
}

async fn step(shared: &Shared) -> Result<BulkStep, Error> {
    let deps = &shared.deps;
    let applying = async {
        let mut tx = store::begin(&deps.background).await?;
        let step = bulk_changes::apply_next(&mut tx, deps.sources.now(), STEP).await?;
        if step.changed > 0 {
            notify::notify_deliveries(&mut tx).await?;
        }
        tx.commit().await?;
        Ok::<_, Error>(step)
    };
    within(&deps.background, SLOW_TIMEOUT, applying).await
}
