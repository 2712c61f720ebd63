//! Creates a shared secret.

use super::draft::{self, SecretDraft, SecretErrors, SecretField};
use super::entry::with_limits;
use super::update::SaveSecretError;
use crate::actions::Actions;
use crate::model::audit::{AuditAction, AuditEntry, AuditObject};
use crate::model::secret::Secret;
use crate::model::{Actor, SecretId};
use crate::store::{self, notify, secrets};

impl Actions {
    /// Creates a secret that all webhooks may use.
    ///
    /// # Errors
    /// See [`SaveSecretError`].
    pub async fn create_secret(
        &self,
        draft: &SecretDraft,
        actor: &Actor,
    ) -> Result<SecretId, SaveSecretError> {
        let parts = &self.parts;
        let (name, checked) =
            draft::check_new(draft, parts.rules).map_err(SaveSecretError::Invalid)?;
        let change_id = parts.sources.uuid();
        let secret = Secret {
            id: SecretId::new(&parts.sources),
            name,
            webhook: None,
            limits: checked.limits,
            description: checked.description,
            updated_at: parts.sources.now(),
            updated_by: actor.clone(),
        };
        let mut tx = store::begin(&parts.db).await.map_err(store::Error::from)?;
        secrets::insert(&mut tx, &parts.vault, &secret, &draft.value).await.map_err(name_taken)?;
        notify::notify_webhooks(&mut tx, change_id).await?;
        let object = AuditObject::secret(secret.id, secret.name.as_str());
        let entry = AuditEntry::new(AuditAction::SecretCreated, object);
        self.record(&mut tx, actor, [with_limits(entry, &secret)]).await?;
        tx.commit().await.map_err(store::Error::from)?;
        self.apply_change(change_id).await?;
        Ok(secret.id)
    }
}

pub(super) fn name_taken(error: store::Error) -> SaveSecretError {
    if secrets::is_name_taken(&error) {
        let message = "Another secret has this name. Choose another name.";
        SaveSecretError::Invalid(SecretErrors::single(SecretField::Name, message))
    } else {
        SaveSecretError::Store(error)
    }
}
