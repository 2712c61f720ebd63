//! Method, URL and headers: what HTTP asks of them.

use std::fmt;

use url::Url;

use super::Rules;

/// The methods that can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// No body unless a template is given.
    Get,
    /// What Logpoint needs.
    Post,
    /// Replaces.
    Put,
    /// Changes.
    Patch,
    /// Removes.
    Delete,
}

impl Method {
    /// All, in the order of the page.
    pub const ALL: [Self; 5] = [Self::Post, Self::Put, Self::Patch, Self::Get, Self::Delete];

    /// The method's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str().eq_ignore_ascii_case(word.trim()))
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Headers that the HTTP client or Gatepost itself sets.
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

/// Longest URL, in bytes, before and after its placeholders are filled in.
pub(super) const MAX_URL: usize = 4096;

/// Checks a URL as typed. Placeholders may stand only after the host: a value that comes from
/// outside must not decide where a secret is sent.
pub(super) fn check_url(url: &str, rules: Rules) -> Result<(), String> {
    if url.is_empty() {
        return Err("Enter the address to send to, such as https://10.0.0.5/add_incident_comment."
            .to_owned());
    }
    if url.len() > MAX_URL {
        return Err(format!("The URL is longer than {MAX_URL} bytes."));
    }
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err(format!("The URL has no scheme: write https://{url}"));
    };
    match scheme.to_ascii_lowercase().as_str() {
        "https" => {}
        "http" if rules.allow_http => {}
        "http" => {
            return Err("http:// sends everything in the clear, secrets included: use https://. \
                 (An operator can allow http with GATEPOST_ALLOW_HTTP=true.)"
                .to_owned());
        }
        other => {
            return Err(format!("\"{other}://\" is not a web address: begin with https://"));
        }
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains("{{") {
        return Err(
            "Placeholders may stand after the host only: the host itself must be fixed.".to_owned()
        );
    }
    if authority.contains('@') {
        return Err(
            "Credentials do not belong in the URL: send them in a header or the body.".to_owned()
        );
    }
    Ok(())
}

/// Checks a URL whose placeholders are filled in, and gives it in its normal form.
pub(super) fn check_rendered_url(url: &str) -> Result<Url, String> {
    let parsed = Url::parse(url).map_err(|error| format!("This is not a URL: {error}."))?;
    if parsed.host_str().is_none_or(str::is_empty) {
        return Err("The URL has no host.".to_owned());
    }
    if parsed.fragment().is_some() {
        return Err("A URL's part after # is never sent: remove it.".to_owned());
    }
    Ok(parsed)
}

/// Checks one header as typed.
pub(super) fn check_header(name: &str, value: &str) -> Result<(), String> {
    if name.contains(['\r', '\n']) || value.contains(['\r', '\n']) {
        return Err("A header cannot hold a line break: remove it.".to_owned());
    }
    if name.is_empty() {
        return Err("This header has a value but no name.".to_owned());
    }
    if name.contains("{{") {
        return Err("A header's name is fixed: placeholders may stand in its value.".to_owned());
    }
    if ::http::HeaderName::try_from(name).is_err() {
        return Err(format!("\"{name}\" is not a header name: use letters, digits and -."));
    }
    let lower = name.to_ascii_lowercase();
    if RESERVED_HEADERS.contains(&lower.as_str()) {
        return Err(format!("{name} is set by Gatepost itself: remove this row."));
    }
    if ::http::HeaderValue::try_from(value).is_err() {
        return Err(format!("{name} has a character that a header cannot hold."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let rules = Rules::default();
        for good in
            ["https://10.0.0.5/x", "https://[::1]:8443/x?y={{data.id}}", "HTTPS://a.example"]
        {
            assert_eq!(check_url(good, rules), Ok(()), "{good}");
        }
        for (bad, hint) in [
            ("", "Enter the address"),
            ("10.0.0.5/x", "https://10.0.0.5/x"),
            ("http://a", "GATEPOST_ALLOW_HTTP"),
            ("ftp://a", "begin with https://"),
            ("https://{{data.id}}/x", "host itself must be fixed"),
            ("https://me:pw@a/x", "Credentials"),
        ] {
            let error = check_url(bad, rules).unwrap_err();
            assert!(error.contains(hint), "{bad}: {error}");
        }
        assert_eq!(check_url("http://a", Rules { allow_http: true }), Ok(()));
    }

    #[test]
    fn headers() {
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
