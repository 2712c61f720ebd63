//! The unvalidated webhook.

use std::fmt;

use crate::model::filter;
use crate::template::OutputContext;

/// A webhook as entered in the form or read from a file. Nothing is validated yet.
#[derive(Clone, PartialEq, Eq)]
pub struct Draft {
    /// Name, unique regardless of case.
    pub name: String,
    /// Whether events are sent.
    pub active: bool,
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// URL. May contain placeholders after the host.
    pub url: String,
    /// Names and values of headers. Values may contain placeholders. Empty pairs are ignored.
    pub headers: Vec<(String, String)>,
    /// Authentication to the server.
    pub authentication: AuthDraft,
    /// Handlebars template of the body. If empty, the event is sent as received.
    pub body_template: String,
    /// Names of the triggers.
    pub triggers: Vec<String>,
    /// Filters by field.
    pub filters: filter::Choices,
    /// Timeout of an exchange in seconds, or empty for the default.
    pub timeout_in_sec: String,
    /// Conditions on the response. Empty ones are ignored.
    pub response_validators: Vec<ValidatorDraft>,
    /// Message shown instead of the reason if a response validator fails. May be empty.
    pub custom_validation_error_message: String,
    /// Signatures of requests.
    pub signing: SigningDraft,
    /// TLS settings.
    pub tls: TlsDraft,
    /// Whether events of one access request are delivered in order.
    pub ordered: bool,
    /// Maximum number of concurrent attempts, or empty for the default.
    pub max_in_flight: String,
    /// Maximum number of attempts per minute, or empty for no limit.
    pub rate_per_minute: String,
    /// Delays between attempts, such as `5s 30s 2m`, or empty for the default.
    pub retry_schedule: String,
    /// Whether the header `traceparent` is sent.
    pub traceparent: bool,
    /// Places that look like credentials, and that the user declared not to be secrets, such as `header.x-key`.
    pub not_secrets: Vec<String>,
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Everything else may contain credentials that were entered literally.
        f.debug_struct("Draft").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Draft {
    /// Determines the context of the body from the Content-Type. The default is JSON.
    pub fn body_context(&self) -> OutputContext {
        let media_type = |value: &String| {
            value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
        };
        let content_type = self
            .headers
            .iter()
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("content-type"))
            .map(|(_, value)| media_type(value));
        match content_type.as_deref() {
            None | Some("application/json") => OutputContext::JsonBody,
            Some("application/x-www-form-urlencoded") => OutputContext::FormBody,
            Some("application/xml" | "text/xml") => OutputContext::XmlBody,
            Some("text/csv") => OutputContext::CsvBody,
            Some(other) if other.ends_with("+json") => OutputContext::JsonBody,
            Some(other) if other.ends_with("+xml") => OutputContext::XmlBody,
            Some(_) => OutputContext::TextBody,
        }
    }
}

/// An unvalidated response validator.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ValidatorDraft {
    /// What is compared: `json` for the value at a JSON path, `contains` or `equals` for the body as text. Empty means
    /// `json`.
    pub subject: String,
    /// The JSON path. Ignored for the body as text.
    pub json_path: String,
    /// The values of which one is expected.
    pub expected: Vec<String>,
}

impl ValidatorDraft {
    /// A validator that expects one value at a JSON path.
    pub fn at(json_path: &str, expected: &str) -> Self {
        let (json_path, expected) = (json_path.to_owned(), vec![expected.to_owned()]);
        Self { json_path, expected, ..Self::default() }
    }

    /// Whether nothing was entered.
    pub fn is_empty(&self) -> bool {
        self.json_path.is_empty() && self.expected.is_empty()
    }
}

/// Unvalidated TLS settings.
#[derive(Clone, PartialEq, Eq)]
pub struct TlsDraft {
    /// Verification of the server: `public`, `ca`, `pinned` or `none`.
    pub verify: String,
    /// SHA-256 fingerprint of the pinned certificate in hex, with or without colons.
    pub sha256: String,
    /// Private certificate authority, PEM.
    pub pem: String,
    /// Minimum TLS version: `1.2`, `1.3`, or empty for the default.
    pub min_version: String,
    /// Client certificate and its chain, PEM, or empty for none.
    pub client_certificate: String,
    /// Private key of the client certificate, PEM.
    pub client_key: String,
}

/// Unvalidated authentication settings. Fields that do not belong to the type are ignored.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct AuthDraft {
    /// Type: `none`, `bearer`, `basic` or `oauth`. Empty means `none`.
    pub kind: String,
    /// Bearer token.
    pub token: String,
    /// User name of basic authentication.
    pub username: String,
    /// Password of basic authentication.
    pub password: String,
    /// OAuth client ID.
    pub client_id: String,
    /// OAuth client secret.
    pub client_secret: String,
    /// URL of the OAuth token endpoint.
    pub token_endpoint_url: String,
    /// OAuth scopes separated by spaces.
    pub scopes: String,
    /// How the OAuth client authenticates: `automatic`, `header` or `form`. Empty means `automatic`.
    pub client_authentication: String,
    /// Names and values of further form parameters of the OAuth token request.
    pub parameters: Vec<(String, String)>,
}

/// Unvalidated settings of signatures.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SigningDraft {
    /// Scheme: `none`, `v1` or `v1a`. Empty means `none`.
    pub scheme: String,
    /// The key.
    pub key: String,
    /// The previous key, or empty.
    pub previous_key: String,
    /// Until when the previous key signs too (RFC 3339), or empty.
    pub previous_until: String,
}

impl SigningDraft {
    /// Keeps the fields that have a meaning and clears all others.
    #[must_use]
    pub fn only_used(self) -> Self {
        match self.scheme.as_str() {
            "" | "none" => Self::default(),
            _ if self.previous_key.is_empty() => Self { previous_until: String::new(), ..self },
            _ => self,
        }
    }
}

impl fmt::Debug for SigningDraft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningDraft").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

impl fmt::Debug for TlsDraft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsDraft").field("verify", &self.verify).finish_non_exhaustive()
    }
}

impl fmt::Debug for AuthDraft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthDraft").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl AuthDraft {
    /// Keeps the fields of the selected type and clears all others.
    #[must_use]
    pub fn only_selected_kind(self) -> Self {
        let Self { kind, token, username, password, client_id, client_secret, .. } = self;
        let Self { token_endpoint_url, scopes, client_authentication, parameters, .. } = self;
        let none = Self::default();
        match kind.as_str() {
            "bearer" => Self { kind, token, ..none },
            "basic" => Self { kind, username, password, ..none },
            "oauth" => Self {
                kind,
                client_id,
                client_secret,
                token_endpoint_url,
                scopes,
                client_authentication,
                parameters,
                ..none
            },
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
            signing: SigningDraft::default(),
            tls: TlsDraft::default(),
            ordered: true,
            max_in_flight: String::new(),
            rate_per_minute: String::new(),
            retry_schedule: String::new(),
            traceparent: false,
            not_secrets: Vec::new(),
        }
    }
}
