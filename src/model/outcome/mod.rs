//! What became of an exchange, and what to tell the admin about it.

mod explain;
mod token;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::invocation::Response;
use super::webhook::Validator;

/// Why an exchange failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// A template could not be filled in.
    Template {
        /// The form field's label.
        field: String,
        /// With line and column.
        message: String,
    },
    /// The egress rules forbid the address.
    Blocked {
        /// The address.
        address: String,
    },
    /// The name does not resolve.
    NoSuchHost,
    /// Nothing listens there.
    Refused,
    /// No way to the address, or the connection broke.
    Unreachable {
        /// What the system said.
        detail: String,
    },
    /// Time ran out.
    Timeout {
        /// While doing what.
        phase: Phase,
        /// The webhook's timeout in seconds.
        seconds: u64,
    },
    /// The server's certificate was not accepted.
    Certificate(CertificateFault),
    /// The answer was not HTTP, or broke off.
    Protocol {
        /// What the client said.
        detail: String,
    },
    /// There is no access token to send with it.
    Token(TokenFault),
    /// A status outside 200 to 299.
    Status(u16),
    /// A response validator needs JSON, and the answer is none.
    NotJson,
    /// A response validator said no.
    Validator {
        /// Which, from 1.
        number: usize,
        /// Of how many.
        of: usize,
        /// Its path.
        path: String,
        /// What was found there.
        found: Option<String>,
        /// What would have done.
        expected: Vec<String>,
        /// The answer's `message`, if it had one.
        message: Option<String>,
    },
}

/// What was being done when time ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Looking up the name.
    Dns,
    /// Connecting.
    Connect,
    /// Agreeing on encryption.
    Tls,
    /// Waiting for the answer.
    Wait,
    /// Reading the answer.
    Read,
}

/// What is wrong with a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CertificateFault {
    /// It vouches for itself.
    SelfSigned,
    /// Its issuer is not among the trusted.
    UnknownIssuer,
    /// Its time has passed.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// It is for another name.
    WrongName,
    /// It is not the pinned one.
    NotPinned,
    /// The server wants to see a certificate of ours.
    ClientWanted,
    /// The server does not accept ours.
    ClientRefused(String),
    /// The server speaks only versions of TLS that are too old.
    Version,
    /// Something else, or the handshake failed.
    Other(String),
}

/// Why the token endpoint gave no access token (RFC 6749, section 5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenFault {
    /// There is no whole answer.
    Exchange(Box<Cause>),
    /// It said no.
    Refused {
        /// With this status.
        status: u16,
        /// Its `error`, such as `invalid_client`.
        error: Option<String>,
        /// Its `error_description`.
        description: Option<String>,
    },
    /// Its answer holds no token.
    Missing,
    /// The token is of another kind than bearer.
    Kind(String),
}

/// What to tell the admin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The verdict in a sentence.
    pub headline: String,
    /// What that usually means.
    pub meaning: String,
    /// What to do.
    pub remedy: String,
}

/// Looks at an answer: its status, then each validator.
///
/// # Errors
/// Why it does not count as a success.
pub fn judge(response: &Response, validators: &[Validator]) -> Result<(), Cause> {
    if !(200..300).contains(&response.status) {
        return Err(Cause::Status(response.status));
    }
    if validators.is_empty() {
        return Ok(());
    }
    let Ok(answer) = serde_json::from_str::<Value>(&response.body) else {
        return Err(Cause::NotJson);
    };
    for (index, validator) in validators.iter().enumerate() {
        if let Err(refusal) = validator.check(&answer) {
            let message = answer.get("message").and_then(Value::as_str);
            return Err(Cause::Validator {
                number: index + 1,
                of: validators.len(),
                path: refusal.path,
                found: refusal.found,
                expected: refusal.expected,
                message: message.map(|text| text.chars().take(300).collect()),
            });
        }
    }
    Ok(())
}

/// How long an answer asks to wait: `Retry-After` of a 429 or 503, in seconds.
pub fn retry_after(response: &Response) -> Option<Duration> {
    if !matches!(response.status, 429 | 503) {
        return None;
    }
    let (_, value) =
        response.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"))?;
    value.trim().parse().ok().map(Duration::from_secs)
}

impl Cause {
    /// Texts that came from outside, and may repeat a secret.
    pub(in crate::model) fn texts(&mut self) -> Vec<&mut String> {
        match self {
            Self::Template { message, .. } => vec![message],
            Self::Unreachable { detail }
            | Self::Protocol { detail }
            | Self::Token(TokenFault::Kind(detail))
            | Self::Certificate(
                CertificateFault::Other(detail) | CertificateFault::ClientRefused(detail),
            ) => vec![detail],
            Self::Token(TokenFault::Exchange(cause)) => cause.texts(),
            Self::Token(TokenFault::Refused { error, description, .. }) => {
                error.iter_mut().chain(description.iter_mut()).collect()
            }
            Self::Validator { found, message, .. } => {
                found.iter_mut().chain(message.iter_mut()).collect()
            }
            Self::Blocked { .. }
            | Self::NoSuchHost
            | Self::Refused
            | Self::Timeout { .. }
            | Self::Certificate(_)
            | Self::Token(TokenFault::Missing)
            | Self::Status(_)
            | Self::NotJson => Vec::new(),
        }
    }

    /// One line for lists.
    pub fn short(&self) -> String {
        match self {
            Self::Template { field, .. } => format!("{field} could not be filled in"),
            Self::Blocked { address } => format!("{address} is blocked by the egress rules"),
            Self::NoSuchHost => "Name does not resolve".to_owned(),
            Self::Refused => "Connection refused".to_owned(),
            Self::Unreachable { .. } => "Not reachable".to_owned(),
            Self::Timeout { seconds, .. } => format!("No answer within {seconds} s"),
            Self::Certificate(CertificateFault::NotPinned) => {
                "Not the pinned certificate".to_owned()
            }
            Self::Certificate(CertificateFault::ClientWanted) => {
                "Client certificate wanted".to_owned()
            }
            Self::Certificate(CertificateFault::ClientRefused(_)) => {
                "Client certificate refused".to_owned()
            }
            Self::Certificate(CertificateFault::Other(_) | CertificateFault::Version) => {
                "TLS handshake failed".to_owned()
            }
            Self::Certificate(_) => "Certificate not trusted".to_owned(),
            Self::Protocol { .. } => "Answer is not proper HTTP".to_owned(),
            Self::Token(TokenFault::Exchange(cause)) => format!("Token: {}", cause.short()),
            Self::Token(TokenFault::Refused { error: Some(error), .. }) => {
                format!("Token refused: {error}")
            }
            Self::Token(TokenFault::Refused { status, error: None, .. }) => {
                format!("Token refused: HTTP {status}")
            }
            Self::Token(TokenFault::Missing | TokenFault::Kind(_)) => "No access token".to_owned(),
            Self::Status(status) => format!("HTTP {status}"),
            Self::NotJson => "Answer is not JSON".to_owned(),
            Self::Validator { message: Some(message), .. } => format!("Refused: {message}"),
            Self::Validator { path, found: Some(found), .. } => format!("{path} was {found}"),
            Self::Validator { path, found: None, .. } => format!("{path} is missing"),
        }
    }
}
