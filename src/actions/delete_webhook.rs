//! Deletes a webhook.

use super::toggle_webhook::ChangeWebhookError;
use crate::actions::Actions;
use crate::model::audit::{AuditAction, AuditEntry, AuditObject};
use crate::model::{Actor, WebhookId};
use crate::store::deliveries::hold;
use crate::store::{self, notify, revisions, secrets, webhooks};

impl Actions {
    /// Deletes a webhook and its secrets. Its waiting deliveries are cancelled. Finished
    /// deliveries stay in the list of deliveries.
    ///
    /// # Errors
    /// See [`ChangeWebhookError`].
    pub async fn delete_webhook(
        &self,
        id: WebhookId,
        actor: &Actor,
    ) -> Result<(), ChangeWebhookError> {
        let change_id = self.parts.sources.uuid();
        let mut tx = store::begin(&self.parts.db).await.map_err(store::Error::from)?;
        let now = self.parts.sources.now();
        let found = webhooks::find_for_update(&mut tx, id).await?;
        let name = found.ok_or(ChangeWebhookError::NotFound)?.name;
        webhooks::delete(&mut tx, id, now).await?;
        revisions::record_deletion(&mut tx, id, actor, now).await?;
        let deleted_secrets = secrets::delete_unused(&mut tx, id, &[]).await?;
        hold::cancel(&mut tx, id, now).await?;
        notify::notify_webhooks(&mut tx, change_id).await?;
        let webhook = AuditObject::webhook(id, name.trim());
        let entry = AuditEntry::new(AuditAction::WebhookDeleted, webhook);
        self.record(&mut tx, actor, [entry.with("deleted_secrets", deleted_secrets)]).await?;
        tx.commit().await.map_err(store::Error::from)?;
        self.apply_change(change_id).await?;
        Ok(())
    }
}
