//! Validation of method, URL and headers.

use strum::{Display, EnumString, IntoStaticStr};
use url::Url;

use super::server::server_of;
use super::url_text;

/// Rules that the operator sets.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rules {
    /// Whether `http://` is allowed.
    pub allow_http: bool,
    /// Whether webhooks must verify the certificates of their servers.
    pub require_verification: bool,
}

impl Rules {
    /// For stored webhooks, which the operator has allowed. What the rules are now is checked at every attempt.
    pub const STORED: Self = Self { allow_http: true, require_verification: false };
}

/// HTTP methods of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, EnumString, IntoStaticStr)]
#[strum(serialize_all = "UPPERCASE", ascii_case_insensitive)]
pub enum Method {
    /// `GET`, without a body unless the webhook has a template.
    Get,
    /// `POST`, which Logpoint needs.
    Post,
    /// `PUT`.
    Put,
    /// `PATCH`.
    Patch,
    /// `DELETE`, without a body unless the webhook has a template.
    Delete,
}

impl Method {
    /// All methods, in the order of the page.
    pub const ALL: [Self; 5] = [Self::Post, Self::Put, Self::Patch, Self::Get, Self::Delete];

    /// The name of the method.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Parses a method in any case.
    pub(super) fn parse(name: &str) -> Option<Self> {
        name.trim().parse().ok()
    }
}

/// Headers that the HTTP client or Gatepost sets.
pub const RESERVED_HEADERS: [&str; 9] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
    "te",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
];

/// Longest URL, in bytes.
pub(super) const MAX_URL_BYTES: usize = 4096;

/// Checks a URL with placeholders. They are allowed only after the host, so that a value from an event
/// cannot decide where a secret is sent.
pub(super) fn check_url(url: &str, rules: Rules) -> Result<(), String> {
    if url.is_empty() {
        return Err("Enter a URL, such as https://10.0.0.5/add_incident_comment.".to_owned());
    }
    if url.len() > MAX_URL_BYTES {
        return Err(format!("The URL is too long: use at most {MAX_URL_BYTES} bytes."));
    }
    let server = server_of(url)?;
    match server.scheme() {
        "https" => Ok(()),
        "http" if rules.allow_http => Ok(()),
        "http" => Err("http:// sends everything unencrypted, including secrets: use https://. \
             (The operator can allow HTTP with GATEPOST_ALLOW_HTTP=true.)"
            .to_owned()),
        other => Err(format!("\"{other}://\" is not supported: use https://.")),
    }
}

/// Parses a rendered URL. Its server was checked before, because placeholders cannot change it.
pub(super) fn check_rendered_url(url: &str) -> Result<Url, String> {
    let parsed = Url::parse(url).map_err(|error| format!("The URL is invalid: {error}."))?;
    if parsed.fragment().is_some() {
        return Err("The part of the URL after # would not be sent: remove it.".to_owned());
    }
    url_text::check_unchanged(url, &parsed)?;
    Ok(parsed)
}

/// Checks a header. Its value may contain placeholders.
pub(super) fn check_header(name: &str, value: &str) -> Result<(), String> {
    if name.contains(['\r', '\n']) || value.contains(['\r', '\n']) {
        return Err("A header cannot contain a line break: remove it.".to_owned());
    }
    if name.is_empty() {
        return Err("This header has no name: enter one, or clear the value.".to_owned());
    }
    if name.contains("{{") {
        return Err(
            "The name of a header cannot contain placeholders: use them only in the value."
                .to_owned(),
        );
    }
    if ::http::HeaderName::try_from(name).is_err() {
        return Err(format!("\"{name}\" is not a header name: use letters, digits and hyphens."));
    }
    let lower = name.to_ascii_lowercase();
    if RESERVED_HEADERS.contains(&lower.as_str()) {
        return Err(format!("Gatepost sets {name} itself: remove this header."));
    }
    if ::http::HeaderValue::try_from(value).is_err() {
        return Err(format!("The value of {name} contains a control character: remove it."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_checked() {
        let rules = Rules::default();
        for good in
            ["https://10.0.0.5/x", "https://[::1]:8443/x?y={{data.id}}", "HTTPS://a.example"]
        {
            assert_eq!(check_url(good, rules), Ok(()), "{good}");
        }
        for (bad, hint) in [
            ("", "Enter a URL"),
            ("10.0.0.5/x", "https://10.0.0.5/x"),
            ("http://a", "GATEPOST_ALLOW_HTTP"),
            ("ftp://a", "use https://"),
            ("https:///x", "no host"),
        ] {
            let error = check_url(bad, rules).unwrap_err();
            assert!(error.contains(hint), "{bad}: {error}");
        }
        assert_eq!(check_url("http://a", Rules::STORED), Ok(()));
    }

    #[test]
    fn headers_are_checked() {
        assert_eq!(check_header("X-Team", "sec"), Ok(()));
        for (name, value) in [
            ("X", "a\r\nB: c"),
            ("", "x"),
            ("a b", "x"),
            ("Host", "x"),
            ("{{x}}", "y"),
            ("X", "\u{7f}"),
        ] {
            assert!(check_header(name, value).is_err(), "{name:?}: {value:?}");
        }
    }
}
