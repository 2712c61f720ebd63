//! Applies what instances notify: changed webhooks, due deliveries, and what open pages show.

use std::sync::Arc;
use std::time::Duration;

use super::shared::Shared;
use crate::model::LiveChanges;
use crate::store::Error;
use crate::store::notify::{self, Listener, Notification};

/// Time between attempts to listen.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// Listens until stopped.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut interval = tokio::time::interval(RETRY_INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            _instant = interval.tick() => {}
        }
        let listening = async {
            if let Err(error) = listen(&shared).await {
                tracing::warn!(error = error.chain(), "lost the listening connection; retrying");
            }
        };
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = listening => {}
        }
    }
}

async fn listen(shared: &Shared) -> Result<(), Error> {
    // Listen before reading, so that no change is missed.
    let mut listener = Listener::start(&shared.deps.db).await?;
    shared.router.reload(&shared.deps.db, &shared.deps.vault).await?;
    // Reports may have been missed.
    shared.live.report(LiveChanges::everything());
    loop {
        let mut changes = LiveChanges::everything();
        match listener.next().await? {
            Notification::Webhooks(Some(change)) => {
                shared.apply_change(change).await?;
                notify::notify_applied(&shared.deps.db, change).await?;
            }
            Notification::Webhooks(None) => shared.reload().await?,
            Notification::Deliveries => {
                shared.wake_redelivery.notify_one();
                shared.wake_replay.notify_one();
                shared.wake_samples.notify_one();
                shared.wake_bulk_changes.notify_one();
                shared.lane_rechecks.schedule_all();
                shared.note_backlog(shared.router.ids());
            }
            Notification::Live(reported) => changes = reported,
            Notification::Reconnected => {
                shared.reload().await?;
                shared.lane_rechecks.schedule_all();
            }
        }
        shared.live.report(changes);
    }
}
