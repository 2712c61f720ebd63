//! Saves a new or a changed webhook.

use uuid::Uuid;

use crate::actions::Actions;
use crate::model::secret::unmask_for_same_server;
use crate::model::webhook::{Draft, Field, FieldErrors, RevisionKind};
use crate::model::{Actor, WebhookId};
use crate::store::revisions::WebhookChange;
use crate::store::webhook_changes::{self, LockedWebhook};
use crate::store::{self, PgConnection, webhooks};

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
    /// Who saves.
    pub actor: Actor,
    /// The revision that is restored by this.
    pub restored: Option<i32>,
}

impl Actions {
    /// Saves a webhook. Masked secrets are replaced by the stored ones of the webhook or of the one it was copied from.
    ///
    /// # Errors
    /// See [`SaveWebhookError`].
    pub async fn save_webhook(
        &self,
        request: &SaveRequest,
        draft: &Draft,
    ) -> Result<WebhookId, SaveWebhookError> {
        let change_id = self.parts.sources.uuid();
        let mut tx = self.parts.db.begin().await.map_err(store::Error::from)?;
        let before = match request.id {
            Some(id) => {
                let vault = &self.parts.vault;
                let locked = webhook_changes::lock(&mut tx, vault, id).await?;
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
        let draft = match (&before, request.base) {
            (Some(before), _) => unmask_for_same_server(draft, before),
            (None, Some(base)) => self.with_secrets_of(&mut tx, base, draft).await?,
            (None, None) => draft.clone(),
        };
        let (saved, _) = self.apply(&mut tx, change_id, request, before.as_ref(), draft).await?;
        tx.commit().await.map_err(store::Error::from)?;
        self.apply_change(change_id).await?;
        Ok(saved)
    }

    /// Checks a draft with all its secrets and saves it within a transaction. Returns the id and the webhook as saved.
    pub(super) async fn apply(
        &self,
        db: &mut PgConnection,
        change_id: Uuid,
        request: &SaveRequest,
        before: Option<&Draft>,
        draft: Draft,
    ) -> Result<(WebhookId, Draft), SaveWebhookError> {
        let parts = &self.parts;
        let webhook = self.check(draft).await.map_err(SaveWebhookError::Invalid)?;
        let after = webhook.draft();
        let id = request.id.unwrap_or_else(|| WebhookId::new(&parts.sources));
        let restored = request.restored.map(|number| number.to_string());
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
        };
        webhook_changes::apply(db, &parts.vault, change_id, &change, parts.sources.now())
            .await
            .map_err(name_taken)?;
        Ok((id, after.clone()))
    }

    /// Replaces the masked secrets of a draft by those of another webhook.
    pub(super) async fn with_secrets_of(
        &self,
        db: &mut PgConnection,
        base: WebhookId,
        draft: &Draft,
    ) -> Result<Draft, store::Error> {
        let stored = webhooks::find_with_secrets(db, &self.parts.vault, base).await?;
        Ok(stored.map_or_else(|| draft.clone(), |stored| unmask_for_same_server(draft, &stored)))
    }
}

fn name_taken(error: store::Error) -> SaveWebhookError {
    if webhooks::is_name_taken(&error) {
        let message = "Another webhook has this name. Names must be unique, ignoring case.";
        SaveWebhookError::Invalid(FieldErrors::single(Field::Name, message))
    } else {
        SaveWebhookError::Store(error)
    }
}
