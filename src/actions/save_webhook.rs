//! Saves a new or a changed webhook.

use uuid::Uuid;

use crate::actions::{Actions, Entered};
use crate::model::audit::{AuditAction, AuditEntry, AuditObject};
use crate::model::secret::SecretChoices;
use crate::model::webhook::{Draft, Field, FieldErrors, RevisionKind};
use crate::model::{Actor, SecretId, WebhookId};
use crate::store::revisions::WebhookChange;
use crate::store::webhook_changes::{self, LockedWebhook};
use crate::store::{self, PgConnection, secrets, webhooks};

/// Why a webhook was not saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveWebhookError {
    /// The draft is invalid.
    #[error("{0}")]
    Invalid(FieldErrors),
    /// There is no webhook with this id.
    #[error("there is no such webhook")]
    NotFound,
    /// The webhook was saved by someone else since it was read.
    #[error(
        "the webhook was changed meanwhile (expected revision {expected_revision}, found {current_revision})"
    )]
    Stale {
        /// The revision that the draft is based on.
        expected_revision: i32,
        /// The current revision.
        current_revision: i32,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Which webhook to save, and who saves it.
#[derive(Debug, Clone, Default)]
pub struct SaveRequest {
    /// The webhook. `None` for a new one.
    pub id: Option<WebhookId>,
    /// The webhook that a new one was copied from.
    pub base: Option<WebhookId>,
    /// The revision that the draft is based on. `None` to overwrite any.
    pub expected_revision: Option<i32>,
    /// What to do with credentials that were entered literally.
    pub choices: SecretChoices,
    /// Who saves.
    pub actor: Actor,
    /// The revision that is restored by this.
    pub restored: Option<i32>,
}

impl Actions {
    /// Saves a webhook. Credentials that were entered literally are moved into secrets.
    ///
    /// # Errors
    /// See [`SaveWebhookError`].
    pub async fn save_webhook(
        &self,
        request: &SaveRequest,
        draft: &Draft,
    ) -> Result<WebhookId, SaveWebhookError> {
        let change_id = self.parts.sources.uuid();
        let mut tx = store::begin(&self.parts.db).await.map_err(store::Error::from)?;
        let before = match request.id {
            Some(id) => {
                let locked = webhook_changes::lock(&mut tx, id).await?;
                let LockedWebhook { draft, revision } = locked.ok_or(SaveWebhookError::NotFound)?;
                if let Some(expected_revision) = request.expected_revision
                    && expected_revision != revision
                {
                    // Keeps the revision that `lock` may have added.
                    tx.commit().await.map_err(store::Error::from)?;
                    let current_revision = revision;
                    return Err(SaveWebhookError::Stale { expected_revision, current_revision });
                }
                Some(draft)
            }
            None => None,
        };
        let saved = self.apply(&mut tx, change_id, request, before.as_ref(), draft).await?;
        self.record(&mut tx, &request.actor, saved.entries).await?;
        tx.commit().await.map_err(store::Error::from)?;
        self.apply_change(change_id).await?;
        Ok(saved.id)
    }

    /// Checks a draft and saves it with its secrets within a transaction.
    pub(super) async fn apply(
        &self,
        db: &mut PgConnection,
        change_id: Uuid,
        request: &SaveRequest,
        before: Option<&Draft>,
        draft: &Draft,
    ) -> Result<SavedWebhook, SaveWebhookError> {
        self.check_audit_trigger(db, &request.actor, [before, Some(draft)]).await?;
        let parts = &self.parts;
        let entered = Entered {
            webhook: request.id.or(request.base),
            draft: draft.clone(),
            choices: request.choices.clone(),
        };
        let prepared = self.prepare(db, entered).await?.map_err(SaveWebhookError::Invalid)?;
        let mut new = if request.id.is_some() { Vec::new() } else { prepared.copied() };
        new.extend(prepared.new.iter().cloned());
        let after = prepared.draft();
        let id = request.id.unwrap_or_else(|| WebhookId::new(&parts.sources));
        let restored = request.restored.map(|number| number.to_string());
        let secret_names = prepared.resolved.webhook().secret_names();
        let now = parts.sources.now();
        let changed_secrets: Vec<String> = new.iter().map(|new| new.name.to_string()).collect();
        let change = WebhookChange {
            webhook: id,
            before,
            after,
            actor: &request.actor,
            kind: match restored {
                Some(_) => RevisionKind::Restored,
                None => RevisionKind::of(before, after),
            },
            note: restored.as_deref().unwrap_or_default(),
            secret_names: Some(&secret_names),
            changed_secrets: &changed_secrets,
        };
        let changed = webhook_changes::apply(db, change_id, &change, now).await;
        let mut entries = Vec::from_iter(changed.map_err(name_taken)?);
        for secret in &new {
            let owner = (!secret.is_shared).then_some(id);
            let author = (&request.actor, now);
            let target = (SecretId::new(&parts.sources), owner);
            let saved = secrets::save(db, &parts.vault, target, secret, author).await;
            let (secret_id, is_new) = saved.map_err(name_taken)?;
            let action =
                if is_new { AuditAction::SecretCreated } else { AuditAction::SecretChanged };
            let object = AuditObject::secret(secret_id, secret.name.as_str());
            entries.push(AuditEntry::new(action, object).with("webhook", after.name.trim()));
        }
        if !secrets::lock(db, id, &secret_names).await? {
            let message = "A secret of this webhook was deleted meanwhile. Save again.";
            return Err(SaveWebhookError::Invalid(FieldErrors::single(Field::Name, message)));
        }
        for name in secrets::delete_unused(db, id, &secret_names).await? {
            let object = AuditObject::new("secret", "", &name);
            let entry = AuditEntry::new(AuditAction::SecretDeleted, object);
            entries.push(entry.with("webhook", after.name.trim()));
        }
        Ok(SavedWebhook { id, draft: after.clone(), changed_secrets, entries })
    }
}

/// A saved webhook.
#[derive(Debug)]
pub(super) struct SavedWebhook {
    pub(super) id: WebhookId,
    /// The webhook as saved.
    pub(super) draft: Draft,
    /// The names of the secrets that are new or have new values.
    pub(super) changed_secrets: Vec<String>,
    /// For the audit log, at the end of the transaction.
    pub(super) entries: Vec<AuditEntry>,
}

fn name_taken(error: store::Error) -> SaveWebhookError {
    if webhooks::is_name_taken(&error) {
        let message = "Another webhook has this name. Names must be unique, ignoring case.";
        SaveWebhookError::Invalid(FieldErrors::single(Field::Name, message))
    } else if secrets::is_name_taken(&error) {
        let message = "A secret of this name was added meanwhile. Save again.";
        SaveWebhookError::Invalid(FieldErrors::single(Field::Name, message))
    } else {
        SaveWebhookError::Store(error)
    }
}
