//! All texts about the outcome of an attempt: the one-line summary for lists, and the explanation for
//! administrators.

mod status;
mod tls;
mod token;
mod validation;

use super::{Cause, Phase};
use crate::model::exchange::Response;
use crate::model::secret::SecretFailure;

/// Explains an outcome to an administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What happened, in one sentence.
    pub headline: String,
    /// What that usually means.
    pub meaning: String,
    /// What to do.
    pub remedy: String,
}

impl Explanation {
    fn new(
        headline: impl Into<String>,
        meaning: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { headline: headline.into(), meaning: meaning.into(), remedy: remedy.into() }
    }

    pub(in crate::model) fn delivered(status: Option<u16>) -> Self {
        let headline = match status {
            Some(status) => format!("Delivered: the server responded with {status}."),
            None => "Delivered.".to_owned(),
        };
        Self::new(headline, "", "")
    }
}

impl Cause {
    /// Summarizes the failure in one line.
    pub fn summary(&self) -> String {
        match self {
            Self::Template { field, .. } => format!("{field} could not be rendered"),
            Self::PlainHttp => "http:// is not allowed".to_owned(),
            Self::Secret(failure) => summarize_secret(failure),
            Self::Blocked { address } => format!("{address} is blocked by the egress rules"),
            Self::NoSuchHost => "Host name does not resolve".to_owned(),
            Self::Refused => "Connection refused".to_owned(),
            Self::Unreachable { .. } => "Server unreachable".to_owned(),
            Self::ConnectionLost { .. } => "Connection lost after the request was sent".to_owned(),
            Self::IncompleteBody { .. } => "Response broke off".to_owned(),
            Self::Timeout { seconds, .. } => format!("Timed out after {seconds} s"),
            Self::Certificate(failure) => failure.summary().to_owned(),
            Self::Protocol { .. } => "Invalid HTTP response".to_owned(),
            Self::Token(failure) => failure.summary(),
            Self::Status(status) => format!("HTTP {status}"),
            Self::NotJson => "Response is not JSON".to_owned(),
            Self::TooManyValues { path } => format!("Response too large for {path}"),
            Self::Body { found: None, .. } => "Response lacks the expected text".to_owned(),
            Self::Body { found: Some(_), .. } => "Response is not the expected text".to_owned(),
            Self::Validator { message: Some(message), .. } => format!("Rejected: {message}"),
            Self::Validator { path, found: Some(found), .. } => format!("{path} was {found}"),
            Self::Validator { path, found: None, .. } => format!("{path} is missing"),
        }
    }

