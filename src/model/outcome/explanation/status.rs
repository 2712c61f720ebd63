//! Texts about statuses other than success (RFC 9110, section 15).

use super::Explanation;

/// Explains a status.
pub(super) fn explain(status: u16) -> Explanation {
    let (meaning, remedy) = match status {
        100..=199 => (
            "The server wants to change the protocol of the connection, which no webhook needs.",
            "Check the host and path of the URL: they belong to a service such as WebSocket.",
        ),
        304 => (
            "The server, or a cache in front of it, treated the request as conditional.",
            "Remove headers such as If-None-Match and If-Modified-Since, and choose the method POST.",
        ),
        301 | 302 | 303 | 307 | 308 => (
            "The server redirects to another address. Gatepost does not follow redirects, so that secrets reach only the configured server.",
            "Use the address in the response header location.",
        ),
        300..=399 => (
            "The server refers to another address, without a redirect.",
            "Look at the response, and enter the correct URL.",
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
        407 => (
            "A proxy between Gatepost and the server requires its own credentials.",
            "Ask the administrator of the proxy to let Gatepost through. The credentials of the webhook are for the server.",
        ),
        408 => (
            "The server did not receive the whole request in time.",
            "Check the network and the proxies between Gatepost and the server. Deliveries are retried.",
        ),
        415 => (
            "The server does not accept the format of the body.",
            "Set the header Content-Type that the server's documentation names.",
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
