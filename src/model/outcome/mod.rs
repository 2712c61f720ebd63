//! The outcome of an HTTP exchange: whether it counts as a success and, if not, why.

mod explanation;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use strum::{IntoStaticStr, VariantNames};

use super::exchange::Response;
use super::json;
use super::secret::{ResponseRedactor, SecretFailure};
use super::webhook::{Validator, ValidatorMismatch};

pub use explanation::Explanation;

/// Longest text from outside that is stored with a failure, in characters.
const MAX_TEXT_CHARS: usize = 300;

/// Why an attempt failed. The names of the variants in snake case are label values of a metric.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "snake_case")]
pub enum Cause {
    /// A template could not be rendered.
    Template {
        /// Label of the form field.
        field: String,
        /// The error, with line and column.
        message: String,
    },
    /// The URL begins with `http://`, which the operator does not allow.
    PlainHttp,
    /// A secret is missing, or may not be sent to the target.
    Secret(SecretFailure),
    /// The egress rules forbid the address.
    Blocked {
        /// The address.
        address: String,
    },
    /// The host name does not resolve.
    NoSuchHost,
    /// The connection was refused.
    Refused,
    /// There is no route to the address, or the connection could not be established.
    Unreachable {
        /// Message of the operating system.
        detail: String,
    },
    /// The connection ended after the request was sent and before a response arrived.
    ConnectionLost {
        /// How it ended.
        detail: String,
    },
    /// The response began and its body broke off.
    IncompleteBody {
        /// How it ended.
        detail: String,
    },
    /// The timeout expired.
    Timeout {
        /// Phase in which it expired.
        phase: Phase,
        /// The webhook's timeout, in seconds.
        seconds: u64,
    },
    /// The TLS handshake failed.
    Certificate(TlsFailure),
    /// The response was not valid HTTP.
    Protocol {
        /// Message of the HTTP client.
        detail: String,
    },
    /// No access token could be obtained.
    Token(TokenFailure),
    /// The status was outside 200 to 299.
    Status(u16),
    /// A response validator needs JSON, and the body is something else.
    NotJson,
    /// The response has too many values for the JSON path of a validator.
    TooManyValues {
        /// JSON path of the validator.
        path: String,
    },
    /// A response validator failed that compares the body as text.
    Body {
        /// The body, if it must equal one of the expected texts. Otherwise it must contain one.
        found: Option<String>,
        /// Texts of which one was expected.
        expected: Vec<String>,
    },
    /// A response validator failed.
    Validator {
        /// Number of the validator, from 1.
        number: usize,
        /// Number of validators.
        of: usize,
        /// JSON path of the validator.
        path: String,
        /// Value found at the path.
        found: Option<String>,
        /// Values of which one was expected.
        expected: Vec<String>,
        /// The response's `message`, if it has one.
        message: Option<String>,
    },
}

/// Phase of an exchange in which the timeout expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Resolving the host name.
    Dns,
    /// Connecting.
    Connect,
    /// TLS handshake.
    Tls,
    /// Waiting for the response.
    Wait,
    /// Reading the response.
    Read,
}

/// Why a TLS handshake failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TlsFailure {
    /// The server's certificate is self-signed.
    SelfSigned,
    /// The issuer of the certificate is not trusted.
    UnknownIssuer,
    /// The certificate has expired.
    Expired,
    /// The certificate is valid, but one of its issuers has expired.
    IssuerExpired,
    /// The certificate is not valid yet.
    NotYetValid,
    /// The certificate is for another name.
    WrongName,
    /// The certificate is not the pinned one.
    NotPinned,
    /// The certificate was entered as an authority, but belongs to the server itself.
    OwnCertificate,
    /// The certificate has the old format X.509 version 1, which only pinning accepts.
    OldFormat,
    /// The webhook does not verify certificates, which strict mode requires. Nothing was sent.
    NotVerified,
    /// An RSA key of the server, or of an issuer, is shorter than strict mode requires.
    WeakKey {
        /// Its length.
        bits: usize,
        /// The minimum.
        min_bits: usize,
    },
    /// The server requires a client certificate.
    #[serde(rename = "ClientWanted")]
    ClientCertificateRequired,
    /// The server rejected the client certificate. Contains the TLS alert.
    #[serde(rename = "ClientRefused")]
    ClientCertificateRejected(String),
    /// The server supports only older TLS versions.
    Version,
    /// The server supports no cipher suite of Gatepost, for example only those with RSA key exchange.
    NoCommonCipher,
    /// Any other reason, with the message of the TLS library.
    Other(String),
}

