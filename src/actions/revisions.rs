//! The history of a webhook: comparing and restoring revisions.

use crate::actions::{Actions, SaveRequest, SaveWebhookError};
use crate::model::webhook::{Difference, differences};
use crate::model::{Actor, WebhookId};
use crate::store::{self, revisions, webhooks};

impl Actions {
    /// Returns the differences between two revisions. `None` if one of them does not exist any more.
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
        let vault = &self.parts.vault;
        let before = revisions::find_with_secrets(&mut connection, vault, id, from).await?;
        let after = revisions::find_with_secrets(&mut connection, vault, id, to).await?;
        Ok(before.zip(after).map(|(before, after)| differences(&before, &after)))
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
        let mut connection = self.parts.db.acquire().await?;
        let vault = &self.parts.vault;
        let current = webhooks::find_with_secrets(&mut connection, vault, id).await?;
        let old = revisions::find_with_secrets(&mut connection, vault, id, number).await?;
        Ok(current.zip(old).map(|(current, old)| differences(&current, &old)))
    }

    /// Saves an earlier revision again, with its secrets.
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
        let old =
            revisions::find_with_secrets(&mut connection, &self.parts.vault, id, number).await?;
        drop(connection);
        let old = old.ok_or(SaveWebhookError::NotFound)?;
        let restored = Some(number);
        let save = SaveRequest {
            id: Some(id),
            base: None,
            expected_revision,
            actor: actor.clone(),
            restored,
        };
        self.save_webhook(&save, &old).await.map(|_id| ())
    }
}
