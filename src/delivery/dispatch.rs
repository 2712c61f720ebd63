//! Takes due deliveries in hand.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use uuid::Uuid;

use super::counted::Counted;
use super::send::{self, Job};
use super::{Shared, breakers};
use crate::model::WebhookId;
use crate::model::breaker::Breaker;
use crate::model::delivery::DeliveryState;
use crate::model::event::Event;
use crate::store::Error;
use crate::store::deliveries::queue::{self, Claimed};

/// Most deliveries of one webhook in one claim.
const BATCH: usize = 256;
/// Retries come due without anybody telling: look at least so often.
const POLL: Duration = Duration::from_secs(1);
/// How long a claim gives way to a crowd of events: their senders wait for an answer, and one after the other takes
/// its share of the machine. A webhook's backlog still goes out at [`BATCH`] in this time.
const GIVE_WAY: Duration = Duration::from_millis(200);

/// Claims until stopped. Woken, it looks at the webhooks that are known to have something due; on
/// its own, at all.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut give_way = tokio::time::interval(GIVE_WAY);
    loop {
        let jitter = 0.9 + 0.2 * shared.deps.sources.fraction();
        let woken = tokio::select! {
            () = shared.stop.cancelled() => break,
            woken = tokio::time::timeout(POLL.mul_f64(jitter), shared.wake.notified()) => woken,
        };
        if woken.is_err() {
            shared.note_backlog(shared.routing.ids());
            if let Err(error) = breakers::refresh(&shared).await {
                tracing::warn!(error = error.chain(), "what fails could not be read");
            }
        }
        while !shared.stop.is_cancelled() {
            // Senders wait for their answer; what is due can wait a little longer.
            if shared.coming_in.load(Ordering::Relaxed) {
                give_way.reset();
                give_way.tick().await;
            }
            match claim(&shared).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(error = error.chain(), "nothing could be claimed");
                    break;
                }
            }
        }
    }
}

/// Takes one batch; false where there is nobody left to look for, or no room. Each look either takes
/// something or strikes a webhook from the backlog.
async fn claim(shared: &Arc<Shared>) -> Result<bool, Error> {
    let rooms = rooms(shared).await?;
    if rooms.is_empty() {
        return Ok(false);
    }
    let (webhooks, limits): (Vec<Uuid>, Vec<i64>) = rooms
        .iter()
        .map(|(webhook, room)| (webhook.uuid(), i64::try_from(*room).unwrap_or(1)))
        .unzip();
    let deps = &shared.deps;
    let now = deps.sources.now();
    let claimed = queue::claim(&deps.db, shared.lease, now, &webhooks, &limits).await?;
    // Whoever gave less than there was room for has nothing more that is due.
    let mut counts: HashMap<WebhookId, usize> = HashMap::new();
    for one in &claimed {
        *counts.entry(one.webhook_id).or_default() += 1;
    }
    let is_done = |(webhook, room): &&(WebhookId, usize)| {
        counts.get(webhook).copied().unwrap_or_default() < *room
    };
    shared.forget_backlog(rooms.iter().filter(is_done).map(|(webhook, _)| *webhook));
    let mut events = HashMap::new();
    for mut one in claimed {
        if let Some(payload) = one.payload.take()
            && let Ok(event) = Event::parse(&payload)
        {
            events.insert(one.event_id, shared.flight.keep(event));
        }
        let event: Option<&Arc<Counted>> = events.get(&one.event_id);
        let event = event.map(|event| {
            if one.by_hand { shared.flight.keep(event.as_manual()) } else { Arc::clone(event) }
        });
        take(shared, &one, event).await;
    }
    // Whoever is the last to have an event takes it over.
    drop(events);
    send::start(shared);
    Ok(true)
}

/// How many of each webhook may be claimed. Of one that fails again and again a single probe, when
/// its time has come.
async fn rooms(shared: &Shared) -> Result<Vec<(WebhookId, usize)>, Error> {
    let open: HashMap<WebhookId, Breaker> = shared.breakers.open().into_iter().collect();
    let backlog = shared.backlog();
    let (failing, fine): (Vec<_>, Vec<_>) =
        backlog.into_iter().partition(|id| open.contains_key(id));
    let mut rooms = shared.flight.rooms(&fine, BATCH);
    for webhook in failing {
        let Some(breaker) = open.get(&webhook) else { continue };
        if breakers::take_probe(shared, webhook, breaker).await? {
            rooms.push((webhook, 1));
        }
        // Looked at again with the next poll, and not before.
        shared.forget_backlog(std::iter::once(webhook));
    }
    Ok(rooms)
}

async fn take(shared: &Arc<Shared>, claimed: &Claimed, event: Option<Arc<Counted>>) {
    let Claimed { id, webhook_id, attempt, .. } = *claimed;
    // Room was looked for before; what came in meanwhile may have taken it.
    let has_room = shared.flight.reserve_claimed(webhook_id);
    match event {
        Some(event) if has_room => {
            shared.flight.push(Job { id, webhook_id, attempt, event });
        }
        Some(_) => {
            let back = send::hand_back((id, webhook_id, attempt), DeliveryState::Due);
            send::finish(shared, back).await;
        }
        None => {
            tracing::error!(delivery.id = %id, "the event of a delivery is gone");
            if has_room {
                shared.flight.give_up(webhook_id);
            }
            let gone = send::hand_back((id, webhook_id, attempt), DeliveryState::Cancelled);
            send::finish(shared, gone).await;
        }
    }
}
