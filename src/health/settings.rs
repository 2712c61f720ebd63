//! Checks of settings. They need no database and open no connection.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use url::Url;

use super::check::{Check, CheckId};
use super::tls_certificate::{self, SharedCertificate};
use crate::config::{self, Config, SmtpEncryption, SmtpSettings};
use crate::model::{SecurityPolicy, Sources};

/// The settings that are checked.
#[derive(Debug, Clone)]
pub struct Settings {
    pub(super) egress_allow: Vec<IpNet>,
    pub(super) egress_deny: Vec<IpNet>,
    pub(super) egress_only: Vec<IpNet>,
    pub(super) listen: SocketAddr,
    pub(super) retention_days: u16,
    pub(super) public_url: Option<Url>,
    /// Whether the server speaks TLS itself.
    pub(super) serves_tls: bool,
    /// Whether users may sign in with passwords.
    pub(super) password_sign_in: bool,
    pub(super) mail: Option<String>,
    /// What the operator requires.
    pub(super) policy: SecurityPolicy,
    /// The data directory, if there is a private PostgreSQL in it.
    pub(super) private_data_dir: Option<PathBuf>,
    /// The certificate of a server that speaks TLS, and the current time.
    pub(super) certificate: Option<(SharedCertificate, Sources)>,
    /// The settings that cannot be used, which are only read at the start of a server.
    pub(super) unusable: Vec<String>,
}

impl Settings {
    /// Takes the settings that are checked.
    pub fn new(config: &Config) -> Self {
        let is_private = config.database_url.is_none();
        Self {
            egress_allow: config.egress_allow.clone(),
            egress_deny: config.egress_deny.clone(),
            egress_only: config.egress_only.clone(),
            listen: config.listen,
            retention_days: config.retention_days,
            public_url: config.public_url.clone(),
            serves_tls: config.tls.is_some(),
            mail: config.smtp.as_ref().map(describe_mail),
            private_data_dir: is_private.then(|| config.data_dir.clone()),
            password_sign_in: config.password_sign_in,
            policy: config.policy,
            certificate: None,
            unusable: Vec::new(),
        }
    }

    /// Also checks the certificate of the server.
    pub fn set_certificate(&mut self, certificate: SharedCertificate, sources: Sources) {
        self.certificate = Some((certificate, sources));
    }

    /// Adds a setting with which a server does not start.
    pub fn add_unusable(&mut self, error: String) {
        self.unusable.push(error);
    }

    fn check_usable(&self) -> Check {
        match self.unusable.join(". ") {
            none if none.is_empty() => Check::ok(CheckId::Settings, "All settings can be used."),
            errors => unusable(&errors),
        }
    }

    /// Returns the checks that need nothing else.
    pub(super) fn checks(&self) -> impl Iterator<Item = Check> {
        let checks = [
            self.check_usable(),
            check_public_url(self.public_url.as_ref(), self.listen.ip(), self.serves_tls),
            check_mail(self.mail.as_deref()),
        ];
        checks.into_iter().chain(self.check_certificate())
    }

    /// `None` if the certificate cannot be used, which the check of settings reports.
    fn check_certificate(&self) -> Option<Check> {
        match &self.certificate {
            Some((certificate, sources)) => {
                Some(tls_certificate::check(&certificate.load(), sources.now()))
            }
            None if self.serves_tls => None,
            None => {
                let found = "Gatepost serves plain HTTP, so it needs no certificate.";
                Some(Check::ok(CheckId::TlsCertificate, found))
            }
        }
    }
}

/// Returns the check of settings that cannot be used.
pub(super) fn unusable(error: &impl Display) -> Check {
    let fix = "Correct the setting. `gatepost serve --help` lists all settings.";
    Check::problem(CheckId::Settings, format!("A setting cannot be used: {error}."), fix)
}

