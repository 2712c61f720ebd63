//! Takes due deliveries in hand.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::Shared;
use super::send::{self, Job};
use crate::model::delivery::DeliveryState;
use crate::model::event::Event;
use crate::store::Error;
use crate::store::deliveries::queue::{self, Claimed};

/// Most deliveries of one webhook in one claim.
const BATCH: usize = 256;
/// Retries come due without anybody telling: look at least so often.
const POLL: Duration = Duration::from_secs(1);

/// Claims until stopped. Woken, it looks at the webhooks that are known to have something due; on
/// its own, at all.
pub(super) async fn run(shared: Arc<Shared>) {
    loop {
        let jitter = 0.9 + 0.2 * shared.deps.sources.fraction();
        let woken = tokio::select! {
            () = shared.stop.cancelled() => break,
            woken = tokio::time::timeout(POLL.mul_f64(jitter), shared.wake.notified()) => woken,
        };
        if woken.is_err() {
            shared.note_backlog(shared.routing.ids());
        }
        while !shared.stop.is_cancelled() {
            match claim(&shared).await {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(error = error.chain(), "nothing could be claimed");
                    break;
                }
            }
        }
    }
}

/// Takes one batch; gives how many.
async fn claim(shared: &Arc<Shared>) -> Result<usize, Error> {
    let rooms = shared.flight.rooms(shared.backlog().into_iter());
    if rooms.is_empty() {
        return Ok(0);
    }
    let (webhooks, limits): (Vec<Uuid>, Vec<i64>) = rooms
        .iter()
        .map(|(webhook, room)| (webhook.uuid(), i64::try_from((*room).min(BATCH)).unwrap_or(1)))
        .unzip();
    let deps = &shared.deps;
    let now = deps.sources.now();
    let claimed = queue::claim(&deps.db, shared.lease, now, &webhooks, &limits).await?;
    // Whoever gave less than there was room for has nothing more that is due.
    shared.forget_backlog(rooms.iter().map(|(webhook, _)| *webhook).filter(|webhook| {
        let limit =
            rooms.iter().find(|(id, _)| id == webhook).map_or(0, |(_, room)| (*room).min(BATCH));
        claimed.iter().filter(|one| one.webhook_id == *webhook).count() < limit
    }));
    let count = claimed.len();
    for one in claimed {
        take(shared, one).await;
    }
    send::start(shared);
    Ok(count)
}

async fn take(shared: &Arc<Shared>, claimed: Claimed) {
    let Claimed { id, webhook_id, attempt, payload, .. } = claimed;
    // Room was looked for before; what came in meanwhile may have taken it.
    let has_room = shared.flight.reserve(webhook_id);
    match Event::parse(&payload) {
        Ok(event) if has_room => {
            shared.flight.push(Job { id, webhook_id, attempt, event: Arc::new(event) });
        }
        Ok(_) => {
            send::finish(shared, webhook_id, send::hand_back(id, attempt, DeliveryState::Due))
                .await;
        }
        Err(_faults) => {
            tracing::error!(delivery.id = %id, "the event of a delivery is gone");
            if has_room {
                shared.flight.give_up(webhook_id);
            }
            let gone = send::hand_back(id, attempt, DeliveryState::Cancelled);
            send::finish(shared, webhook_id, gone).await;
        }
    }
}
