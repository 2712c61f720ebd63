//! The history of a webhook: comparing and restoring revisions.

use crate::actions::{Actions, SaveRequest, SaveWebhookError};
use crate::model::webhook::{Difference, differences};
use crate::model::{Actor, WebhookId};
use crate::store::revisions::SECRET_LABEL;
use crate::store::{self, revisions, webhooks};

impl Actions {
    /// Returns the differences between two revisions, and the secrets that got new values between them. `None` if one of them does not exist any more.
    ///
    /// # Errors
    /// If the database failed.
    pub async fn compare_revisions(
        &self,
        id: WebhookId,
        from: i32,
        to: i32,
    ) -> Result<Option<Vec<Difference>>, store::Error> {
        let mut connection = self.parts.db.acquire().await?;
        let before = revisions::find(&mut connection, id, from).await?;
        let after = revisions::find(&mut connection, id, to).await?;
        let Some((before, after)) = before.zip(after) else { return Ok(None) };
        let mut found = differences(&before, &after);
        let changed = revisions::list_changed(&mut connection, id, from.min(to), from.max(to));
        for label in changed.await?.into_iter().filter(|label| label.starts_with(SECRET_LABEL)) {
            let (before, after) = (Some("a value".to_owned()), Some("another value".to_owned()));
            found.push(Difference { label, before, after });
        }
        Ok(Some(found))
    }

    /// Returns the differences between a webhook and one of its revisions. `None` if either does not exist.
    ///
    /// # Errors
    /// If the database failed.
    pub async fn compare_with_revision(
        &self,
        id: WebhookId,
        number: i32,
    ) -> Result<Option<Vec<Difference>>, store::Error> {
        let current = webhooks::find(&self.parts.db, id).await?;
        let mut connection = self.parts.db.acquire().await?;
        let old = revisions::find(&mut connection, id, number).await?;
        Ok(current.zip(old).map(|(current, old)| differences(&current, &old)))
    }

    /// Saves an earlier revision again. Its references get the current values of the secrets.
    ///
    /// # Errors
    /// See [`SaveWebhookError`]. A revision that was valid when it was saved may not be valid any more.
    pub async fn restore_webhook(
        &self,
        id: WebhookId,
        number: i32,
        expected_revision: Option<i32>,
        actor: &Actor,
    ) -> Result<(), SaveWebhookError> {
        let mut connection = self.parts.db.acquire().await.map_err(store::Error::from)?;
        let old = revisions::find(&mut connection, id, number).await?;
        drop(connection);
        let old = old.ok_or(SaveWebhookError::NotFound)?;
        let restored = Some(number);
        let (id, actor) = (Some(id), actor.clone());
        let save = SaveRequest { id, expected_revision, actor, restored, ..SaveRequest::default() };
        self.save_webhook(&save, &old).await.map(|_id| ())
    }
}
