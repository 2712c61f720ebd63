//! Exports webhooks to a file and imports them from one, by name.

use std::collections::HashSet;

use crate::actions::{Actions, SaveRequest, SaveWebhookError};
use crate::model::Actor;
use crate::model::audit::{AuditAction, AuditEntry, AuditObject};
use crate::model::webhook::{Draft, WebhookFile, fold_name, read_file, write_yaml};
use crate::store::notify::Acknowledgements;
use crate::store::{self, webhook_changes, webhooks};

/// The effect of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The webhooks of the file, in order.
    pub webhooks: Vec<ImportedWebhook>,
    /// Whether all running servers use them.
    pub is_in_force: bool,
}

/// The effect of an import on one webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedWebhook {
    /// The webhook's name.
    pub name: String,
    /// The webhook before the import, as YAML. `None` if it is new.
    pub before: Option<String>,
    /// The webhook after the import, as YAML.
    pub after: String,
    /// The names of the secrets that are new or get new values, which the YAML does not show.
    pub changed_secrets: Vec<String>,
}

impl ImportedWebhook {
    /// Returns whether the import does not change the webhook.
    pub fn is_unchanged(&self) -> bool {
        self.before.as_ref() == Some(&self.after) && self.changed_secrets.is_empty()
    }
}

/// Why nothing was imported or exported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be parsed.
    #[error("{0}")]
    File(String),
    /// A webhook in the file cannot be saved.
    #[error("webhook \"{name}\": {error}")]
    Webhook {
        /// Its name.
        name: String,
        /// The error.
        error: SaveWebhookError,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Actions {
    /// Returns all webhooks as YAML, and records the export.
    ///
    /// # Errors
    /// If the database failed.
    pub async fn export_webhooks(&self, actor: &Actor) -> Result<String, ImportError> {
        let drafts: Vec<Draft> =
            webhooks::list(&self.parts.db).await?.into_iter().map(|(_, draft)| draft).collect();
        let entry = AuditEntry::new(AuditAction::WebhooksExported, AuditObject::default());
        let mut tx = store::begin(&self.parts.db).await.map_err(store::Error::from)?;
        self.record(&mut tx, actor, [entry.with("webhooks", drafts.len())]).await?;
        tx.commit().await.map_err(store::Error::from)?;
        write_yaml(&drafts).map_err(|error| ImportError::File(error.to_string()))
    }

    /// Adds and changes webhooks by name, all or none. Returns once the running servers use them. Credentials that the file
    /// contains literally are moved into secrets. With `dry_run`, returns the changes without making them.
    ///
    /// # Errors
    /// See [`ImportError`].
    pub async fn import_webhooks(
        &self,
        file: &str,
        dry_run: bool,
        actor: &Actor,
    ) -> Result<Import, ImportError> {
        let drafts = read_file(file).map_err(|error| ImportError::File(error.to_string()))?;
        check_names(&drafts)?;
        let parts = &self.parts;
        let change_id = parts.sources.uuid();
        // Before the transaction, so that no acknowledgement is missed.
        let acknowledgements =
            if dry_run { None } else { Some(Acknowledgements::start(&parts.db).await?) };
        let mut tx = store::begin(&parts.db).await.map_err(store::Error::from)?;
        let (mut changes, mut entries) = (Vec::new(), Vec::new());
        for draft in drafts {
            let name = draft.name.trim().to_owned();
            let id = webhooks::find_id_by_name(&mut tx, &name).await?;
            let before = match id {
                Some(id) => webhook_changes::lock(&mut tx, id).await?,
                None => None,
            };
            let before = before.map(|locked| locked.draft);
            let request = SaveRequest { id, actor: actor.clone(), ..SaveRequest::default() };
            let saved = self
                .apply(&mut tx, change_id, &request, before.as_ref(), &draft)
                .await
                .map_err(|error| ImportError::Webhook { name: name.clone(), error })?;
            entries.extend(saved.entries);
            changes.push(ImportedWebhook {
                name,
                before: before.as_ref().map(to_yaml).transpose()?,
                after: to_yaml(&saved.draft)?,
                changed_secrets: saved.changed_secrets,
            });
        }
        if dry_run {
            tx.rollback().await.map_err(store::Error::from)?;
        } else {
            let imported = AuditEntry::new(AuditAction::WebhooksImported, AuditObject::default());
            let count = changes.iter().filter(|change| !change.is_unchanged()).count();
            entries.push(imported.with("webhooks", changes.len()).with("changed", count));
            self.record(&mut tx, actor, entries).await?;
            tx.commit().await.map_err(store::Error::from)?;
            self.apply_change(change_id).await?;
        }
        let is_in_force = match acknowledgements {
            Some(acknowledgements) => acknowledgements.wait(change_id).await,
            None => true,
        };
        Ok(Import { webhooks: changes, is_in_force })
    }
}

/// Checks that each name occurs once.
fn check_names(drafts: &[Draft]) -> Result<(), ImportError> {
    let mut seen = HashSet::new();
    match drafts.iter().find(|draft| !seen.insert(fold_name(&draft.name))) {
        None => Ok(()),
        Some(duplicate) => Err(ImportError::File(format!(
            "duplicate name \"{}\"; names must be unique, ignoring case",
            duplicate.name.trim()
        ))),
    }
}

/// Returns a webhook as YAML, normalized so that unchanged webhooks compare equal.
fn to_yaml(draft: &Draft) -> Result<String, ImportError> {
    let file = WebhookFile::from_draft(draft);
    let draft = file.into_draft().map_err(|error| ImportError::File(error.to_string()))?;
    write_yaml(&[draft]).map_err(|error| ImportError::File(error.to_string()))
}
