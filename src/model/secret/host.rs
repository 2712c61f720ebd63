//! Hosts that a secret may be sent to.

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

use crate::model::webhook::server_of;

/// A host that a secret may be sent to: scheme, name or address, and port. `https://*.example.com` allows every
/// sub-domain of `example.com`, but not `example.com` itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AllowedHost {
    scheme: String,
    /// The host as the URL parser writes it. With a wildcard, the part after `*.`.
    host: String,
    has_wildcard: bool,
    port: u16,
}

/// Why a text is not an allowed host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidHost(String);

impl AllowedHost {
    /// Returns the host of a URL, which may contain placeholders after the host.
    ///
    /// # Errors
    /// The URL has no clear host.
    pub fn of_url(url: &str) -> Result<Self, InvalidHost> {
        let server = server_of(url).map_err(InvalidHost)?;
        Self::of_server(&server, false).ok_or_else(|| not_supported(url))
    }

    /// Whether a request to this URL is sent to this host.
    pub fn allows(&self, url: &Url) -> bool {
        let is_same_host = match url.host_str() {
            None => false,
            Some(host) if !self.has_wildcard => host == self.host,
            Some(host) => {
                host.strip_suffix(&self.host).is_some_and(|start| start.ends_with('.'))
                    && matches!(url.host(), Some(Host::Domain(_)))
            }
        };
        is_same_host
            && url.scheme() == self.scheme
            && url.port_or_known_default() == Some(self.port)
    }

    fn of_server(url: &Url, has_wildcard: bool) -> Option<Self> {
        let host = url.host_str()?.to_owned();
        let port = url.port_or_known_default()?;
        Some(Self { scheme: url.scheme().to_owned(), host, has_wildcard, port })
    }
}

impl FromStr for AllowedHost {
    type Err = InvalidHost;

    /// Parses `https://host`, `https://host:port` or `https://*.domain`.
    fn from_str(text: &str) -> Result<Self, InvalidHost> {
        let text = text.trim();
        let text = text.strip_suffix('/').unwrap_or(text);
        let text = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let (scheme, rest) = text.split_once("://").unwrap_or_default();
        if !matches!(scheme.to_ascii_lowercase().as_str(), "https" | "http") {
            return Err(not_supported(&text));
        }
        if rest.contains(['/', '?', '#', '\\']) {
            return Err(InvalidHost(format!(
                "\"{text}\" has more than a host: enter scheme, host and port, such as https://10.0.0.5."
            )));
        }
        let (name, has_wildcard) = match rest.strip_prefix("*.") {
            Some(name) => (name, true),
            None => (rest, false),
        };
        let server = server_of(&format!("{scheme}://{name}")).map_err(InvalidHost)?;
        let is_domain = matches!(server.host(), Some(Host::Domain(domain)) if domain.contains('.'));
        if name.contains('*') || (has_wildcard && !is_domain) {
            return Err(InvalidHost(format!(
                "\"{text}\" has a wildcard in the wrong place: write it first, before a domain, such as \
                 https://*.example.com."
            )));
        }
        Self::of_server(&server, has_wildcard).ok_or_else(|| not_supported(&text))
    }
}

fn not_supported(text: &str) -> InvalidHost {
    InvalidHost(format!("\"{text}\" is not an allowed host: enter one such as https://10.0.0.5."))
}

impl fmt::Display for AllowedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wildcard = if self.has_wildcard { "*." } else { "" };
        write!(f, "{}://{wildcard}{}", self.scheme, self.host)?;
        let default = if self.scheme == "https" { 443 } else { 80 };
        if self.port == default { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn allows(host: &str, url: &str) -> bool {
        host.parse::<AllowedHost>().unwrap().allows(&Url::parse(url).unwrap())
    }

    #[test]
    fn scheme_host_and_port_must_match() {
        for url in ["https://10.0.0.5/x", "https://10.0.0.5:443/y?z", "HTTPS://10.0.0.5"] {
            assert!(allows("https://10.0.0.5", url), "{url}");
            assert!(allows("10.0.0.5:443/", url), "{url}");
        }
        for url in
            ["http://10.0.0.5/", "https://10.0.0.5:8443/", "https://10.0.0.50/", "https://a@b/"]
        {
            assert!(!allows("https://10.0.0.5", url), "{url}");
        }
    }

    #[test]
    fn a_wildcard_allows_only_subdomains() {
        for url in ["https://a.example.com/", "https://A.B.example.com/"] {
            assert!(allows("https://*.example.com", url), "{url}");
        }
        for url in [
            "https://example.com/",
            "https://badexample.com/",
            "https://example.com.evil.test/",
            "https://a.example.com:8443/",
        ] {
            assert!(!allows("https://*.example.com", url), "{url}");
        }
    }

    #[test]
    fn rejects_what_is_not_a_host() {
        for (text, hint) in [
            ("", "no host"),
            ("https://a/x", "more than a host"),
            ("ftp://a", "not an allowed host"),
            ("https://*", "wildcard in the wrong place"),
            ("https://*.com", "wildcard in the wrong place"),
            ("https://*.10.0.0.5", "wildcard in the wrong place"),
            ("https://a.*.example.com", "wildcard in the wrong place"),
            ("https://me@a", "credentials"),
            ("https://{{data.id}}", "placeholders"),
        ] {
            let error = text.parse::<AllowedHost>().unwrap_err().to_string();
            assert!(error.contains(hint), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn a_written_host_can_be_parsed(text in "(https?://)?(\\*\\.)?[a-z0-9.-]{1,12}(:[0-9]{1,5})?") {
            if let Ok(host) = text.parse::<AllowedHost>() {
                prop_assert_eq!(host.to_string().parse(), Ok(host));
            }
        }
    }
}
