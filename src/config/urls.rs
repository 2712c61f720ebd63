//! Settings that are URLs.

use url::Url;

use super::{ConfigError, invalid};

/// Parses a URL without a path.
pub(super) fn http_url(
    name: &str,
    text: Option<String>,
    example: &str,
) -> Result<Option<Url>, ConfigError> {
    let Some(text) = text else { return Ok(None) };
    let is_origin = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && (url.path(), url.query(), url.fragment()) == ("/", None, None)
            && url.username().is_empty()
            && url.password().is_none()
    };
    let url = Url::parse(&text).ok().filter(is_origin);
    url.map(Some).ok_or_else(|| invalid(name, &text, &format!("write it as {example}")))
}

/// Parses the address of a collector. Errors do not repeat it, because it can contain a password.
pub(super) fn collector_url(text: &str) -> Result<Url, ConfigError> {
    let is_plain = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    };
    Url::parse(text).ok().filter(is_plain).ok_or_else(|| {
        let message = "GATEPOST_OTLP_ENDPOINT must be a URL such as http://collector.example.com:4318, without a user name, a \
                       password, a query or a fragment";
        ConfigError(message.to_owned())
    })
}