fn check_public_url(url: Option<&Url>, listen: IpAddr, serves_tls: bool) -> Check {
    let id = CheckId::PublicUrl;
    let fix = "Let a reverse proxy terminate TLS or set GATEPOST_TLS_CERTIFICATE_FILE, and set GATEPOST_PUBLIC_URL to its address, such as \
               https://gatepost.example.com.";
    match url {
        Some(url) if url.scheme() == "https" => {
            Check::ok(id, format!("Browsers use {url}. Cookies are sent only over HTTPS."))
        }
        Some(url) if url.host_str().is_some_and(config::is_loopback) => {
            Check::ok(id, format!("Browsers use {url}, which is on this machine."))
        }
        Some(url) => {
            let found =
                format!("Browsers use {url}. Passwords and cookies are sent without encryption.");
            Check::warning(id, found, fix)
        }
        None if serves_tls => {
            let found = "Gatepost serves HTTPS, but GATEPOST_PUBLIC_URL is not set: links in invitations contain the host \
                         that a browser sends.";
            Check::warning(
                id,
                found,
                "Set GATEPOST_PUBLIC_URL, such as https://gatepost.example.com.",
            )
        }
        None if listen.is_loopback() => Check::ok(
            id,
            "GATEPOST_PUBLIC_URL is not set, and Gatepost listens only on this machine.",
        ),
        None => {
            let found = format!(
                "GATEPOST_PUBLIC_URL is not set, and Gatepost listens on {listen}. Passwords and cookies may be sent without \
                 encryption, and links in invitations contain the host that a browser sends."
            );
            Check::warning(id, found, fix)
        }
    }
}

fn describe_mail(smtp: &SmtpSettings) -> String {
    let encryption = match smtp.encryption {
        SmtpEncryption::Tls => "with TLS",
        SmtpEncryption::StartTls => "with STARTTLS",
        SmtpEncryption::None => "without encryption",
    };
    format!("{}:{} {encryption}", smtp.host, smtp.port)
}

fn check_mail(server: Option<&str>) -> Check {
    let found = server.map_or_else(
        || "No mail server is set. Administrators copy the links of invitations, and notifications are not mailed.".to_owned(),
        |server| format!("Mails are sent through {server}. No connection was made to check it."),
    );
    Check::ok(CheckId::Mail, found)
}

#[cfg(test)]
mod tests {
    use super::super::check::CheckState;
    use super::*;

    #[test]
    fn only_https_and_this_machine_need_nothing() {
        for (url, listen, state) in [
            (Some("https://gatepost.example.com"), "0.0.0.0", CheckState::Ok),
            (Some("http://gatepost.example.com"), "127.0.0.1", CheckState::Warning),
            (Some("http://localhost:8080"), "127.0.0.1", CheckState::Ok),
            (Some("http://[::1]:8080"), "0.0.0.0", CheckState::Ok),
            (Some("http://127.0.0.1"), "0.0.0.0", CheckState::Ok),
            (None, "127.0.0.1", CheckState::Ok),
            (None, "0.0.0.0", CheckState::Warning),
            (None, "10.0.0.5", CheckState::Warning),
        ] {
            let parsed = url.map(|url| url.parse().unwrap());
            let check = check_public_url(parsed.as_ref(), listen.parse().unwrap(), false);
            assert_eq!(check.state, state, "{url:?} on {listen}: {check:?}");
            assert_eq!(check.fix.is_empty(), state == CheckState::Ok);
        }
    }

    #[test]
    fn mail_is_only_information_and_shows_no_password() {
        let smtp = SmtpSettings {
            host: "mail.example.com".to_owned(),
            port: 587,
            encryption: SmtpEncryption::StartTls,
            credentials: Some(("user".to_owned(), "pass-word".to_owned().into())),
            from: String::new(),
        };
        let check = check_mail(Some(&describe_mail(&smtp)));
        assert!(check.found.contains("mail.example.com:587 with STARTTLS"), "{check:?}");
        assert!(!check.found.contains("pass-word"));
        for check in [check, check_mail(None)] {
            assert_eq!(check.state, CheckState::Ok);
        }
    }
}
