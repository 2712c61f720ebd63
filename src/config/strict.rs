//! Strict mode: what it requires, and the settings that it does not permit.

use std::net::IpAddr;

use url::Url;

use super::{Config, SmtpEncryption};
use crate::model::SecurityPolicy;
use crate::model::webhook::Rules;

/// Returns what is required with this setting.
pub(super) fn policy(strict: Option<bool>) -> SecurityPolicy {
    if strict == Some(true) { SecurityPolicy::STRICT } else { SecurityPolicy::default() }
}

impl Config {
    /// Returns the rules for webhooks.
    pub fn webhook_rules(&self) -> Rules {
        let require_verification = self.policy.verified_targets;
        Rules { allow_http: self.allow_http, require_verification }
    }

    /// Returns what strict mode requires of the settings and they do not meet, each with how to change it, without a final
    /// period. Empty without strict mode. The connection to the database is checked elsewhere.
    pub fn strict_problems(&self) -> Vec<String> {
        if !self.policy.is_strict() {
            return Vec::new();
        }
        let problems = [
            self.public_url_problem(),
            self.https_problem(),
            self.allow_http.then(|| {
                "GATEPOST_ALLOW_HTTP is true, but strict mode requires https:// of webhooks and of the identity provider; \
                 remove it"
                    .to_owned()
            }),
            self.collector_problem(),
            self.mail_problem(),
        ];
        problems.into_iter().flatten().collect()
    }

    fn public_url_problem(&self) -> Option<String> {
        let problem = match &self.public_url {
            None => "is not set".to_owned(),
            Some(url) if url.scheme() != "https" => format!("is {url}"),
            Some(_) => return None,
        };
        Some(format!(
            "GATEPOST_PUBLIC_URL {problem}, but strict mode requires HTTPS; set it to the address that browsers and senders \
             use, such as https://gatepost.example.com"
        ))
    }

    fn https_problem(&self) -> Option<String> {
        let is_served = self.tls.is_some() || !self.trusted_proxies.is_empty();
        (!is_served).then(|| {
            "Gatepost serves plain HTTP and no reverse proxy is configured, but strict mode requires HTTPS; set \
             GATEPOST_TLS_CERTIFICATE_FILE and GATEPOST_TLS_KEY_FILE, or set GATEPOST_TRUSTED_PROXIES to the address of the \
             reverse proxy that terminates TLS"
                .to_owned()
        })
    }

    fn collector_problem(&self) -> Option<String> {
        let url = self.otlp_endpoint.as_ref()?;
        let is_permitted = url.scheme() == "https" || is_loopback_url(url);
        (!is_permitted).then(|| {
            format!(
                "GATEPOST_OTLP_ENDPOINT is {url}, but strict mode requires https:// unless the collector is on this machine; \
                 use https://, or run a collector at http://127.0.0.1:4318 that forwards the traces"
            )
        })
    }

    fn mail_problem(&self) -> Option<String> {
        let smtp = self.smtp.as_ref()?;
        let is_permitted = smtp.encryption != SmtpEncryption::None || is_loopback(&smtp.host);
        (!is_permitted).then(|| {
            "GATEPOST_SMTP_URL ends with ?tls=none, but strict mode requires encryption unless the mail server is on this \
             machine; remove ?tls=none for STARTTLS, or use smtps://"
                .to_owned()
        })
    }
}

fn is_loopback_url(url: &Url) -> bool {
    url.host_str().is_some_and(is_loopback)
}

