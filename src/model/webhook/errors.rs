//! Mistakes in a draft, each at its field.

use std::fmt;

use crate::model::filter;

/// A field of a webhook, shared by the form, the file and the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The name.
    Name,
    /// The HTTP method.
    Method,
    /// The URL.
    Url,
    /// A header's row, from 0.
    Header(usize),
    /// The kind of authentication.
    Authentication,
    /// The bearer token.
    AuthToken,
    /// The user name of basic authentication.
    AuthUsername,
    /// Its password.
    AuthPassword,
    /// OAuth's client id.
    AuthClientId,
    /// OAuth's client secret.
    AuthClientSecret,
    /// OAuth's token endpoint.
    AuthTokenEndpoint,
    /// The body template.
    BodyTemplate,
    /// The triggers.
    Triggers,
    /// A filter.
    Filter(filter::Field),
    /// The timeout.
    Timeout,
    /// A response validator's row, from 0.
    Validator(usize),
    /// The custom validation error message.
    CustomMessage,
    /// The kind of certificate check.
    TlsVerify,
    /// The pinned fingerprint.
    TlsSha256,
    /// The own certificate authority.
    TlsPem,
    /// The oldest protocol version.
    TlsMinVersion,
    /// Gatepost's own certificate.
    TlsClientCertificate,
    /// Its private key.
    TlsClientKey,
    /// Exchanges at once.
    MaxInFlight,
    /// Exchanges a minute.
    RatePerMinute,
    /// The waits between attempts.
    RetrySchedule,
}

impl Field {
    /// The form element's id.
    pub fn id(self) -> String {
        match self {
            Self::Name => "name".to_owned(),
            Self::Method => "method".to_owned(),
            Self::Url => "url".to_owned(),
            Self::Header(row) => format!("header-{row}"),
            Self::Authentication => "auth_kind".to_owned(),
            Self::AuthToken => "auth_token".to_owned(),
            Self::AuthUsername => "auth_username".to_owned(),
            Self::AuthPassword => "auth_password".to_owned(),
            Self::AuthClientId => "auth_client_id".to_owned(),
            Self::AuthClientSecret => "auth_client_secret".to_owned(),
            Self::AuthTokenEndpoint => "auth_token_endpoint_url".to_owned(),
            Self::BodyTemplate => "body_template".to_owned(),
            Self::Triggers => "triggers".to_owned(),
            Self::Filter(field) => format!("filter-{}", field.key()),
            Self::Timeout => "timeout_in_sec".to_owned(),
            Self::Validator(row) => format!("validator-{row}"),
            Self::CustomMessage => "custom_validation_error_message".to_owned(),
            Self::TlsVerify => "tls_verify".to_owned(),
            Self::TlsSha256 => "tls_sha256".to_owned(),
            Self::TlsPem => "tls_pem".to_owned(),
            Self::TlsMinVersion => "tls_min_version".to_owned(),
            Self::TlsClientCertificate => "tls_client_certificate".to_owned(),
            Self::TlsClientKey => "tls_client_key".to_owned(),
            Self::MaxInFlight => "max_in_flight".to_owned(),
            Self::RatePerMinute => "rate_per_minute".to_owned(),
            Self::RetrySchedule => "retry_schedule".to_owned(),
        }
    }

    /// JSON pointer (RFC 6901) into the file's and the API's form of a webhook.
    pub fn pointer(self) -> String {
        match self {
            Self::Name => "/name".to_owned(),
            Self::Method => "/type/http_request/method".to_owned(),
            Self::Url => "/type/http_request/url".to_owned(),
            Self::Header(row) => format!("/type/http_request/headers/{row}"),
            Self::Authentication => "/authentication_config".to_owned(),
            Self::AuthToken => "/authentication_config/bearer/token".to_owned(),
            Self::AuthUsername => "/authentication_config/basic/username".to_owned(),
            Self::AuthPassword => "/authentication_config/basic/password".to_owned(),
            Self::AuthClientId => "/authentication_config/oauth/client_id".to_owned(),
            Self::AuthClientSecret => "/authentication_config/oauth/client_secret".to_owned(),
            Self::AuthTokenEndpoint => "/authentication_config/oauth/token_endpoint_url".to_owned(),
            Self::BodyTemplate => "/body_template".to_owned(),
            Self::Triggers => "/triggers".to_owned(),
            Self::Filter(field) => format!("/filters/{}", field.key()),
            Self::Timeout => "/timeout_in_sec".to_owned(),
            Self::Validator(row) => format!("/response_validators/{row}"),
            Self::CustomMessage => "/custom_validation_error_message".to_owned(),
            Self::TlsVerify => "/tls/verify".to_owned(),
            Self::TlsSha256 => "/tls/sha256".to_owned(),
            Self::TlsPem => "/tls/pem".to_owned(),
            Self::TlsMinVersion => "/tls/min_version".to_owned(),
            Self::TlsClientCertificate => "/tls/client_certificate".to_owned(),
            Self::TlsClientKey => "/tls/client_key".to_owned(),
            Self::MaxInFlight => "/max_in_flight".to_owned(),
            Self::RatePerMinute => "/rate_per_minute".to_owned(),
            Self::RetrySchedule => "/retry_schedule".to_owned(),
        }
    }
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Where.
    pub field: Field,
    /// What it is and how to mend it.
    pub message: String,
    /// The line within the body template, from 1.
    pub line: Option<usize>,
}

/// All mistakes of a draft, in the order of the page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    /// One mistake.
    pub fn single(field: Field, message: impl Into<String>) -> Self {
        let mut errors = Self::default();
        errors.add(field, message);
        errors
    }

    /// Notes a mistake.
    pub fn add(&mut self, field: Field, message: impl Into<String>) {
        self.0.push(FieldError { field, message: message.into(), line: None });
    }

    /// Notes a mistake on a line of the body template.
    pub fn add_at_line(&mut self, field: Field, message: impl Into<String>, line: usize) {
        self.0.push(FieldError { field, message: message.into(), line: Some(line) });
    }

    /// Keeps only some.
    pub(super) fn retain(&mut self, keep: impl FnMut(&FieldError) -> bool) {
        self.0.retain(keep);
    }

    /// Adds others.
    pub(super) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The mistakes as they are told apart from their fields: in which template a line is, too.
    pub fn messages(&self) -> Vec<String> {
        let told = |error: &FieldError| match (error.field, error.line) {
            (Field::Url, Some(_)) => format!("URL: {}", error.message),
            (Field::Header(row), Some(_)) => format!("Header {}: {}", row + 1, error.message),
            _ => error.message.clone(),
        };
        self.iter().map(told).collect()
    }

    /// The mistakes.
    pub fn iter(&self) -> std::slice::Iter<'_, FieldError> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a FieldErrors {
    type Item = &'a FieldError;
    type IntoIter = std::slice::Iter<'a, FieldError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{}: {}", error.field.pointer(), error.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for FieldErrors {}
