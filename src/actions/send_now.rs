//! Sends an event to one webhook because a person says so.

use crate::actions::Actions;
use crate::delivery::lane_of;
use crate::model::event::EventChoice;
use crate::model::webhook::Draft;
use crate::model::{Actor, DeliveryId, EventId, Trigger, WebhookId};
use crate::store::deliveries::manual::{self, NewManual};
use crate::store::{self, notify, webhooks};

/// Why nothing is sent.
#[derive(Debug, thiserror::Error)]
pub enum SendNowError {
    /// There is no webhook of that id.
    #[error("there is no such webhook")]
    NotFound,
    /// It does not allow it.
    #[error("{0}")]
    Refused(ManualSendRefusal),
    /// Retention has removed the event.
    #[error("the event is no longer stored")]
    Gone,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Why nothing can be sent by hand through a webhook as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ManualSendRefusal {
    /// It is switched off.
    #[error("This webhook is inactive, so nothing is sent through it. Activate it first.")]
    Inactive,
    /// Its triggers do not have Manual.
    #[error("This webhook is not sent by hand. To allow it, choose Manual among its triggers.")]
    NotManual,
}

/// Whether a webhook may be sent by hand.
///
/// # Errors
/// Why not.
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
    /// Queues an event, stored or a sample, for one webhook. It goes the way of any delivery: in order,
    /// with retries. Filters are not asked: a person has decided.
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
        let mut tx = parts.db.begin().await.map_err(store::Error::from)?;
        // Locked, so that it stays as it is until this is committed.
        let draft = webhooks::find_with_secrets_for_update(&mut tx, &parts.vault, webhook)
            .await?
            .ok_or(SendNowError::NotFound)?;
        check_manual_send(&draft).map_err(SendNowError::Refused)?;
        let now = parts.sources.now();
        let event_id = match choice {
            EventChoice::Stored(id) => id,
            EventChoice::Sample(_) => {
                let id = EventId::new(&parts.sources);
                manual::insert_sample(&mut tx, id, &event, now).await?;
                id
            }
        };
        let id = DeliveryId::new(&parts.sources);
        let lane = draft.ordered.then(|| lane_of(webhook, &event));
        let actor = actor.to_string();
        let new = NewManual { id, event_id, webhook_id: webhook, lane, actor: &actor };
        if !manual::insert(&mut tx, &new, now).await? {
            return Err(SendNowError::Gone);
        }
        notify::notify(&mut tx, notify::DELIVERIES).await?;
        tx.commit().await.map_err(store::Error::from)?;
        tracing::info!(delivery.id = %id, webhook.id = %webhook, actor, "sent by hand");
        Ok(id)
    }
}
