//! A webhook's history: what changed from one revision to another, and going back to one.

use crate::actions::{Actions, SaveRequest, SaveWebhookError};
use crate::model::webhook::{Difference, differences};
use crate::model::{Actor, WebhookId};
use crate::store::{self, revisions, webhooks};

impl Actions {
    /// What changed between two revisions; none where one of them is not kept.
    ///
    /// # Errors
    /// Where the database failed.
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

    /// What restoring a revision would change; none where there is no such webhook or revision.
    ///
    /// # Errors
    /// Where the database failed.
    pub async fn compare_with_revision(
        &self,
        id: WebhookId,
        number: i32,
    ) -> Result<Option<Vec<Difference>>, store::Error> {
        let mut connection = self.parts.db.acquire().await?;
        let vault = &self.parts.vault;
        let current = webhooks::find_with_secrets_for_update(&mut connection, vault, id).await?;
        let old = revisions::find_with_secrets(&mut connection, vault, id, number).await?;
        Ok(current.zip(old).map(|(current, old)| differences(&current, &old)))
    }

    /// Saves an earlier revision again, secrets and all.
    ///
    /// # Errors
    /// See [`SaveWebhookError`]; a revision that was fine once may be no more.
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
