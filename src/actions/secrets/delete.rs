//! Deletes a secret.

use crate::actions::Actions;
use crate::model::audit::{AuditAction, AuditEntry, AuditObject};
use crate::model::secret::SecretName;
use crate::model::{Actor, SecretId};
use crate::store::notify::Acknowledgements;
use crate::store::secrets::SecretUser;
use crate::store::{self, PgConnection, notify, secrets};

/// Why a secret was not deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteSecretError {
    /// There is no such secret.
    #[error("there is no such secret")]
    NotFound,
    /// Webhooks use it.
    #[error("the secret is used by {}; remove it from there first", list_names(.0))]
    InUse(Vec<SecretUser>),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

fn list_names(users: &[SecretUser]) -> String {
    let names: Vec<String> = users.iter().map(|user| format!("\"{}\"", user.name)).collect();
    match names.split_last() {
        Some((last, before)) if !before.is_empty() => {
            format!("the webhooks {} and {last}", before.join(", "))
        }
        _ => format!("the webhook {}", names.concat()),
    }
}

impl Actions {
    /// Deletes a secret that no webhook uses. Returns its name.
    ///
    /// # Errors
    /// See [`DeleteSecretError`].
    pub async fn delete_secret(
        &self,
        id: SecretId,
        actor: &Actor,
    ) -> Result<String, DeleteSecretError> {
        let change_id = self.parts.sources.uuid();
        let mut tx = store::begin(&self.parts.db).await.map_err(store::Error::from)?;
        let name = delete_unused(&mut tx, id).await?;
        notify::notify_webhooks(&mut tx, change_id).await?;
        self.record(&mut tx, actor, [deleted(id, &name)]).await?;
        tx.commit().await.map_err(store::Error::from)?;
        self.apply_change(change_id).await?;
        Ok(name)
    }

    /// Deletes a shared secret that no webhook uses. Returns whether the running servers have noticed.
    ///
    /// # Errors
    /// See [`DeleteSecretError`].
    pub async fn delete_shared_secret(
        &self,
        name: &str,
        actor: &Actor,
    ) -> Result<bool, DeleteSecretError> {
        let change_id = self.parts.sources.uuid();
        let name: SecretName = name.parse().map_err(|_invalid| DeleteSecretError::NotFound)?;
        let acknowledgements = Acknowledgements::start(&self.parts.db).await?;
        let mut tx = store::begin(&self.parts.db).await.map_err(store::Error::from)?;
        let found = secrets::find_shared_for_update(&mut tx, &name).await?;
        let id = found.ok_or(DeleteSecretError::NotFound)?.id;
        delete_unused(&mut tx, id).await?;
        notify::notify_webhooks(&mut tx, change_id).await?;
        self.record(&mut tx, actor, [deleted(id, name.as_str())]).await?;
        tx.commit().await.map_err(store::Error::from)?;
        self.apply_change(change_id).await?;
        Ok(acknowledgements.wait(change_id).await)
    }
}

fn deleted(id: SecretId, name: &str) -> AuditEntry {
    AuditEntry::new(AuditAction::SecretDeleted, AuditObject::secret(id, name))
}

async fn delete_unused(db: &mut PgConnection, id: SecretId) -> Result<String, DeleteSecretError> {
    let secret = secrets::find_for_update(db, id).await?.ok_or(DeleteSecretError::NotFound)?;
    let users = secrets::list_users(db, &secret).await?;
    if !users.is_empty() {
        return Err(DeleteSecretError::InUse(users));
    }
    secrets::delete(db, id).await?;
    Ok(secret.name.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::WebhookId;

    #[test]
    fn names_the_webhooks() {
        let user = |name: &str| SecretUser {
            id: WebhookId::from(uuid::Uuid::nil()),
            name: name.to_owned(),
        };
        assert_eq!(list_names(&[user("A")]), "the webhook \"A\"");
        assert_eq!(
            list_names(&[user("A"), user("B"), user("C")]),
            "the webhooks \"A\", \"B\" and \"C\""
        );
    }
}