    /// Explains the failure. `custom_message` is the webhook's own message for a failed validation.
    pub fn explain(
        &self,
        response: Option<&Response>,
        custom_message: Option<&str>,
    ) -> Explanation {
        let status = response.map(|response| response.status).unwrap_or_default();
        match self {
            Self::Template { field, message } => Explanation::new(
                format!("{field} could not be rendered."),
                message.clone(),
                "Correct the template; the preview shows the result. Nothing was sent.",
            ),
            Self::PlainHttp => Explanation::new(
                "The URL begins with http://.",
                "Everything would be sent unencrypted, including secrets. Nothing was sent.",
                "Use https://. If the server does not support it, ask the operator to set GATEPOST_ALLOW_HTTP.",
            ),
            Self::Secret(failure) => Explanation::new(
                failure.problem(),
                "A secret is sent only to its allowed hosts, so that a changed webhook cannot send it elsewhere. \
                 Nothing was sent.",
                failure.fix(),
            ),
            Self::Blocked { address } => Explanation::new(
                format!("The egress rules block {address}."),
                "The addresses of this server, link-local and other special addresses are blocked unless the \
                 operator allows them, so that a webhook cannot be used to attack this server.",
                "Check the URL. If the address is correct, ask the operator to add its network to \
                 GATEPOST_EGRESS_ALLOW (and GATEPOST_EGRESS_ONLY), and to remove it from GATEPOST_EGRESS_DENY.",
            ),
            Self::NoSuchHost => Explanation::new(
                "The host name does not resolve.",
                "The name is misspelled, or the DNS server that Gatepost uses does not know it.",
                "Check the name, or use the server's IP address.",
            ),
            Self::Refused => Explanation::new(
                "The connection was refused.",
                "The host is up, but no service listens on that port, or a firewall rejects the \
                 connection.",
                "Check the port in the URL (https:// without a port means 443) and that the service \
                 is running.",
            ),
            Self::Unreachable { detail } => Explanation::new(
                "The server could not be reached.",
                format!("The operating system reported: {detail}."),
                "Check the address, and the routes and firewalls between Gatepost and the server.",
            ),
            Self::Timeout { phase, seconds } => explain_timeout(*phase, *seconds),
            Self::Certificate(failure) => failure.explain(),
            Self::ConnectionLost { detail } => Explanation::new(
                "The connection ended after the request was sent.",
                format!(
                    "There was no response ({detail}). The server may have processed the request anyway."
                ),
                "Look at the server's log, and at proxies and firewalls in between. The retry has the same \
                 webhook-id, by which the server can recognize it.",
            ),
            Self::IncompleteBody { detail } => Explanation::new(
                format!("The server responded with {status}, but the response broke off."),
                format!(
                    "The connection ended early ({detail}). The server has probably processed the request."
                ),
                "Look at the server's log, and at proxies in between. The retry has the same webhook-id, by \
                 which the server can recognize it.",
            ),
            Self::Protocol { detail } => Explanation::new(
                "The response is not HTTP.",
                format!("The HTTP client reported: {detail}."),
                "Check that the service on this port speaks HTTPS, and look at the server's log.",
            ),
            Self::Token(failure) => failure.explain(),
            Self::Status(status) => status::explain(*status),
            Self::NotJson => validation::not_json(response),
            Self::TooManyValues { path } => validation::too_many_values(status, path),
            Self::Body { found, expected } => {
                validation::body(status, found.as_deref(), expected, custom_message)
            }
            Self::Validator { path, found, expected, message, .. } => validation::value(
                status,
                (path, found.as_deref()),
                expected,
                message.as_deref(),
                custom_message,
            ),
        }
    }
}

fn summarize_secret(failure: &SecretFailure) -> String {
    let name = failure.name();
    match failure {
        SecretFailure::Missing { .. } => format!("There is no secret {name}"),
        SecretFailure::Host { host, .. } | SecretFailure::TokenHost { host, .. } => {
            format!("Secret {name} is not allowed for {host}")
        }
        SecretFailure::NotForTokens { .. } => format!("Secret {name} is not a client secret"),
        SecretFailure::OnlyForTokens { .. } => format!("Secret {name} is only a client secret"),
        SecretFailure::NoScope { .. } => format!("Secret {name} is not allowed without a scope"),
        SecretFailure::Scope { scope, .. } => {
            format!("Secret {name} is not allowed for the scope {scope}")
        }
        SecretFailure::Value { .. } => format!("Secret {name} cannot be used"),
    }
}

fn explain_timeout(phase: Phase, seconds: u64) -> Explanation {
    let (what, meaning) = match phase {
        Phase::Dns => ("The host name was not resolved", "The DNS server did not respond."),
        Phase::Connect => (
            "The connection was not established",
            "A firewall may drop the packets, or the address is wrong.",
        ),
        Phase::Tls => (
            "The TLS handshake did not finish",
            "The service on this port may not speak TLS, or the server is overloaded.",
        ),
        Phase::Wait => (
            "The server did not respond",
            "The server received the request, but is slow or does not process it.",
        ),
        Phase::Read => (
            "The response did not finish",
            "The server started to respond and then stopped sending.",
        ),
    };
    let remedy = match phase {
        Phase::Dns => "Check the DNS server that Gatepost uses, or use the server's IP address.",
        Phase::Connect | Phase::Tls | Phase::Wait | Phase::Read => {
            "Check the load of the server and the firewall. You can set a longer timeout under Advanced."
        }
    };
    Explanation::new(format!("{what} within {seconds} s."), meaning, remedy)
}
