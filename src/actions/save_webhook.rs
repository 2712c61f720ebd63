//! Saves a new webhook, or a changed one.

use crate::actions::Actions;
use crate::model::WebhookId;
use crate::model::secret::unmask;
use crate::model::webhook::{Draft, Field, FieldErrors};
use crate::store::deliveries::queue;
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
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Actions {
    /// Saves. Masked secrets stand for those of the webhook itself, or of `base`, from which it was
    /// copied.
    ///
    /// # Errors
    /// See [`SaveWebhookError`].
    pub async fn save_webhook(
        &self,
        id: Option<WebhookId>,
        base: Option<WebhookId>,
        draft: &Draft,
    ) -> Result<WebhookId, SaveWebhookError> {
        let mut tx = self.parts.db.begin().await.map_err(store::Error::from)?;
        let saved = self.save_within(&mut tx, id, base, draft).await?;
        tx.commit().await.map_err(store::Error::from)?;
        self.reload().await?;
        Ok(saved)
    }

    pub(super) async fn save_within(
        &self,
        db: &mut PgConnection,
        id: Option<WebhookId>,
        base: Option<WebhookId>,
        draft: &Draft,
    ) -> Result<WebhookId, SaveWebhookError> {
        let parts = &self.parts;
        let before = match id {
            Some(id) => {
                let found = webhooks::find_sealed(db, &parts.vault, id).await?;
                Some(found.ok_or(SaveWebhookError::NotFound)?)
            }
            None => None,
        };
        let whole = match (&before, base) {
            (Some(before), _) => unmask(draft, before),
            (None, Some(base)) => self.with_secrets_of(db, base, draft).await?,
            (None, None) => draft.clone(),
        };
        let webhook = self.check(whole).map_err(SaveWebhookError::Invalid)?;
        let draft = webhook.draft();
        let now = parts.sources.now();
        let saved = if let Some(id) = id {
            let found = webhooks::update(db, &parts.vault, id, draft, now).await;
            if !found.map_err(name_taken)? {
                return Err(SaveWebhookError::NotFound);
            }
            id
        } else {
            let id = WebhookId::new(&parts.sources);
            webhooks::insert(db, &parts.vault, id, draft, now).await.map_err(name_taken)?;
            id
        };
        if before.is_some() {
            // Somebody has looked after it: what waits need not wait for the next probe.
            breakers::close(db, saved).await?;
        }
        if before.is_some_and(|before| before.active != draft.active) {
            if draft.active {
                queue::release(db, saved, now).await?;
            } else {
                queue::hold(db, saved).await?;
            }
        }
        notify::tell(db, notify::WEBHOOKS).await?;
        Ok(saved)
    }

    /// The draft with its masks replaced by the secrets of another webhook.
    pub(super) async fn with_secrets_of(
        &self,
        db: &mut PgConnection,
        base: WebhookId,
        draft: &Draft,
    ) -> Result<Draft, store::Error> {
        let stored = webhooks::find_sealed(db, &self.parts.vault, base).await?;
        Ok(stored.map_or_else(|| draft.clone(), |stored| unmask(draft, &stored)))
    }
}

fn name_taken(error: store::Error) -> SaveWebhookError {
    if error.is_conflict(webhooks::NAME_KEY) {
        let message = "Another webhook has this name: names are unique, whatever their case.";
        SaveWebhookError::Invalid(FieldErrors::one(Field::Name, message))
    } else {
        SaveWebhookError::Store(error)
    }
}
