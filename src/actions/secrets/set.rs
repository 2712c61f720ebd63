//! Creates a shared secret, or replaces its value.

use secrecy::SecretString;

use super::create::name_taken;
use super::draft::{self, SecretDraft};
use super::entry::with_limits;
use super::update::SaveSecretError;
use crate::actions::Actions;
use crate::model::audit::{AuditAction, AuditEntry, AuditObject};
use crate::model::secret::{AllowedHost, Secret, SecretName};
use crate::model::{Actor, SecretId};
use crate::store::notify::Acknowledgements;
use crate::store::{self, PgConnection, notify, secrets};

/// The new state of a shared secret. What is `None` stays as it is, and is empty for a new secret.
#[derive(Debug, Clone, Default)]
pub struct SetSecret {
    /// The name.
    pub name: String,
    /// The value.
    pub value: SecretString,
    /// The hosts that the value may be sent to.
    pub hosts: Option<String>,
    /// The scopes of an OAuth client.
    pub scopes: Option<String>,
    /// The hosts that access tokens may be sent to.
    pub token_hosts: Option<String>,
    /// What the secret is for.
    pub description: Option<String>,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretChange {
    /// Whether the secret is new.
    pub is_new: bool,
    /// Whether there are hosts that it may be sent to.
    pub has_hosts: bool,
    /// Whether the running servers use it already.
    pub is_in_force: bool,
}

impl Actions {
    /// Creates a shared secret, or replaces the value of the existing one. Returns once the running servers use it.
    ///
    /// # Errors
    /// See [`SaveSecretError`].
    pub async fn set_secret(
        &self,
        set: SetSecret,
        actor: &Actor,
    ) -> Result<SecretChange, SaveSecretError> {
        let parts = &self.parts;
        let change_id = parts.sources.uuid();
        // Before the transaction, so that no acknowledgement is missed.
        let acknowledgements = Acknowledgements::start(&parts.db).await?;
        let mut tx = store::begin(&parts.db).await.map_err(store::Error::from)?;
        let before = find(&mut tx, &set.name).await?;
        let draft = merge(set, before.as_ref());
        let (name, checked) =
            draft::check_new(&draft, parts.rules).map_err(SaveSecretError::Invalid)?;
        let secret = Secret {
            id: before.as_ref().map_or_else(|| SecretId::new(&parts.sources), |before| before.id),
            name,
            webhook: None,
            limits: checked.limits,
            description: checked.description,
            updated_at: parts.sources.now(),
            updated_by: actor.clone(),
        };
        let is_new = before.is_none();
        if is_new {
            let inserted = secrets::insert(&mut tx, &parts.vault, &secret, &draft.value).await;
            inserted.map_err(name_taken)?;
        } else {
            secrets::update(&mut tx, &parts.vault, &secret, Some(&draft.value)).await?;
        }
        notify::notify_webhooks(&mut tx, change_id).await?;
        let action = if is_new { AuditAction::SecretCreated } else { AuditAction::SecretChanged };
        let object = AuditObject::secret(secret.id, secret.name.as_str());
        let entry = AuditEntry::new(action, object).with("replaced_value", !is_new);
        self.record(&mut tx, actor, [with_limits(entry, &secret)]).await?;
        tx.commit().await.map_err(store::Error::from)?;
        self.apply_change(change_id).await?;
        let is_in_force = acknowledgements.wait(change_id).await;
        Ok(SecretChange { is_new, has_hosts: !secret.limits.hosts.is_empty(), is_in_force })
    }
}

/// Returns the existing secret. An invalid name is reported later, together with the other errors.
async fn find(db: &mut PgConnection, name: &str) -> Result<Option<Secret>, store::Error> {
    match name.trim().parse::<SecretName>() {
        Ok(name) => secrets::find_shared_for_update(db, &name).await,
        Err(_invalid) => Ok(None),
    }
}

fn merge(set: SetSecret, before: Option<&Secret>) -> SecretDraft {
    let tokens = before.and_then(|before| before.limits.tokens.as_ref());
    SecretDraft {
        hosts: set
            .hosts
            .unwrap_or_else(|| before.map(|it| join(&it.limits.hosts)).unwrap_or_default()),
        scopes: set
            .scopes
            .unwrap_or_else(|| tokens.map(|tokens| tokens.scopes.clone()).unwrap_or_default()),
        token_hosts: set
            .token_hosts
            .unwrap_or_else(|| tokens.map(|tokens| join(&tokens.hosts)).unwrap_or_default()),
        description: set
            .description
            .unwrap_or_else(|| before.map(|it| it.description.clone()).unwrap_or_default()),
        name: set.name,
        value: set.value,
    }
}

fn join(hosts: &[AllowedHost]) -> String {
    hosts.iter().map(AllowedHost::to_string).collect::<Vec<_>>().join("\n")
}
