//! Keys for signatures: generates one, and replaces the one of a webhook while the previous one still signs.

use chrono::{SecondsFormat, TimeDelta};

use crate::actions::save_webhook::{SaveRequest, SaveWebhookError};
use crate::actions::{Actions, ChangeWebhookError};
use crate::model::secret::SecretValue;
use crate::model::signature::{SignatureScheme, SigningKey};
use crate::model::webhook::{Draft, ResolvedWebhook, SigningDraft, Webhook};
use crate::model::{Actor, Timestamp, WebhookId};
use crate::store::{self, revisions, secrets, webhooks};

/// A key that signs the requests of a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKeyInfo {
    /// The public key. `None` for a shared key.
    pub public_key: Option<String>,
    /// Until when the key signs. `None` for the current one.
    pub until: Option<Timestamp>,
}

/// Why the key of a webhook was not replaced.
#[derive(Debug, thiserror::Error)]
pub enum RotateSigningKeyError {
    /// The webhook does not sign requests.
    #[error("the webhook does not sign requests")]
    NotSigned,
    /// The webhook could not be saved.
    #[error(transparent)]
    Save(#[from] SaveWebhookError),
}

impl Actions {
    /// Returns a new key for a scheme. Nothing is stored.
    pub fn generate_signing_key(&self, scheme: SignatureScheme) -> SecretValue {
        SigningKey::generate(scheme, &self.parts.sources)
    }

    /// Gives a webhook a new key, and returns it to be shown once. The current one signs too for `overlap`, so that receivers can change keys without
    /// rejecting a request. A key that was replaced before does not sign any more. `seen` is the revision that the user has
    /// seen, so that a request that is sent twice does not replace the new key.
    ///
    /// # Errors
    /// See [`RotateSigningKeyError`].
    pub async fn rotate_signing_key(
        &self,
        id: WebhookId,
        seen: i32,
        overlap: TimeDelta,
        actor: &Actor,
    ) -> Result<SecretValue, RotateSigningKeyError> {
        let (before, _) = self.signed_webhook(id).await?;
        let scheme = before.signing.scheme.parse();
        let scheme = scheme.map_err(|_unknown| RotateSigningKeyError::NotSigned)?;
        let new = self.generate_signing_key(scheme);
        let until = self.parts.sources.now() + overlap;
        let (previous_key, previous_until) = if overlap > TimeDelta::zero() {
            let until = until.to_rfc3339_opts(SecondsFormat::Secs, true);
            (before.signing.key.clone(), until)
        } else {
            Default::default()
        };
        let key = new.expose().to_owned();
        let signing = SigningDraft { key, previous_key, previous_until, ..before.signing.clone() };
        self.save_signing(id, seen, Draft { signing, ..before }, actor).await?;
        Ok(new)
    }

    /// Stops signing with the previous key of a webhook.
    ///
    /// # Errors
    /// See [`RotateSigningKeyError`].
    pub async fn end_previous_signing_key(
        &self,
        id: WebhookId,
        actor: &Actor,
    ) -> Result<(), RotateSigningKeyError> {
        let (before, revision) = self.signed_webhook(id).await?;
        let SigningDraft { scheme, key, .. } = before.signing.clone();
        let signing = SigningDraft { scheme, key, ..SigningDraft::default() };
        self.save_signing(id, revision, Draft { signing, ..before }, actor).await
    }

    /// Returns the keys that sign the requests of a webhook: first the current one. Empty if requests are not signed, or if the
    /// key cannot be used.
    ///
    /// # Errors
    /// If the webhook does not exist or the database failed.
    pub async fn signing_keys(
        &self,
        id: WebhookId,
    ) -> Result<Vec<SigningKeyInfo>, ChangeWebhookError> {
        let parts = &self.parts;
        let draft = webhooks::find(&parts.db, id).await?.ok_or(ChangeWebhookError::NotFound)?;
        let mut connection = parts.db.acquire().await.map_err(store::Error::from)?;
        let available = secrets::resolve(&mut connection, &parts.vault, Some(id)).await?;
        let Ok(webhook) = Webhook::new(draft, &parts.rules) else { return Ok(Vec::new()) };
        let resolved = ResolvedWebhook::new(webhook, &available);
        let keys = resolved.signing_keys().iter();
        let info = |(key, until): &(SigningKey, Option<Timestamp>)| SigningKeyInfo {
            public_key: key.public_key(),
            until: *until,
        };
        Ok(keys.map(info).collect())
    }

    /// Returns a webhook that signs requests, and its revision.
    async fn signed_webhook(&self, id: WebhookId) -> Result<(Draft, i32), RotateSigningKeyError> {
        let db = &self.parts.db;
        // Read before the webhook, so that a change in between is noticed.
        let revision = revisions::current_number(db, id).await.map_err(SaveWebhookError::Store)?;
        let found = webhooks::find(db, id).await.map_err(SaveWebhookError::Store)?;
        let draft = found.ok_or(SaveWebhookError::NotFound)?;
        if draft.signing.scheme.is_empty() {
            return Err(RotateSigningKeyError::NotSigned);
        }
        Ok((draft, revision))
    }

    async fn save_signing(
        &self,
        id: WebhookId,
        revision: i32,
        draft: Draft,
        actor: &Actor,
    ) -> Result<(), RotateSigningKeyError> {
        let request = SaveRequest {
            id: Some(id),
            expected_revision: Some(revision),
            actor: actor.clone(),
            ..SaveRequest::default()
        };
        self.save_webhook(&request, &draft).await?;
        Ok(())
    }
}
