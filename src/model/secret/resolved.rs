//! Secrets: what they are, and the values that a webhook may use.

use std::collections::BTreeMap;
use std::sync::Arc;

use url::Url;

use super::host::AllowedHost;
use super::secret_name::SecretName;
use super::value::SecretValue;
use crate::model::{Actor, SecretId, Timestamp, WebhookId};
use crate::template::TemplateSecret;

/// Where the value of a secret may be sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretLimits {
    /// The hosts that the value may be sent to. Of an OAuth client secret, the hosts of token endpoints.
    pub hosts: Vec<AllowedHost>,
    /// The limits of an OAuth client secret. Any other secret cannot be used as one.
    pub tokens: Option<TokenLimits>,
}

/// What an OAuth client secret may be used for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenLimits {
    /// The scopes that may be requested, separated by spaces.
    pub scopes: String,
    /// The hosts that access tokens may be sent to.
    pub hosts: Vec<AllowedHost>,
}

impl SecretLimits {
    /// Whether the value may be sent to this URL.
    pub fn allow(&self, url: &Url) -> bool {
        self.hosts.iter().any(|host| host.allows(url))
    }
}

impl TokenLimits {
    /// Whether access tokens may be sent to this URL.
    pub fn allow(&self, url: &Url) -> bool {
        self.hosts.iter().any(|host| host.allows(url))
    }

    /// Returns the first of these scopes, separated by spaces, that may not be requested.
    pub fn forbidden_scope<'a>(&self, scopes: &'a str) -> Option<&'a str> {
        scopes
            .split_whitespace()
            .find(|scope| !self.scopes.split_whitespace().any(|it| it == *scope))
    }
}

/// A secret without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// The id.
    pub id: SecretId,
    /// The name, unique among shared secrets, or among those of the webhook.
    pub name: SecretName,
    /// The webhook that alone may use it. `None` for a shared secret.
    pub webhook: Option<WebhookId>,
    /// Where the value may be sent.
    pub limits: SecretLimits,
    /// What it is for, possibly empty.
    pub description: String,
    /// When the value, the limits or the description were last changed.
    pub updated_at: Timestamp,
    /// Who changed them.
    pub updated_by: Actor,
}

/// A secret with its value.
#[derive(Debug, Clone)]
pub struct ResolvedSecret {
    /// The name.
    pub name: SecretName,
    /// What is recorded and shown in place of the value.
    pub label: String,
    /// The value.
    pub value: SecretValue,
    /// Where the value may be sent.
    pub limits: SecretLimits,
    /// Whether only one webhook may use it.
    pub is_private: bool,
}

/// The secrets that one webhook may use: its own and the shared ones. Its own take precedence.
#[derive(Debug, Clone, Default)]
pub struct SecretSet(BTreeMap<SecretName, Arc<ResolvedSecret>>);

impl SecretSet {
    /// Returns the secret of that name.
    pub fn find(&self, name: &str) -> Option<&Arc<ResolvedSecret>> {
        self.0.iter().find(|(known, _)| known.as_str() == name).map(|(_, secret)| secret)
    }

    /// Adds a secret, or replaces the one of the same name.
    pub fn insert(&mut self, secret: Arc<ResolvedSecret>) {
        self.0.insert(secret.name.clone(), secret);
    }

    /// Returns all secrets, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<ResolvedSecret>> {
        self.0.values()
    }
}

impl ResolvedSecret {
    /// Creates a secret with its value.
    pub fn new(name: SecretName, value: SecretValue, limits: SecretLimits) -> Self {
        Self { label: name.label(), name, value, limits, is_private: false }
    }

    /// The secret as templates see it.
    pub fn for_template(&self) -> TemplateSecret<'_> {
        TemplateSecret { name: self.name.as_str(), value: self.value.expose(), label: &self.label }
    }

    /// Creates a secret that has its label as its value, for previews.
    pub fn labelled(name: SecretName, limits: SecretLimits) -> Self {
        let value = SecretValue::from(name.label());
        Self::new(name, value, limits)
    }
}
