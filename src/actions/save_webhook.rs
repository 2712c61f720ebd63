//! Saves a new webhook, or a changed one.

use crate::actions::Actions;
use crate::model::secret::unmask_for_same_server;
use crate::model::webhook::{Draft, Field, FieldErrors, RevisionKind};
use crate::model::{Actor, WebhookId};
use crate::store::deliveries::queue;
use crate::store::revisions::{self, NewRevision};
use crate::store::{self, PgConnection, breakers, notify, webhooks};

/// Why a webhook was not saved. Nothing of it is.
#[derive(Debug, thiserror::Error)]
pub enum SaveWebhookError {
    /// What was typed has mistakes.
    #[error("{0}")]
    Invalid(FieldErrors),
    /// There is no webhook of that id.
    #[error("there is no such webhook")]
    NotFound,
    /// Somebody else has saved it since it was read.
    #[error(
        "somebody else has saved it meanwhile (revision {expected_revision} was read, {current_revision} is there)"
    )]
    Stale {
        /// The revision that was read.
        expected_revision: i32,
        /// The one that is there.
        current_revision: i32,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Which webhook is saved, and by whom.
#[derive(Debug, Clone, Default)]
pub struct SaveRequest {
    /// None for a new one.
    pub id: Option<WebhookId>,
    /// The one it was copied from.
    pub base: Option<WebhookId>,
    /// The revision that was read, where another one must not be overwritten.
    pub expected_revision: Option<i32>,
    /// Actor saves.
    pub actor: Actor,
    /// The revision that is restored by it.
    pub restored: Option<i32>,
}

impl Actions {
    /// Saves. Masked secrets stand for those of the webhook itself, or of the one it was copied from.
    ///
    /// # Errors
    /// See [`SaveWebhookError`].
    pub async fn save_webhook(
        &self,
        save: &SaveRequest,
        draft: &Draft,
    ) -> Result<WebhookId, SaveWebhookError> {
        let mut tx = self.parts.db.begin().await.map_err(store::Error::from)?;
        let saved = self.save_within(&mut tx, save, draft).await;
        if let Err(SaveWebhookError::Stale { .. }) = &saved {
            // What was there may just have got its place in the history.
            tx.commit().await.map_err(store::Error::from)?;
            return saved;
        }
        let saved = saved?;
        tx.commit().await.map_err(store::Error::from)?;
        self.reload().await?;
        Ok(saved)
    }

    pub(super) async fn save_within(
        &self,
        db: &mut PgConnection,
        save: &SaveRequest,
        draft: &Draft,
    ) -> Result<WebhookId, SaveWebhookError> {
        let parts = &self.parts;
        let before = match save.id {
            Some(id) => Some(self.read_to_change(db, id, save.expected_revision).await?),
            None => None,
        };
        let whole = match (&before, save.base) {
            (Some(before), _) => unmask_for_same_server(draft, before),
            (None, Some(base)) => self.with_secrets_of(db, base, draft).await?,
            (None, None) => draft.clone(),
        };
        let webhook = self.check(whole).map_err(SaveWebhookError::Invalid)?;
        let draft = webhook.draft();
        let now = parts.sources.now();
        let id = save.id.unwrap_or_else(|| WebhookId::new(&parts.sources));
        let saved = match &before {
            None => webhooks::insert(db, &parts.vault, id, draft, now).await,
            // What changes nothing is no revision.
            Some(before) if before == draft => Ok(()),
            Some(_) => webhooks::update(db, &parts.vault, id, draft, now).await.map(|_found| ()),
        };
        saved.map_err(name_taken)?;
        if before.as_ref() != Some(draft) {
            let restored = save.restored.map(|number| number.to_string());
            let new = NewRevision {
                webhook: id,
                before: before.as_ref(),
                after: draft,
                actor: &save.actor,
                kind: match restored {
                    Some(_) => RevisionKind::Restored,
                    None => RevisionKind::of(before.as_ref(), draft),
                },
                note: restored.as_deref().unwrap_or_default(),
            };
            revisions::record(db, &parts.vault, &new, now).await?;
        }
        if before.is_some() {
            // Somebody has looked after it: what waits need not wait for the next probe.
            breakers::close(db, id).await?;
        }
        if before.is_some_and(|before| before.active != draft.active) {
            if draft.active {
                queue::release(db, id, now).await?;
            } else {
                queue::hold(db, id).await?;
            }
        }
        notify::notify(db, notify::WEBHOOKS).await?;
        Ok(id)
    }

    /// The webhook as it is, locked, with its place in the history.
    async fn read_to_change(
        &self,
        db: &mut PgConnection,
        id: WebhookId,
        expected_revision: Option<i32>,
    ) -> Result<Draft, SaveWebhookError> {
        let vault = &self.parts.vault;
        let found = webhooks::find_with_secrets_for_update(db, vault, id).await?;
        let found = found.ok_or(SaveWebhookError::NotFound)?;
        let current_revision = revisions::backfill_revision(db, vault, id, &found).await?;
        match expected_revision {
            Some(expected_revision) if expected_revision != current_revision => {
                Err(SaveWebhookError::Stale { expected_revision, current_revision })
            }
            _ => Ok(found),
        }
    }

    /// The draft with its masks replaced by the secrets of another webhook.
    pub(super) async fn with_secrets_of(
        &self,
        db: &mut PgConnection,
        base: WebhookId,
        draft: &Draft,
    ) -> Result<Draft, store::Error> {
        let stored = webhooks::find_with_secrets_for_update(db, &self.parts.vault, base).await?;
        Ok(stored.map_or_else(|| draft.clone(), |stored| unmask_for_same_server(draft, &stored)))
    }
}

fn name_taken(error: store::Error) -> SaveWebhookError {
    if error.is_conflict(webhooks::NAME_KEY) {
        let message = "Another webhook has this name: names are unique, whatever their case.";
        SaveWebhookError::Invalid(FieldErrors::single(Field::Name, message))
    } else {
        SaveWebhookError::Store(error)
    }
}
