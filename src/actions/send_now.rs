//! Manual sends: an event to one webhook, started by a user or a program.

use crate::actions::Actions;
use crate::delivery::lane_of;
use crate::model::audit::{AuditAction, AuditEntry, AuditObject};
use crate::model::event::EventChoice;
use crate::model::webhook::Draft;
use crate::model::{Actor, DeliveryId, EventId, Trigger, WebhookId};
use crate::store::deliveries::manual::{self, NewManualDelivery};
use crate::store::{self, notify, webhooks};

/// Why an event was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendNowError {
    /// There is no webhook with this id.
    #[error("there is no such webhook")]
    NotFound,
    /// The webhook does not allow manual sends.
    #[error("{0}")]
    Refused(ManualSendRefusal),
    /// Retention has removed the event.
    #[error("the event is no longer stored")]
    Gone,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Why a webhook does not allow manual sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ManualSendRefusal {
    /// The webhook is inactive.
    #[error("This webhook is inactive. Activate it first.")]
    Inactive,
    /// Manual is not among the webhook's triggers.
    #[error("This webhook does not allow manual sends. Add Manual to its triggers.")]
    NotManual,
}

/// Checks that a webhook allows manual sends.
///
/// # Errors
/// Why it does not.
pub fn check_manual_send(draft: &Draft) -> Result<(), ManualSendRefusal> {
    if !draft.triggers.iter().any(|word| word == Trigger::Manual.as_str()) {
        Err(ManualSendRefusal::NotManual)
    } else if !draft.active {
        Err(ManualSendRefusal::Inactive)
    } else {
        Ok(())
    }
}

impl Actions {
    /// Queues a stored event or a sample for one webhook. It is delivered like any other event, in order and with
    /// retries, but filters are not applied.
    ///
    /// # Errors
    /// See [`SendNowError`].
    pub async fn send_now(
        &self,
        webhook: WebhookId,
        choice: EventChoice,
        actor: &Actor,
    ) -> Result<DeliveryId, SendNowError> {
        let parts = &self.parts;
        let event = self.chosen_event(choice).await?.ok_or(SendNowError::Gone)?;
        let mut tx = store::begin(&parts.db).await.map_err(store::Error::from)?;
        // Locks the webhook, so that it is not deactivated or deleted before the commit.
        let draft =
            webhooks::find_for_update(&mut tx, webhook).await?.ok_or(SendNowError::NotFound)?;
        check_manual_send(&draft).map_err(SendNowError::Refused)?;
        let now = parts.sources.now();
        let event_id = match choice {
            EventChoice::Stored(id) => id,
            EventChoice::Sample(_) => {
                let id = EventId::new(&parts.sources);
                manual::insert_event(&mut tx, id, &event, Trigger::Manual, now).await?;
                id
            }
        };
        let id = DeliveryId::new(&parts.sources);
        let lane = draft.ordered.then(|| lane_of(webhook, &event));
        let who = actor.to_string();
        let new = NewManualDelivery { id, event_id, webhook_id: webhook, lane, actor: &who };
        if !manual::insert(&mut tx, &new, now).await? {
            return Err(SendNowError::Gone);
        }
        notify::notify_deliveries(&mut tx).await?;
        let object = AuditObject::webhook(webhook, draft.name.trim());
        let entry = AuditEntry::new(AuditAction::EventSent, object)
            .with("event", event_id.to_string())
            .with("delivery", id.to_string());
        self.record(&mut tx, actor, [entry]).await?;
        tx.commit().await.map_err(store::Error::from)?;
        tracing::info!(delivery.id = %id, webhook.id = %webhook, actor = who, "queued a manual send");
        Ok(id)
    }
}
