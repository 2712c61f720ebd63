//! Texts about token endpoints.

use super::Explanation;
use crate::model::outcome::TokenFailure;

impl TokenFailure {
    pub(super) fn summary(&self) -> String {
        match self {
            Self::Exchange(cause) => format!("Token endpoint: {}", cause.summary()),
            Self::Rejected { error: Some(error), .. } => format!("Token request rejected: {error}"),
            Self::Rejected { status, error: None, .. } => {
                format!("Token request rejected: HTTP {status}")
            }
            Self::Missing | Self::Unusable | Self::Kind(_) => "No access token".to_owned(),
        }
    }

    pub(super) fn explain(&self) -> Explanation {
        match self {
            Self::Exchange(cause) => {
                let inner = cause.explain(None, None);
                let headline =
                    format!("No access token. At the token endpoint: {}", inner.headline);
                Explanation::new(headline, inner.meaning, inner.remedy)
            }
            Self::Rejected { status, error, description } => {
                let code = error.clone().unwrap_or_else(|| format!("HTTP {status}"));
                let headline = match description {
                    Some(text) => {
                        format!("The token endpoint rejected the request: {code} (“{text}”).")
                    }
                    None => format!("The token endpoint rejected the request: {code}."),
                };
                let (meaning, remedy) = explain_token_error(error.as_deref(), *status);
                Explanation::new(headline, meaning, remedy)
            }
            Self::Missing => Explanation::new(
                "The response of the token endpoint contains no access token.",
                "It is not JSON with the field access_token. A sign-in page or another service may have responded.",
                "Check the URL of the token endpoint. The response is shown under Token.",
            ),
            Self::Unusable => Explanation::new(
                "The access token cannot be sent.",
                "It is empty or contains spaces or control characters, so it cannot be the value of a header.",
                "Ask the administrator of the token endpoint. The response is shown under Token, without the token.",
            ),
            Self::Kind(kind) => Explanation::new(
                format!("The token endpoint returned a token of type “{kind}”."),
                "Gatepost can send only bearer tokens.",
                "Ask the administrator of the token endpoint for a client that receives bearer tokens.",
            ),
        }
    }
}

/// Meaning and remedy of an error code of the token endpoint (RFC 6749, section 5.2).
fn explain_token_error(error: Option<&str>, status: u16) -> (&'static str, &'static str) {
    match (error, status) {
        (Some("invalid_client"), _) | (None, 401) => (
            "The client ID is unknown, or the client secret is wrong or has expired.",
            "Check the client ID and the client secret under Authentication.",
        ),
        (Some("invalid_scope"), _) => (
            "One of the scopes is unknown, or this client may not request it.",
            "Check the scopes under Authentication. Some servers expect none, some exactly one.",
        ),
        (Some("unauthorized_client" | "unsupported_grant_type"), _) => (
            "This client may not use the client credentials grant. Some servers also report a wrong secret in this way.",
            "Check the client secret, and ask the administrator of the token endpoint to allow that grant for this client.",
        ),
        (Some("invalid_request"), _) => (
            "A parameter of the request is missing or invalid, often the scope.",
            "Read the response under Token and the documentation of the token endpoint.",
        ),
        (None, 404) => (
            "The path does not exist.",
            "Check the URL of the token endpoint under Authentication.",
        ),
        _ => (
            "The token endpoint itself may have a problem.",
            "Read the response under Token. Deliveries are retried.",
        ),
    }
}
