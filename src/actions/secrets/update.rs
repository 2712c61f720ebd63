//! Changes a secret.

use super::draft::{self, SecretDraft, SecretErrors};
use super::entry::with_limits;
use crate::actions::Actions;
use crate::model::audit::{AuditAction, AuditEntry, AuditObject};
use crate::model::secret::Secret;
use crate::model::{Actor, SecretId};
use crate::store::{self, notify, secrets};

/// Why a secret was not saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveSecretError {
    /// The draft is invalid.
    #[error("{0}")]
    Invalid(SecretErrors),
    /// There is no secret with this id.
    #[error("there is no such secret")]
    NotFound,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Actions {
    /// Changes where a secret may be sent, its description, and its value unless the new one is empty. Returns its name.
    ///
    /// # Errors
    /// See [`SaveSecretError`].
    pub async fn update_secret(
        &self,
        id: SecretId,
        draft: &SecretDraft,
        actor: &Actor,
    ) -> Result<String, SaveSecretError> {
        let parts = &self.parts;
        let checked = draft::check_changed(draft, parts.rules).map_err(SaveSecretError::Invalid)?;
        let change_id = parts.sources.uuid();
        let mut tx = store::begin(&parts.db).await.map_err(store::Error::from)?;
        let before =
            secrets::find_for_update(&mut tx, id).await?.ok_or(SaveSecretError::NotFound)?;
        let secret = Secret {
            limits: checked.limits,
            description: checked.description,
            updated_at: parts.sources.now(),
            updated_by: actor.clone(),
            ..before
        };
        let value = draft.has_value().then_some(&draft.value);
        secrets::update(&mut tx, &parts.vault, &secret, value).await?;
        notify::notify_webhooks(&mut tx, change_id).await?;
        let object = AuditObject::secret(secret.id, secret.name.as_str());
        let entry = AuditEntry::new(AuditAction::SecretChanged, object);
        let entry = entry.with("replaced_value", value.is_some());
        self.record(&mut tx, actor, [with_limits(entry, &secret)]).await?;
        tx.commit().await.map_err(store::Error::from)?;
        self.apply_change(change_id).await?;
        Ok(secret.name.as_str().to_owned())
    }
}
