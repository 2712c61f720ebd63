//! Why a secret cannot be used.

use serde::{Deserialize, Serialize};

use super::resolved::ResolvedSecret;

/// Why a webhook cannot use a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SecretFailure {
    /// There is no such secret, or it belongs to another webhook.
    Missing {
        /// The name in the reference.
        name: String,
    },
    /// The value may not be sent to this host.
    Host {
        /// The name.
        name: String,
        /// The host of the request.
        host: String,
        /// The hosts that the value may be sent to.
        allowed: Vec<String>,
    },
    /// The secret is not an OAuth client secret.
    NotForTokens {
        /// The name.
        name: String,
    },
    /// The secret is an OAuth client secret, which is sent only to obtain access tokens.
    OnlyForTokens {
        /// The name.
        name: String,
    },
    /// A request without scopes could obtain more than those that may be requested with the OAuth client secret.
    NoScope {
        /// The name.
        name: String,
        /// The scopes that may be requested.
        allowed: String,
    },
    /// This scope may not be requested with the OAuth client secret.
    Scope {
        /// The name.
        name: String,
        /// The scope.
        scope: String,
    },
    /// Access tokens obtained with the OAuth client secret may not be sent to this host.
    TokenHost {
        /// The name.
        name: String,
        /// The host of the request.
        host: String,
        /// The hosts that access tokens may be sent to.
        allowed: Vec<String>,
    },
    /// The value cannot be used in this place.
    Value {
        /// The name.
        name: String,
        /// What is wrong with the value, without quoting it.
        problem: String,
    },
}

impl SecretFailure {
    pub(in crate::model) fn host(secret: &ResolvedSecret, host: String) -> Self {
        let allowed = secret.limits.hosts.iter().map(ToString::to_string).collect();
        Self::Host { name: secret.name.to_string(), host, allowed }
    }

    /// The name of the secret.
    pub fn name(&self) -> &str {
        match self {
            Self::Missing { name }
            | Self::Host { name, .. }
            | Self::NotForTokens { name }
            | Self::OnlyForTokens { name }
            | Self::NoScope { name, .. }
            | Self::Scope { name, .. }
            | Self::TokenHost { name, .. }
            | Self::Value { name, .. } => name,
        }
    }

    /// What is wrong, as a sentence.
    pub fn problem(&self) -> String {
        match self {
            Self::Missing { name } => {
                format!("There is no secret named {name} that this webhook may use.")
            }
            Self::Host { name, host, allowed } => {
                format!("The secret {name} may not be sent to {host}{}.", only(allowed))
            }
            Self::NotForTokens { name } => {
                format!("The secret {name} may not be used as an OAuth client secret.")
            }
            Self::OnlyForTokens { name } => {
                format!("The secret {name} may only be used as an OAuth client secret.")
            }
            Self::NoScope { name, allowed } => {
                format!("The secret {name} may only be used to request the scopes {allowed}.")
            }
            Self::Scope { name, scope } => {
                format!("The secret {name} may not be used to request the scope {scope}.")
            }
            Self::TokenHost { name, host, allowed } => format!(
                "Access tokens of the secret {name} may not be sent to {host}{}.",
                only(allowed)
            ),
            Self::Value { name, problem } => format!("The value of the secret {name} {problem}."),
        }
    }

    /// What to do, as a sentence.
    pub fn fix(&self) -> String {
        match self {
            Self::Missing { .. } => {
                "Correct the name, add the secret under Secrets, or enter its value here."
                    .to_owned()
            }
            Self::NoScope { .. } => {
                "Enter one or more of them, or enter the client secret again.".to_owned()
            }
            Self::Host { .. }
            | Self::NotForTokens { .. }
            | Self::OnlyForTokens { .. }
            | Self::Scope { .. }
            | Self::TokenHost { .. } => {
                "Enter the value again, or ask an administrator to allow this under Secrets."
                    .to_owned()
            }
            Self::Value { .. } => "Correct the value, or enter another one.".to_owned(),
        }
    }

    /// Both sentences.
    pub fn message(&self) -> String {
        format!("{} {}", self.problem(), self.fix())
    }
}

fn only(allowed: &[String]) -> String {
    if allowed.is_empty() {
        ", because it has no allowed hosts".to_owned()
    } else {
        format!(", only to {}", allowed.join(" or "))
    }
}
