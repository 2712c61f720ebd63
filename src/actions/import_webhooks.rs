//! Brings the webhooks to what a file says, by name.

use std::collections::HashSet;

use crate::actions::{Actions, SaveRequest, SaveWebhookError};
use crate::model::Actor;
use crate::model::secret::{mask, unmask_for_same_server};
use crate::model::webhook::{Draft, WebhookFile, read_file, write_yaml};
use crate::store::{self, webhooks};

/// What an import does to one webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The webhook.
    pub name: String,
    /// `None` where there was none of that name; YAML, secrets masked.
    pub before: Option<String>,
    /// The same after.
    pub after: String,
    /// Whether a secret changes, which the texts do not show.
    pub secrets_change: bool,
}

impl Change {
    /// Whether the file says what is there already.
    pub fn is_none(&self) -> bool {
        self.before.as_ref() == Some(&self.after) && !self.secrets_change
    }
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file is not of the form.
    #[error("{0}")]
    File(String),
    /// A webhook in it has mistakes.
    #[error("webhook \"{name}\": {error}")]
    Webhook {
        /// Its name.
        name: String,
        /// Why.
        error: SaveWebhookError,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Actions {
    /// All webhooks as YAML, no secret values in it.
    ///
    /// # Errors
    /// Where the database failed.
    pub async fn export_webhooks(&self) -> Result<String, ImportError> {
        let drafts: Vec<Draft> =
            webhooks::list(&self.parts.db).await?.into_iter().map(|(_, draft)| draft).collect();
        write_yaml(&drafts).map_err(|error| ImportError::File(error.to_string()))
    }

    /// Adds and changes webhooks by name, all or none. Masked secrets keep what is stored. With
    /// `dry_run` nothing is written.
    ///
    /// # Errors
    /// See [`ImportError`].
    pub async fn import_webhooks(
        &self,
        file: &str,
        dry_run: bool,
        actor: &Actor,
    ) -> Result<Vec<Change>, ImportError> {
        let drafts = read_file(file).map_err(|error| ImportError::File(error.to_string()))?;
        check_names(&drafts)?;
        let mut tx = self.parts.db.begin().await.map_err(store::Error::from)?;
        let mut changes = Vec::new();
        for draft in drafts {
            let name = draft.name.trim().to_owned();
            let id = webhooks::find_id_by_name(&mut tx, &name).await?;
            let before = match id {
                Some(id) => {
                    webhooks::find_with_secrets_for_update(&mut tx, &self.parts.vault, id).await?
                }
                None => None,
            };
            let whole = before
                .as_ref()
                .map_or_else(|| draft.clone(), |before| unmask_for_same_server(&draft, before));
            let save = SaveRequest { id, actor: actor.clone(), ..SaveRequest::default() };
            let saved = self
                .save_within(&mut tx, &save, &whole)
                .await
                .map_err(|error| ImportError::Webhook { name: name.clone(), error })?;
            let after = webhooks::find_with_secrets_for_update(&mut tx, &self.parts.vault, saved)
                .await?
                .unwrap_or(whole);
            changes.push(Change {
                name,
                secrets_change: before
                    .as_ref()
                    .is_some_and(|before| mask(before) == mask(&after) && *before != after),
                before: before.as_ref().map(text).transpose()?,
                after: text(&after)?,
            });
        }
        if dry_run {
            tx.rollback().await.map_err(store::Error::from)?;
        } else {
            tx.commit().await.map_err(store::Error::from)?;
            self.reload().await?;
        }
        Ok(changes)
    }
}

/// By name means that each name stands there once.
fn check_names(drafts: &[Draft]) -> Result<(), ImportError> {
    let mut seen = HashSet::new();
    match drafts.iter().find(|draft| !seen.insert(draft.name.trim().to_lowercase())) {
        None => Ok(()),
        Some(twice) => Err(ImportError::File(format!(
            "the name \"{}\" stands there twice: names are unique, whatever their case",
            twice.name.trim()
        ))),
    }
}

/// The form in which two are compared: the file's, so that a number and its text are alike.
fn text(draft: &Draft) -> Result<String, ImportError> {
    let file = WebhookFile::from_draft(&mask(draft));
    let draft = file.into_draft().map_err(|error| ImportError::File(error.to_string()))?;
    write_yaml(&[draft]).map_err(|error| ImportError::File(error.to_string()))
}
