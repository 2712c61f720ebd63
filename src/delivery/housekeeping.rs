//! What must be done now and then: make partitions ahead, forget what no longer counts.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use super::{Deps, Shared};
use crate::store::{Error, events, partitions, sessions};

const EVERY: Duration = Duration::from_hours(1);
/// Partitions exist so many days ahead.
const DAYS_AHEAD: i64 = 7;

/// Does it once.
pub(super) async fn run_once(deps: &Deps) -> Result<(), Error> {
    let now = deps.sources.now();
    let today = now.date_naive();
    partitions::ensure(&deps.db, today, today + TimeDelta::days(DAYS_AHEAD)).await?;
    let mut connection = deps.db.acquire().await?;
    events::prune_keys(&mut connection, now).await?;
    drop(connection);
    sessions::prune(&deps.db, now).await
}

/// Does it every hour until stopped.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut tick = tokio::time::interval(EVERY);
    tick.tick().await;
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            _instant = tick.tick() => {}
        }
        if let Err(error) = run_once(&shared.deps).await {
            tracing::warn!(error = error.chain(), "housekeeping failed; tries again in an hour");
        }
    }
}
