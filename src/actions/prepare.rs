//! Prepares a draft: moves its credentials into secrets, validates it, and resolves its references.

use std::sync::Arc;

use crate::actions::Actions;
use crate::egress::TlsError;
use crate::model::WebhookId;
use crate::model::secret::{
    FoundCredential, MovedCredentials, NewSecret, ResolvedSecret, Secret, SecretChoice,
    SecretChoices, SecretSet, move_credentials,
};
use crate::model::webhook::{Draft, Field, FieldErrors, ResolvedWebhook, Webhook, check_masks};
use crate::store::{self, PgConnection, secrets};

/// Maximum number of secrets that a webhook uses, and of credentials that the form lists. Each is a row with a menu of all
/// secrets that the webhook may use.
const MAX_SECRETS: usize = 100;

/// A draft as it was entered.
#[derive(Debug, Clone, Default)]
pub struct Entered {
    /// The webhook that it belongs to, or that it was copied from, whose secrets it may use.
    pub webhook: Option<WebhookId>,
    /// The draft, possibly with credentials that were entered literally.
    pub draft: Draft,
    /// What to do with the credentials.
    pub choices: SecretChoices,
}

/// A valid draft.
#[derive(Debug)]
pub(super) struct Prepared {
    /// The webhook with the values of its secrets.
    pub(super) resolved: ResolvedWebhook,
    /// The secrets to store with it.
    pub(super) new: Vec<NewSecret>,
}

impl Prepared {
    fn new(
        entered: &Entered,
        available: &SecretSet,
        actions: &Actions,
    ) -> Result<Self, FieldErrors> {
        let masks = check_masks(&entered.draft);
        if !masks.is_empty() {
            return Err(masks);
        }
        let moved = move_credentials(&entered.draft, available, &entered.choices)?;
        if let Some(field) = moved.removed.first() {
            let message =
                "This text also contains a private key, which does not belong here: remove it.";
            return Err(FieldErrors::single(*field, message));
        }
        let usable = moved.usable(available);
        let MovedCredentials { draft, mut new, .. } = moved;
        new.retain(|new| !is_stored(new, available));
        let webhook = Webhook::new(draft, &actions.parts.rules)?;
        let count = webhook.secret_names().len();
        if count > MAX_SECRETS {
            let message = format!(
                "The webhook uses {count} secrets: use at most {MAX_SECRETS}. A value that is not a secret needs another name."
            );
            return Err(FieldErrors::single(Field::BodyTemplate, message));
        }
        let resolved = ResolvedWebhook::new(webhook, &usable);
        resolved.check()?;
        Ok(Self { resolved, new })
    }

    /// The draft with references in place of credentials.
    pub(super) fn draft(&self) -> &Draft {
        self.resolved.webhook().draft()
    }

    /// The secrets that belong only to another webhook, from which this one was copied, as secrets to store.
    pub(super) fn copied(&self) -> Vec<NewSecret> {
        let is_new = |name| self.new.iter().any(|new| new.name == name);
        let private = self.resolved.secrets().iter().filter(|secret| secret.is_private);
        private
            .filter(|secret| !is_new(secret.name.clone()))
            .map(|secret| NewSecret {
                name: secret.name.clone(),
                value: secret.value.clone(),
                limits: secret.limits.clone(),
                is_shared: false,
            })
            .collect()
    }
}

/// Whether a secret of the webhook has the same value and limits already, as when a file is imported again.
fn is_stored(new: &NewSecret, available: &SecretSet) -> bool {
    available.find(new.name.as_str()).is_some_and(|known| {
        known.is_private && known.value == new.value && known.limits == new.limits
    })
}

/// The secrets with their labels as values.
fn labelled(secrets: &[Secret]) -> SecretSet {
    let mut set = SecretSet::default();
    for secret in secrets {
        let labelled = ResolvedSecret::labelled(secret.name.clone(), secret.limits.clone());
        let is_private = secret.webhook.is_some();
        set.insert(Arc::new(ResolvedSecret { is_private, ..labelled }));
    }
    set
}

impl Actions {
    /// Prepares a draft for sending or saving. The inner error holds the mistakes in the draft.
    pub(super) async fn prepare(
        &self,
        db: &mut PgConnection,
        entered: Entered,
    ) -> Result<Result<Prepared, FieldErrors>, store::Error> {
        let available = secrets::resolve(db, &self.parts.vault, entered.webhook).await?;
        let actions = self.clone();
        let prepared = self.run_blocking(move || {
            let prepared = Prepared::new(&entered, &available, &actions)?;
            actions.check_tls(&prepared.resolved)?;
            Ok(prepared)
        });
        Ok(prepared.await)
    }

    /// Returns the credentials of a draft that were entered literally, with what happens to them, and the secrets that the
    /// draft may refer to.
    ///
    /// # Errors
    /// If the database failed.
    pub async fn review_credentials(
        &self,
        entered: &Entered,
    ) -> Result<(Vec<FoundCredential>, Vec<Secret>), store::Error> {
        let usable = self.usable_secrets(entered.webhook).await?;
        let mut choices = entered.choices.clone();
        for place in &entered.draft.not_secrets {
            choices.entry(place.clone()).or_insert(SecretChoice::NotSecret);
        }
        let draft = Draft { not_secrets: Vec::new(), ..entered.draft.clone() };
        let available = labelled(&usable);
        let moving = move || {
            let moved = move_credentials(&draft, &available, &choices)
                .or_else(|_impossible| move_credentials(&draft, &available, &SecretChoices::new()));
            let mut found = moved.map(|moved| moved.found).unwrap_or_default();
            found.truncate(MAX_SECRETS);
            found
        };
        Ok((self.run_blocking(moving).await, usable))
    }

    /// Returns the secrets that a webhook may use, without values.
    ///
    /// # Errors
    /// If the database failed.
    pub async fn usable_secrets(
        &self,
        webhook: Option<WebhookId>,
    ) -> Result<Vec<Secret>, store::Error> {
        let mut connection = self.parts.db.acquire().await?;
        secrets::list_usable(&mut connection, webhook).await
    }

    /// Prepares a draft for pages. The labels of the secrets stand for their values, so that nothing on the page can depend on
    /// a value.
    pub(super) async fn prepare_for_page(
        &self,
        entered: Entered,
    ) -> Result<Result<Prepared, FieldErrors>, store::Error> {
        let available = labelled(&self.usable_secrets(entered.webhook).await?);
        let actions = self.clone();
        Ok(self.run_blocking(move || Prepared::new(&entered, &available, &actions)).await)
    }

    /// Checks that the certificates and the key of a webhook can be used.
    fn check_tls(&self, resolved: &ResolvedWebhook) -> Result<(), FieldErrors> {
        self.parts.client.check_tls(resolved.tls()).map_err(|error| {
            let field = match &error {
                TlsError::Authority(_) => Field::TlsPem,
                TlsError::ClientCertificate(_) => Field::TlsClientCertificate,
                TlsError::ClientKey(_) => Field::TlsClientKey,
                TlsError::Other(_) => Field::TlsVerify,
            };
            FieldErrors::single(field, error.to_string())
        })
    }
}
