//! Rows of secrets.

use uuid::Uuid;

use crate::model::secret::{AllowedHost, Secret, SecretLimits, SecretName, TokenLimits};
use crate::model::{Actor, Timestamp, WebhookId};
use crate::store::Error;

/// What an encrypted value is authenticated with.
pub(in crate::store) fn place(id: Uuid) -> String {
    format!("secrets.sealed/{id}")
}

pub(super) fn corrupt(detail: &dyn std::fmt::Display) -> Error {
    Error::Corrupt { table: "secrets", detail: detail.to_string() }
}

/// The columns that describe a secret.
pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) webhook_id: Option<Uuid>,
    pub(super) name: String,
    pub(super) hosts: Vec<String>,
    pub(super) token_scopes: Option<String>,
    pub(super) token_hosts: Vec<String>,
    pub(super) description: String,
    pub(super) updated_at: Timestamp,
    pub(super) who_kind: String,
    pub(super) who_name: String,
}

impl Row {
    pub(super) fn into_secret(self) -> Result<Secret, Error> {
        Ok(Secret {
            id: self.id.into(),
            name: parse_name(&self.name)?,
            webhook: self.webhook_id.map(WebhookId::from),
            limits: parse_limits(&self.hosts, self.token_scopes, &self.token_hosts)?,
            description: self.description,
            updated_at: self.updated_at,
            updated_by: Actor::from_parts(&self.who_kind, self.who_name),
        })
    }
}

pub(super) fn parse_name(name: &str) -> Result<SecretName, Error> {
    name.parse().map_err(|error| corrupt(&error))
}

pub(super) fn parse_limits(
    hosts: &[String],
    token_scopes: Option<String>,
    token_hosts: &[String],
) -> Result<SecretLimits, Error> {
    let tokens = match token_scopes {
        Some(scopes) => Some(TokenLimits { scopes, hosts: parse_hosts(token_hosts)? }),
        None => None,
    };
    Ok(SecretLimits { hosts: parse_hosts(hosts)?, tokens })
}

fn parse_hosts(hosts: &[String]) -> Result<Vec<AllowedHost>, Error> {
    hosts.iter().map(|host| host.parse().map_err(|error| corrupt(&error))).collect()
}
