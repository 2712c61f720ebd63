//! Activates, deactivates and deletes a webhook.

use crate::actions::Actions;
use crate::model::webhook::{Draft, RevisionKind};
use crate::model::{Actor, WebhookId};
use crate::store::deliveries::queue;
use crate::store::revisions::{self, NewRevision};
use crate::store::{self, breakers, notify, webhooks};

/// Why a webhook was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeWebhookError {
    /// There is no webhook of that id.
    #[error("there is no such webhook")]
    NotFound,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Actions {
    /// Switches a webhook on or off. What waits for an inactive one is held until it is active again.
    ///
    /// # Errors
    /// See [`ChangeWebhookError`].
    pub async fn toggle_webhook(
        &self,
        id: WebhookId,
        active: bool,
        actor: &Actor,
    ) -> Result<(), ChangeWebhookError> {
        let parts = &self.parts;
        let mut tx = parts.db.begin().await.map_err(store::Error::from)?;
        let vault = &parts.vault;
        let before = webhooks::find_with_secrets_for_update(&mut tx, vault, id)
            .await?
            .ok_or(ChangeWebhookError::NotFound)?;
        let now = parts.sources.now();
        if before.active != active {
            revisions::backfill_revision(&mut tx, vault, id, &before).await?;
            let after = Draft { active, ..before.clone() };
            webhooks::update(&mut tx, vault, id, &after, now).await?;
            let new = NewRevision {
                webhook: id,
                before: Some(&before),
                after: &after,
                actor,
                kind: RevisionKind::of(Some(&before), &after),
                note: "",
            };
            revisions::record(&mut tx, vault, &new, now).await?;
        }
        if active {
            breakers::close(&mut tx, id).await?;
            queue::release(&mut tx, id, now).await?;
        } else {
            queue::hold(&mut tx, id).await?;
        }
        notify::notify(&mut tx, notify::WEBHOOKS).await?;
        tx.commit().await.map_err(store::Error::from)?;
        self.reload().await?;
        Ok(())
    }

    /// Deletes a webhook with its secrets, those of its history too. What waits for it is cancelled; what was sent stays in
    /// the list of deliveries.
    ///
    /// # Errors
    /// See [`ChangeWebhookError`].
    pub async fn delete_webhook(
        &self,
        id: WebhookId,
        actor: &Actor,
    ) -> Result<(), ChangeWebhookError> {
        let mut tx = self.parts.db.begin().await.map_err(store::Error::from)?;
        let now = self.parts.sources.now();
        if !webhooks::delete(&mut tx, id, now).await? {
            return Err(ChangeWebhookError::NotFound);
        }
        revisions::record_deletion(&mut tx, id, actor, now).await?;
        queue::cancel(&mut tx, id, now).await?;
        notify::notify(&mut tx, notify::WEBHOOKS).await?;
        tx.commit().await.map_err(store::Error::from)?;
        self.reload().await?;
        Ok(())
    }
}
