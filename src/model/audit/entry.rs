//! Entries, before and after they are recorded.

use serde_json::{Map, Value};

use super::AuditAction;
use crate::model::{DeliveryId, Principal, SecretId, Timestamp, TokenId, UserId, WebhookId};

/// What an action was applied to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditObject {
    /// The kind, such as `webhook`; empty if there is no object.
    pub kind: String,
    /// The id; empty if there is none.
    pub id: String,
    /// The name at that time.
    pub name: String,
}

impl AuditObject {
    /// An object of another kind than those below.
    pub fn new(kind: &str, id: &(impl ToString + ?Sized), name: &str) -> Self {
        Self { kind: kind.to_owned(), id: id.to_string(), name: name.to_owned() }
    }

    /// A webhook.
    pub fn webhook(id: WebhookId, name: &str) -> Self {
        Self::new("webhook", &id, name)
    }

    /// A secret.
    pub fn secret(id: SecretId, name: &str) -> Self {
        Self::new("secret", &id, name)
    }

    /// An API token.
    pub fn token(id: TokenId, name: &str) -> Self {
        Self::new("token", &id, name)
    }

    /// A user, by email.
    pub fn user(id: UserId, email: &str) -> Self {
        Self::new("user", &id, email)
    }

    /// A delivery of a webhook.
    pub fn delivery(id: DeliveryId, webhook_name: &str) -> Self {
        Self::new("delivery", &id, webhook_name)
    }
}

/// An entry that is about to be recorded. It must not contain the value of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// What was done.
    pub action: AuditAction,
    /// To which object.
    pub object: AuditObject,
    /// Further facts.
    pub detail: Map<String, Value>,
}

impl AuditEntry {
    /// Creates an entry without further facts.
    pub fn new(action: AuditAction, object: AuditObject) -> Self {
        Self { action, object, detail: Map::new() }
    }

    /// Adds a fact.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.detail.insert(name.to_owned(), value.into());
        self
    }
}

/// Which entries to list or export.
#[derive(Debug, Clone, Copy, Default)]
pub struct AuditFilter<'a> {
    /// Text in the name or the kind of the actor.
    pub actor: &'a str,
    /// The name of the action; empty for any.
    pub action: &'a str,
    /// Text in the name or the kind of the object, or its id.
    pub object: &'a str,
    /// Entries of this time or later.
    pub from: Option<Timestamp>,
    /// Entries before this time.
    pub until: Option<Timestamp>,
}

/// A recorded entry, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedEntry {
    /// The number in the chain, without gaps.
    pub seq: i64,
    /// When it was recorded.
    pub at: Timestamp,
    /// The kind of actor.
    pub actor_kind: String,
    /// The email address or the name of the actor.
    pub actor_name: String,
    /// The address of the client; empty if there is none.
    pub address: String,
    /// The id of the request; empty if there is none.
    pub request_id: String,
    /// The name of the action, see [`AuditAction::as_str`].
    pub action: String,
    /// The object.
    pub object: AuditObject,
    /// Further facts, as a JSON object.
    pub detail: String,
    /// The hash of the entry before.
    pub previous_hash: Vec<u8>,
    /// The hash of this entry.
    pub hash: Vec<u8>,
}

impl RecordedEntry {
    /// Returns the actor.
    pub fn principal(&self) -> Principal {
        Principal::from_parts(&self.actor_kind, self.actor_name.clone())
    }

    /// Returns the text of the action on pages. An action that a later version added has only its name.
    pub fn label(&self) -> &str {
        match AuditAction::from_name(&self.action) {
            Some(action) => action.label(),
            None => &self.action,
        }
    }
}
