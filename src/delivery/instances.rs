//! Reports that this instance runs, for the page Status.

use std::sync::Arc;
use std::time::Duration;

use super::shared::Shared;
use crate::store::instances;

/// Time between two reports. A third of [`instances::ALIVE_TIMEOUT`].
const REPORT_INTERVAL: Duration = Duration::from_secs(10);

/// Reports until stopped, and then that the instance has ended.
pub(super) async fn run(shared: Arc<Shared>) {
    let (db, id) = (&shared.deps.background, shared.lease_id);
    let mut interval = tokio::time::interval(REPORT_INTERVAL);
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => break,
            _instant = interval.tick() => {}
        }
        if let Err(error) = instances::refresh(db, id, &shared.deps.instance).await {
            tracing::debug!(error = error.chain(), "could not report that the instance runs");
        }
    }
    if let Err(error) = instances::delete(db, id).await {
        tracing::debug!(error = error.chain(), "could not report that the instance has ended");
    }
}
