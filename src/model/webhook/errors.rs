//! Validation errors of a draft, each with its field.

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
    /// A header, by row from 0.
    Header(usize),
    /// The authentication type.
    Authentication,
    /// The bearer token.
    AuthToken,
    /// The user name of basic authentication.
    AuthUsername,
    /// The password of basic authentication.
    AuthPassword,
    /// The OAuth client ID.
    AuthClientId,
    /// The OAuth client secret.
    AuthClientSecret,
    /// The URL of the OAuth token endpoint.
    AuthTokenEndpoint,
    /// How the OAuth client authenticates.
    AuthClientAuthentication,
    /// The further parameters of the OAuth token request.
    AuthParameters,
    /// The signature scheme.
    SigningScheme,
    /// The key for signatures.
    SigningKey,
    /// The previous key for signatures.
    SigningPreviousKey,
    /// The body template.
    BodyTemplate,
    /// The triggers.
    Triggers,
    /// A filter.
    Filter(filter::Field),
    /// The timeout.
    Timeout,
    /// A response validator, by row from 0.
    Validator(usize),
    /// The custom failure message.
    CustomMessage,
    /// The TLS verification mode.
    TlsVerify,
    /// The pinned fingerprint.
    TlsSha256,
    /// The private certificate authority.
    TlsPem,
    /// The minimum TLS version.
    TlsMinVersion,
    /// The client certificate.
    TlsClientCertificate,
    /// The private key of the client certificate.
    TlsClientKey,
    /// The limit of concurrent attempts.
    MaxInFlight,
    /// The rate limit.
    RatePerMinute,
    /// The retry schedule.
    RetrySchedule,
    /// The places that are declared not to be secrets.
    NotSecrets,
}

impl Field {
    /// JSON pointer (RFC 6901) into a webhook in a file or the API.
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
            Self::AuthClientAuthentication => {
                "/authentication_config/oauth/client_authentication".to_owned()
            }
            Self::AuthParameters => "/authentication_config/oauth/parameters".to_owned(),
            Self::SigningScheme => "/signing/scheme".to_owned(),
            Self::SigningKey => "/signing/secret".to_owned(),
            Self::SigningPreviousKey => "/signing/previous".to_owned(),
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
            Self::NotSecrets => "/not_secrets".to_owned(),
        }
    }
}

/// One validation error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field.
    pub field: Field,
    /// The problem and the fix.
    pub message: String,
    /// Line of the template in this field, from 1.
    pub line: Option<usize>,
}

/// All validation errors of a draft.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    /// A list with one error.
    pub fn single(field: Field, message: impl Into<String>) -> Self {
        let mut errors = Self::default();
        errors.add(field, message);
        errors
    }

    /// Adds an error.
    pub fn add(&mut self, field: Field, message: impl Into<String>) {
        self.0.push(FieldError { field, message: message.into(), line: None });
    }

    /// Adds an error on a line of the template in `field`.
    pub fn add_at_line(&mut self, field: Field, message: impl Into<String>, line: usize) {
        self.0.push(FieldError { field, message: message.into(), line: Some(line) });
    }

    /// Keeps the errors for which `keep` returns true.
    pub(super) fn retain(&mut self, keep: impl FnMut(&FieldError) -> bool) {
        self.0.retain(keep);
    }

    /// Adds all errors of another list.
    pub(super) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Whether there are no errors.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The messages for use without their fields: a line number is preceded by the name of its template.
    pub fn messages(&self) -> Vec<String> {
        let message = |error: &FieldError| match (error.field, error.line) {
            (Field::Url, Some(_)) => format!("URL: {}", error.message),
            (Field::Header(row), Some(_)) => format!("Header {}: {}", row + 1, error.message),
            _ => error.message.clone(),
        };
        self.iter().map(message).collect()
    }

    /// Iterates over the errors.
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
