//! Hears what other instances tell: webhooks changed, deliveries wait.

use std::sync::Arc;
use std::time::Duration;

use super::{Shared, breakers};
use crate::store::Error;
use crate::store::notify::{self, Listener};

/// Between attempts to listen again.
const PAUSE: Duration = Duration::from_secs(1);

/// Listens until stopped.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut pause = tokio::time::interval(PAUSE);
    pause.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            _instant = pause.tick() => {}
        }
        let listening = async {
            let error = listen(&shared).await.err();
            tracing::warn!(
                error = error.map(|error| error.to_string()),
                "stopped listening; tries again"
            );
        };
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = listening => {}
        }
    }
}

async fn listen(shared: &Shared) -> Result<(), Error> {
    // Register interest, then look: nothing falls between.
    let mut listener = Listener::start(&shared.deps.db).await?;
    shared.routing.reload(&shared.deps).await?;
    loop {
        let channel = listener.next().await?;
        if channel.as_deref() != Some(notify::DELIVERIES) {
            shared.routing.reload(&shared.deps).await?;
            breakers::refresh(shared).await?;
        }
        if channel.as_deref() != Some(notify::WEBHOOKS) {
            shared.lined_up.note_all();
        }
        shared.note_backlog(shared.routing.ids());
    }
}