/// Why the token endpoint returned no access token (RFC 6749, section 5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenFailure {
    /// The exchange with the token endpoint failed.
    Exchange(Box<Cause>),
    /// The token endpoint returned an error.
    #[serde(rename = "Refused")]
    Rejected {
        /// Status of the response.
        status: u16,
        /// `error` of the response, such as `invalid_client`.
        error: Option<String>,
        /// `error_description` of the response.
        description: Option<String>,
    },
    /// The response contains no token.
    Missing,
    /// The token contains characters that cannot be sent in a header.
    Unusable,
    /// The token's type is not bearer. Contains the type.
    Kind(String),
}

/// Judges a response: first its status, then each validator in turn.
///
/// # Errors
/// Why the response does not count as a success.
pub fn judge(response: &Response, validators: &[Validator]) -> Result<(), Cause> {
    if !(200..300).contains(&response.status) {
        return Err(Cause::Status(response.status));
    }
    let needs_json = validators.iter().any(Validator::needs_json);
    let body = needs_json.then(|| json::parse(&response.body).ok()).flatten();
    for (index, validator) in validators.iter().enumerate() {
        let Err(mismatch) = validator.check(&response.body, body.as_ref()) else { continue };
        let expected = validator.expected().to_vec();
        return Err(match mismatch {
            ValidatorMismatch::NotJson => Cause::NotJson,
            ValidatorMismatch::JsonPath { path, found } => {
                let message =
                    body.as_ref().and_then(|body| body.get("message")).and_then(Value::as_str);
                Cause::Validator {
                    number: index + 1,
                    of: validators.len(),
                    path,
                    found,
                    expected,
                    message: message.map(str::to_owned),
                }
            }
            ValidatorMismatch::TooManyValues { path } => Cause::TooManyValues { path },
            ValidatorMismatch::Contains => Cause::Body { found: None, expected },
            ValidatorMismatch::Equals { found } => Cause::Body { found: Some(found), expected },
        });
    }
    Ok(())
}

impl Cause {
    /// Replaces the secrets in the texts that come from outside.
    pub fn redact(&mut self, redactor: &ResponseRedactor) {
        self.untrusted_texts().into_iter().for_each(|text| redactor.redact_in_place(text));
    }

    /// Shortens the texts that come from outside. Redact them first: a part of a secret is not recognized.
    pub(super) fn shorten_texts(&mut self) {
        for text in self.untrusted_texts() {
            if let Some((end, _)) = text.char_indices().nth(MAX_TEXT_CHARS) {
                text.truncate(end);
                text.push('…');
            }
        }
    }

    /// The texts that come from outside Gatepost and may therefore repeat a secret.
    fn untrusted_texts(&mut self) -> Vec<&mut String> {
        match self {
            Self::Template { message, .. } => vec![message],
            Self::Unreachable { detail }
            | Self::ConnectionLost { detail }
            | Self::IncompleteBody { detail }
            | Self::Protocol { detail }
            | Self::Token(TokenFailure::Kind(detail))
            | Self::Certificate(
                TlsFailure::Other(detail) | TlsFailure::ClientCertificateRejected(detail),
            ) => vec![detail],
            Self::Token(TokenFailure::Exchange(cause)) => cause.untrusted_texts(),
            Self::Token(TokenFailure::Rejected { error, description, .. }) => {
                error.iter_mut().chain(description.iter_mut()).collect()
            }
            Self::Validator { found, message, .. } => {
                found.iter_mut().chain(message.iter_mut()).collect()
            }
            Self::Body { found, .. } => found.iter_mut().collect(),
            Self::PlainHttp
            | Self::Secret(_)
            | Self::TooManyValues { .. }
            | Self::Blocked { .. }
            | Self::NoSuchHost
            | Self::Refused
            | Self::Timeout { .. }
            | Self::Certificate(_)
            | Self::Token(TokenFailure::Missing | TokenFailure::Unusable)
            | Self::Status(_)
            | Self::NotJson => Vec::new(),
        }
    }
}