/// Whether a host is this machine: a name below `localhost` (RFC 6761, section 6.3), or a loopback address, also in brackets
/// as in a URL.
pub fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_not_an_address) => {
            let name = bare.trim_end_matches('.').to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{ConfigError, Options};
    use super::*;

    /// Settings that strict mode permits.
    fn permitted() -> Options {
        let text = |text: &str| Some(text.to_owned());
        Options {
            strict: Some(true),
            public_url: text("https://gatepost.example.com"),
            trusted_proxies: text("10.0.0.7"),
            ..Options::default()
        }
    }

    fn problems(change: impl FnOnce(&mut Options)) -> Result<Vec<String>, ConfigError> {
        let mut options = permitted();
        change(&mut options);
        Config::check(options).map(|config| config.strict_problems())
    }

    #[test]
    fn each_problem_names_the_setting_and_the_fix() {
        type Case = (fn(&mut Options), [&'static str; 2]);
        let cases: [Case; 6] = [
            (|o| o.public_url = None, ["GATEPOST_PUBLIC_URL is not set", "such as https://"]),
            (
                |o| o.public_url = Some("http://gatepost.example.com".into()),
                ["GATEPOST_PUBLIC_URL is http://gatepost.example.com/", "such as https://"],
            ),
            (
                |o| o.trusted_proxies = None,
                ["GATEPOST_TLS_CERTIFICATE_FILE", "GATEPOST_TRUSTED_PROXIES"],
            ),
            (|o| o.allow_http = Some(true), ["GATEPOST_ALLOW_HTTP is true", "remove it"]),
            (
                |o| o.otlp_endpoint = Some("http://collector.example.com:4318".into()),
                ["GATEPOST_OTLP_ENDPOINT is http://collector", "use https://"],
            ),
            (
                |o| o.smtp_url = Some("smtp://u:hunter2@mail.example.com?tls=none".into()),
                ["GATEPOST_SMTP_URL", "smtps://"],
            ),
        ];
        for (change, parts) in cases {
            let found = problems(change).unwrap();
            let [problem] = found.as_slice() else { panic!("{found:?}") };
            assert!(parts.iter().all(|part| problem.contains(part)), "{problem}");
            assert!(problem.contains("strict mode") && !problem.ends_with('.'), "{problem}");
            assert!(!problem.contains("hunter2"), "{problem}");
        }
    }

    #[test]
    fn all_problems_are_reported_at_once_and_none_without_strict_mode() {
        let worst = |strict| {
            problems(move |o| {
                o.strict = strict;
                o.public_url = Some("http://gatepost.example.com".into());
                o.trusted_proxies = None;
                o.allow_http = Some(true);
                o.otlp_endpoint = Some("http://collector.example.com".into());
                o.smtp_url = Some("smtp://mail.example.com?tls=none".into());
            })
            .unwrap()
        };
        assert_eq!(worst(Some(true)).len(), 5);
        assert!(worst(Some(false)).is_empty() && worst(None).is_empty());
    }

    #[test]
    fn encrypted_and_local_connections_are_permitted() {
        let changes: [fn(&mut Options); 5] = [
            |_| {},
            |o| o.otlp_endpoint = Some("https://collector.example.com".into()),
            |o| o.otlp_endpoint = Some("http://[::1]:4318".into()),
            |o| o.smtp_url = Some("smtp://mail.example.com".into()),
            |o| o.smtp_url = Some("smtp://localhost:2525?tls=none".into()),
        ];
        for change in changes {
            assert_eq!(problems(change).unwrap(), Vec::<String>::new());
        }
        let with_certificate = |o: &mut Options| {
            o.trusted_proxies = None;
            o.tls_certificate_file = Some("cert.pem".into());
            o.tls_key_file = Some("key.pem".into());
        };
        assert_eq!(problems(with_certificate).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for host in ["localhost", "LOCALHOST.", "db.localhost", "127.0.0.1", "127.9.9.9", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["", "localhost.example.com", "notlocalhost", "10.0.0.1", "[::2]", "0.0.0.0"] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    proptest! {
        #[test]
        fn an_address_is_loopback_as_the_standard_library_says(address: IpAddr) {
            prop_assert_eq!(is_loopback(&address.to_string()), address.to_canonical().is_loopback());
            prop_assert_eq!(is_loopback(&format!("[{address}]")), address.to_canonical().is_loopback());
        }
    }
}
