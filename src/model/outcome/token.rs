//! What to tell the admin where no access token could be had.

use super::{Explanation, TokenFault};
use crate::model::invocation::Invocation;

impl TokenFault {
    pub(super) fn explain(&self, invocation: &Invocation) -> Explanation {
        match self {
            Self::Exchange(cause) => {
                let inner = cause.explain(invocation);
                Explanation::new(
                    format!("No access token came. At the token endpoint: {}", inner.headline),
                    inner.meaning,
                    inner.remedy,
                )
            }
            Self::Refused { status, error, description } => {
                let said = error.clone().unwrap_or_else(|| format!("HTTP {status}"));
                let headline = match description {
                    Some(text) => format!("The token endpoint refused: {said} (“{text}”)."),
                    None => format!("The token endpoint refused: {said}."),
                };
                let (meaning, remedy) = explain_error(error.as_deref(), *status);
                Explanation::new(headline, meaning, remedy)
            }
            Self::Missing => Explanation::new(
                "The token endpoint's answer holds no access token.",
                "It is not JSON with a field access_token: a sign-in page or another service may have answered.",
                "Check the token endpoint's URL; the answer is under Token.",
            ),
            Self::Kind(kind) => Explanation::new(
                format!("The token endpoint gave a token of kind \u{201c}{kind}\u{201d}."),
                "Only bearer tokens can be sent.",
                "Ask who runs it for a client that is given bearer tokens.",
            ),
        }
    }
}

/// Meaning and remedy by the error's code (RFC 6749, section 5.2).
fn explain_error(error: Option<&str>, status: u16) -> (&'static str, &'static str) {
    match (error, status) {
        (Some("invalid_client"), _) | (None, 401) => (
            "It does not know the client id, or the client secret is wrong or has expired.",
            "Check client id and client secret under Authentication.",
        ),
        (Some("invalid_scope"), _) => (
            "One of the scopes is unknown, or this client may not ask for it.",
            "Check the scopes under Authentication. Some servers want none, some exactly one.",
        ),
        (Some("unauthorized_client" | "unsupported_grant_type"), _) => (
            "This client may not use the client credentials grant.",
            "Ask who runs the token endpoint to allow it for this client.",
        ),
        (Some("invalid_request"), _) => (
            "It misses something in the request; often a scope.",
            "Look at what it said under Token, and at its documentation.",
        ),
        (None, 404) => {
            ("Nothing is at that path.", "Check the token endpoint's URL under Authentication.")
        }
        _ => (
            "The fault may be at the token endpoint itself.",
            "Look at what it said under Token. Deliveries are tried again.",
        ),
    }
}
