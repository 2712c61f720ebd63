//! What was typed, unchecked.

use crate::model::filter;

/// A webhook as typed in the form, or written in a file. Nothing in it is checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Unique without regard to case.
    pub name: String,
    /// Whether events are sent.
    pub active: bool,
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// May hold placeholders after the host.
    pub url: String,
    /// Name and value; values may hold placeholders. Pairs of two empty strings are passed over.
    pub headers: Vec<(String, String)>,
    /// How Gatepost shows who it is.
    pub authentication: AuthDraft,
    /// Handlebars; empty sends the event as received.
    pub body_template: String,
    /// The triggers' words.
    pub triggers: Vec<String>,
    /// Filters by field.
    pub filters: filter::Choices,
    /// Seconds, or empty for the default.
    pub timeout_in_sec: String,
    /// JSON path and the values of which one must be there. Empty pairs are passed over.
    pub response_validators: Vec<(String, Vec<String>)>,
    /// Shown in place of the reason when a validator says no; may be empty.
    pub custom_validation_error_message: String,
    /// How the server's certificate is checked.
    pub tls: TlsDraft,
    /// Whether events of one access request are delivered in order.
    pub ordered: bool,
    /// Exchanges at once, or empty for the default.
    pub max_in_flight: String,
    /// Exchanges a minute, or empty for no limit.
    pub rate_per_minute: String,
    /// Waits between attempts, such as `5s 30s 2m`, or empty for the default.
    pub retry_schedule: String,
}

/// How the server's certificate is to be checked, as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsDraft {
    /// `public`, `ca`, `pinned` or `none`.
    pub verify: String,
    /// The pinned certificate's SHA-256, in hex, colons or not.
    pub sha256: String,
    /// The own certificate authority, PEM.
    pub pem: String,
    /// The oldest protocol version to speak: `1.2`, `1.3`, or empty for the default.
    pub min_version: String,
    /// Gatepost's own certificate and its chain, PEM; empty for none.
    pub client_certificate: String,
    /// That certificate's private key, PEM.
    pub client_key: String,
}

/// How Gatepost shows who it is, as typed. What does not belong to the kind is passed over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuthDraft {
    /// `none`, `bearer`, `basic` or `oauth`; empty is `none`.
    pub kind: String,
    /// The bearer token.
    pub token: String,
    /// The user name of basic authentication.
    pub username: String,
    /// Its password.
    pub password: String,
    /// OAuth's client id.
    pub client_id: String,
    /// OAuth's client secret.
    pub client_secret: String,
    /// Where OAuth's tokens are asked for.
    pub token_endpoint_url: String,
    /// OAuth's scopes, with spaces in between.
    pub scopes: String,
}

impl AuthDraft {
    /// The fields of its kind alone: what was typed for another is forgotten.
    #[must_use]
    pub fn only_selected_kind(self) -> Self {
        let Self { kind, token, username, password, client_id, client_secret, .. } = self;
        let Self { token_endpoint_url, scopes, .. } = self;
        let none = Self::default();
        match kind.as_str() {
            "bearer" => Self { kind, token, ..none },
            "basic" => Self { kind, username, password, ..none },
            "oauth" => Self { kind, client_id, client_secret, token_endpoint_url, scopes, ..none },
            "" | "none" => none,
            _ => Self { kind, ..none },
        }
    }
}

impl Default for TlsDraft {
    fn default() -> Self {
        Self {
            verify: "public".to_owned(),
            sha256: String::new(),
            pem: String::new(),
            min_version: String::new(),
            client_certificate: String::new(),
            client_key: String::new(),
        }
    }
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            name: String::new(),
            active: true,
            method: "POST".to_owned(),
            url: String::new(),
            headers: Vec::new(),
            authentication: AuthDraft::default(),
            body_template: String::new(),
            triggers: Vec::new(),
            filters: filter::Choices::new(),
            timeout_in_sec: String::new(),
            response_validators: Vec::new(),
            custom_validation_error_message: String::new(),
            tls: TlsDraft::default(),
            ordered: true,
            max_in_flight: String::new(),
            rate_per_minute: String::new(),
            retry_schedule: String::new(),
        }
    }
}
