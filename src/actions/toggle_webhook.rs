//! Activates or deactivates a webhook.

use crate::actions::Actions;
use crate::model::webhook::{Draft, RevisionKind};
use crate::model::{Actor, WebhookId};
use crate::store;
use crate::store::revisions::WebhookChange;
use crate::store::webhook_changes;

/// Why a webhook was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeWebhookError {
    /// There is no webhook with this id.
    #[error("there is no such webhook")]
    NotFound,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Actions {
    /// Activates or deactivates a webhook. The deliveries of an inactive webhook are held until it is active again.
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
        let change_id = parts.sources.uuid();
        let mut tx = store::begin(&parts.db).await.map_err(store::Error::from)?;
        let locked = webhook_changes::lock(&mut tx, id).await?;
        let before = locked.ok_or(ChangeWebhookError::NotFound)?.draft;
        let after = Draft { active, ..before.clone() };
        let change = WebhookChange {
            webhook: id,
            before: Some(&before),
            after: &after,
            actor,
            kind: RevisionKind::of(Some(&before), &after),
            note: "",
            secret_names: None,
            changed_secrets: &[],
        };
        let now = parts.sources.now();
        let entry = webhook_changes::apply(&mut tx, change_id, &change, now).await?;
        self.record(&mut tx, actor, entry).await?;
        tx.commit().await.map_err(store::Error::from)?;
        self.apply_change(change_id).await?;
        Ok(())
    }
}
