//! The server of a URL: scheme, host and port. Everything that must know where a request goes uses this function, with the
//! parser that also connects.

use url::Url;

/// Returns the server of a URL, which may contain placeholders after the host, as a URL with the path `/`.
///
/// # Errors
/// The message for the form.
pub fn server_of(url: &str) -> Result<Url, String> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err(format!("The URL has no scheme: enter https://{url}."));
    };
    // The parser skips slashes here, and would take the path for the host.
    let authority = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() {
        return Err(format!("The URL has no host: enter one after {scheme}://."));
    }
    if authority.contains("{{") {
        return Err("The host cannot contain placeholders: use them only after it.".to_owned());
    }
    if authority.contains('@') {
        return Err(
            "The URL cannot contain credentials: use Authentication, a header or the body."
                .to_owned(),
        );
    }
    if let Some(second) = rest.get(authority.len()..).filter(|rest| rest.starts_with("//"))
        && let Some(scheme) = authority.strip_suffix(':')
    {
        return Err(format!("The URL begins with two schemes: enter {scheme}:{second}."));
    }
    if authority.ends_with(':') {
        return Err(format!(
            "The port after \"{authority}\" is missing: enter it, or remove the colon."
        ));
    }
    // The parser removes tabs and line breaks.
    if authority.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("The host contains a space or control character: remove it.".to_owned());
    }
    let server = Url::parse(&format!("{scheme}://{authority}/"))
        .map_err(|error| format!("The host \"{authority}\" is invalid: {error}."))?;
    match server.host_str() {
        Some(host) if !host.is_empty() => Ok(server),
        _ => Err(format!("The URL has no host: enter one after {scheme}://.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use url::Position;

    #[test]
    fn a_server_is_recognized_in_every_spelling() {
        for (url, server) in [
            ("https://10.0.0.5/x", "https://10.0.0.5/"),
            ("HTTPS://A.example:443/{{data.id}}", "https://a.example/"),
            ("https://[::1]:8443?x={{data.id}}", "https://[::1]:8443/"),
            ("https://bücher.example#x", "https://xn--bcher-kva.example/"),
            ("http://0x7f.1/", "http://127.0.0.1/"),
            ("https://a\\.b/", "https://a/"),
        ] {
            assert_eq!(server_of(url).unwrap().as_str(), server, "{url}");
        }
    }

    #[test]
    fn a_url_without_a_clear_server_is_rejected() {
        for (url, hint) in [
            ("10.0.0.5/x", "enter https://10.0.0.5/x"),
            ("https:///add_incident_comment", "no host"),
            ("https://", "no host"),
            ("https://?x", "no host"),
            ("https://\\x", "no host"),
            ("https://https://10.0.0.5/x", "two schemes: enter https://10.0.0.5/x"),
            ("https://http://10.0.0.5/x", "two schemes: enter http://10.0.0.5/x"),
            ("https://a:/x", "port"),
            ("https://a:99999/x", "invalid"),
            ("https://a b/x", "space"),
            ("https://a\tb/x", "space"),
            ("https://{{data.id}}/x", "host cannot contain placeholders"),
            ("https://me:pw@a/x", "credentials"),
            ("https://%/x", "invalid"),
        ] {
            let error = server_of(url).unwrap_err();
            assert!(error.contains(hint), "{url}: {error}");
        }
    }

    proptest! {
        /// What is shown and checked as the server is where the request goes.
        #[test]
        fn the_server_is_the_one_of_the_parsed_url(url in "https?:/{1,3}[a-z0-9.:@%\\\\\\[\\] \t-]{0,12}[/?#\\\\]?[a-z/.@:\\\\]{0,8}") {
            if let Ok(server) = server_of(&url) {
                let parsed = Url::parse(&url).unwrap();
                prop_assert_eq!(&parsed[..Position::BeforePath], &server[..Position::BeforePath]);
            }
        }
    }
}
