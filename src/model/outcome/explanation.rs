//! All texts about the outcome of an attempt: the one-line summary for lists, and the explanation for
//! administrators.

use super::{Cause, Phase, TlsFailure, TokenFailure};

const PIN: &str =
    "Select Fetch certificate, compare the fingerprint with the one on the server, and pin it.";

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
            Self::Blocked { address } => format!("{address} is blocked by the egress rules"),
            Self::NoSuchHost => "Host name does not resolve".to_owned(),
            Self::Refused => "Connection refused".to_owned(),
            Self::Unreachable { .. } => "Server unreachable".to_owned(),
            Self::Timeout { seconds, .. } => format!("Timed out after {seconds} s"),
            Self::Certificate(failure) => failure.summary().to_owned(),
            Self::Protocol { .. } => "Invalid HTTP response".to_owned(),
            Self::Token(failure) => failure.summary(),
            Self::Status(status) => format!("HTTP {status}"),
            Self::NotJson => "Response is not JSON".to_owned(),
            Self::Validator { message: Some(message), .. } => format!("Rejected: {message}"),
            Self::Validator { path, found: Some(found), .. } => format!("{path} was {found}"),
            Self::Validator { path, found: None, .. } => format!("{path} is missing"),
        }
    }

    /// Explains the failure. `status` is the status of the response, `custom_message` the webhook's
    /// own message for a failed validation.
    pub fn explain(&self, status: Option<u16>, custom_message: Option<&str>) -> Explanation {
        match self {
            Self::Template { field, message } => Explanation::new(
                format!("{field} could not be rendered."),
                message.clone(),
                "Correct the template; the preview shows the result. Nothing was sent.",
            ),
            Self::Blocked { address } => Explanation::new(
                format!("The egress rules block {address}."),
                "Loopback, link-local and multicast addresses are blocked unless the operator allows \
                 them, so that a webhook cannot be used to attack this server.",
                "Check the URL. If the address is correct, ask the operator to add its network to \
                 GATEPOST_EGRESS_ALLOW and to remove it from GATEPOST_EGRESS_DENY.",
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
            Self::Protocol { detail } => Explanation::new(
                "The response is incomplete or not HTTP.",
                format!("The HTTP client reported: {detail}."),
                "Check that the service on this port speaks HTTPS, and look at the server's log.",
            ),
            Self::Token(failure) => failure.explain(),
            Self::Status(status) => explain_status(*status),
            Self::NotJson => Explanation::new(
                "The response is not JSON.",
                "Response validators need a JSON response of at most 64 KiB. A proxy or a sign-in \
                 page may have responded instead of the server.",
                "Look at the response body, and check the host and path of the URL.",
            ),
            Self::Validator { path, found, expected, message, .. } => {
                let was = match found {
                    Some(found) => format!("{path} was {found}"),
                    None => format!("{path} was missing"),
                };
                let meaning = format!(
                    "The server responded with {}, but {was}. Expected: {}.",
                    status.unwrap_or_default(),
                    expected.join(" or ")
                );
                explain_validation(meaning, message.as_deref(), custom_message)
            }
        }
    }
}

