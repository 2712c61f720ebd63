//! A webhook's history: what changed from one revision to another, and going back to one.

use crate::actions::{Actions, Save, SaveWebhookError};
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
        let before = revisions::find_whole(&mut connection, vault, id, from).await?;
        let after = revisions::find_whole(&mut connection, vault, id, to).await?;
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
        let there = webhooks::find_sealed(&mut connection, vault, id).await?;
        let old = revisions::find_whole(&mut connection, vault, id, number).await?;
        Ok(there.zip(old).map(|(there, old)| differences(&there, &old)))
    }

    /// Saves an earlier revision again, secrets and all.
    ///
    /// # Errors
    /// See [`SaveWebhookError`]; a revision that was fine once may be no more.
    pub async fn restore_webhook(
        &self,
        id: WebhookId,
        number: i32,
        seen: Option<i32>,
        actor: &Actor,
    ) -> Result<(), SaveWebhookError> {
        let mut connection = self.parts.db.acquire().await.map_err(store::Error::from)?;
        let old = revisions::find_whole(&mut connection, &self.parts.vault, id, number).await?;
        drop(connection);
        let old = old.ok_or(SaveWebhookError::NotFound)?;
        let restored = Some(number);
        let save = Save { id: Some(id), base: None, seen, actor: actor.clone(), restored };
        self.save_webhook(&save, &old).await.map(|_id| ())
    }
}
