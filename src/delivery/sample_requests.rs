//! Sends the events of sample access requests when they are due.

use std::sync::Arc;
use std::time::Duration;

use super::intake::Intake;
use super::planner::{SubmittedEvent, lane_of};
use super::shared::Shared;
use crate::model::event::Event;
use crate::model::{DeliveryId, EventId, Timestamp, Trigger, WebhookId};
use crate::store::deliveries::manual::{self, NewManualDelivery};
use crate::store::sample_requests::{self, DueStep};
use crate::store::{self, Error, PgConnection, SLOW_TIMEOUT, notify, within};

/// Maximum time between two checks for due events.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Sends until stopped.
pub(super) async fn run(shared: Arc<Shared>, intake: Intake) {
    while !shared.stop.is_cancelled() {
        let sent = within(&shared.deps.background, SLOW_TIMEOUT, send_next(&shared, &intake)).await;
        let has_sent = sent.unwrap_or_else(|error: Error| {
            tracing::warn!(error = error.chain(), "could not send a sample event; retrying");
            false
        });
        if has_sent {
            continue;
        }
        let woken = tokio::time::timeout(POLL_INTERVAL, shared.wake_samples.notified());
        tokio::select! {
            () = shared.stop.cancelled() => {}
            _ = woken => {}
        }
    }
}

/// Sends the next due event. Returns false if there is none.
async fn send_next(shared: &Shared, intake: &Intake) -> Result<bool, Error> {
    let now = shared.deps.sources.now();
    let mut tx = store::begin(&shared.deps.background).await?;
    let Some(due) = sample_requests::lock_due(&mut tx, now).await? else { return Ok(false) };
    let event = Event::parse(&due.payload).map_err(|_faults| Error::Corrupt {
        table: "sample_steps",
        detail: format!("{} {} is not a valid event", due.sample, due.step),
    })?;
    let id = if let Some(webhook) = due.webhook {
        send_to_one(shared, &mut tx, &due, (webhook, &event), now).await?
    } else {
        // If this transaction fails after the event was accepted, the key makes the next attempt a duplicate.
        let key = Some(format!("sample {} {}", due.sample, due.step));
        let submitted = SubmittedEvent { event, key, is_sample: true };
        let Ok(accepted) = intake.accept(vec![submitted]).await else { return Ok(false) };
        let Some(accepted) = accepted.first() else { return Ok(false) };
        accepted.id
    };
    sample_requests::set_sent(&mut tx, &due, id).await?;
    tx.commit().await?;
    Ok(true)
}

/// Queues an event for one webhook, whether or not it matches.
async fn send_to_one(
    shared: &Shared,
    db: &mut PgConnection,
    due: &DueStep,
    (webhook, event): (WebhookId, &Event),
    now: Timestamp,
) -> Result<EventId, Error> {
    let sources = &shared.deps.sources;
    let event_id = EventId::new(sources);
    manual::insert_event(db, event_id, event, Trigger::Manual, now).await?;
    let route = shared.router.find(webhook);
    let ordered = route.is_some_and(|route| route.webhook().delivery_policy().ordered);
    let new = NewManualDelivery {
        id: DeliveryId::new(sources),
        event_id,
        webhook_id: webhook,
        lane: ordered.then(|| lane_of(webhook, event)),
        actor: &due.who,
    };
    manual::insert(db, &new, now).await?;
    notify::notify_deliveries(db).await?;
    Ok(event_id)
}