fn explain_validation(
    meaning: String,
    message: Option<&str>,
    custom_message: Option<&str>,
) -> Explanation {
    let headline = match (custom_message, message) {
        (Some(custom), Some(message)) => format!("{custom}: “{message}”"),
        (Some(custom), None) => custom.to_owned(),
        (None, Some(message)) => format!("The server rejected the request: “{message}”"),
        (None, None) => "A response validator failed.".to_owned(),
    };
    let remedy = match message {
        Some("Authentication Failed") => {
            "Enter the current user name and secret key in the body: one of them is wrong. A key is replaced \
             when it is regenerated under My Preferences in Logpoint."
        }
        Some(_) => {
            "Check that the body contains what the message asks for. The message comes from the server."
        }
        None => "Look at the response body. If the response is correct, change the validator.",
    };
    Explanation::new(headline, meaning, remedy)
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

impl TlsFailure {
    fn summary(&self) -> &'static str {
        match self {
            Self::SelfSigned
            | Self::UnknownIssuer
            | Self::Expired
            | Self::NotYetValid
            | Self::WrongName => "Certificate not trusted",
            Self::NotPinned => "Certificate is not the pinned one",
            Self::ClientCertificateRequired => "Client certificate required",
            Self::ClientCertificateRejected(_) => "Client certificate rejected",
            Self::Version | Self::Other(_) => "TLS handshake failed",
        }
    }

    fn explain(&self) -> Explanation {
        match self {
            Self::SelfSigned => Explanation::new(
                "The server's certificate is self-signed.",
                "No certificate authority has confirmed it. Logpoint appliances are delivered with such a certificate.",
                PIN,
            ),
            Self::UnknownIssuer => Explanation::new(
                "The issuer of the server's certificate is not trusted.",
                "It was issued by a private certificate authority, or the server does not send the intermediate certificates.",
                "Enter the certificate of the authority (PEM), or pin the server's certificate.",
            ),
            Self::Expired => Explanation::new(
                "The server's certificate has expired.",
                "Its validity period is over, or the clock of this machine is wrong.",
                "Renew the certificate on the server, or pin it: the dates of a pinned certificate are not checked.",
            ),
            Self::NotYetValid => Explanation::new(
                "The server's certificate is not valid yet.",
                "Its validity period starts later, or the clock of this machine is slow.",
                "Check the clocks of both machines.",
            ),
            Self::WrongName => Explanation::new(
                "The server's certificate is for another name.",
                "The certificate does not contain the host of the URL. Appliances that are reached by \
                 IP address often have a certificate with a name only.",
                PIN,
            ),
            Self::NotPinned => Explanation::new(
                "This is not the pinned certificate.",
                "The server's certificate has changed since it was pinned, or the connection is being \
                 intercepted. Nothing was sent.",
                "Ask the administrator of the server. If the change is intended, fetch and pin the new certificate.",
            ),
            Self::ClientCertificateRequired => Explanation::new(
                "The server requires a client certificate.",
                "It accepts only clients with a certificate that it trusts (mutual TLS).",
                "Paste a certificate and its key under TLS, Client certificate.",
            ),
            Self::ClientCertificateRejected(detail) => Explanation::new(
                "The server rejected the client certificate.",
                format!("It reported: {detail}."),
                "Check that the certificate was issued by an authority that the server trusts, that it \
                 has not expired, and that you also pasted its intermediate certificates.",
            ),
            Self::Version => Explanation::new(
                "The server supports only older TLS versions.",
                "Gatepost uses TLS 1.2 and 1.3, or only 1.3 if that is the webhook's minimum version.",
                "Update the server, or lower the webhook's minimum version.",
            ),
            Self::Other(detail) => Explanation::new(
                "The TLS handshake failed.",
                format!("The TLS library reported: {detail}."),
                "Check that the service on this port speaks TLS 1.2 or 1.3.",
            ),
        }
    }
}

impl TokenFailure {
    fn summary(&self) -> String {
        match self {
            Self::Exchange(cause) => format!("Token endpoint: {}", cause.summary()),
            Self::Rejected { error: Some(error), .. } => format!("Token request rejected: {error}"),
            Self::Rejected { status, error: None, .. } => {
                format!("Token request rejected: HTTP {status}")
            }
            Self::Missing | Self::Kind(_) => "No access token".to_owned(),
        }
    }

    fn explain(&self) -> Explanation {
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
            "This client may not use the client credentials grant.",
            "Ask the administrator of the token endpoint to allow that grant for this client.",
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

fn explain_status(status: u16) -> Explanation {
    let (meaning, remedy) = match status {
        300..=399 => (
            "The server redirects to another address. Gatepost does not follow redirects, so that secrets reach only the configured server.",
            "Use the address in the response header location.",
        ),
        401 | 403 => (
            "The credentials are missing or wrong, or lack a permission.",
            "Check the credentials in the body and in the headers.",
        ),
        404 => (
            "The path does not exist.",
            "Check the path. Logpoint's paths are singular, such as /reopen_incident.",
        ),
        405 => (
            "The path exists, but does not accept this method.",
            "Choose another method. Logpoint needs POST.",
        ),
        413 => ("The body is too large for the server.", "Shorten the body template."),
        429 => (
            "The server receives too many requests.",
            "Deliveries are retried after the time that the server asks for.",
        ),
        410 => (
            "The server reports that this address has been removed permanently.",
            "Enter a new URL, or deactivate the webhook.",
        ),
        400..=499 => {
            ("The server did not accept the request.", "Look at the response body for the reason.")
        }
        _ => (
            "The server, or a proxy in front of it, has a problem.",
            "Look at the response body and at the server's log. Deliveries are retried.",
        ),
    };
    let reason = ::http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .map(|reason| format!(" {reason}"));
    let headline = format!("The server responded with {status}{}.", reason.unwrap_or_default());
    Explanation::new(headline, meaning, remedy)
}
