//! TLS settings: verification of the server, and the client certificate.

use std::fmt;

use super::auth::reference;
use super::draft::TlsDraft;
use super::errors::{Field, FieldErrors};
use super::http::Rules;
use crate::model::secret::{SecretName, SecretValue};

/// First line of a certificate in PEM (RFC 7468, section 5.1).
const PEM_HEADER: &str = "-----BEGIN CERTIFICATE-----";

/// SHA-256 of a certificate's DER form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// Parses 64 hex digits in any case, with or without colons and spaces.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: Vec<u8> = text
            .chars()
            .filter(|c| !matches!(c, ':' | ' '))
            .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
            .collect::<Option<_>>()?;
        let bytes: Vec<u8> = digits
            .chunks(2)
            .map(|pair| match pair {
                [high, low] => Some(high << 4 | low),
                _ => None,
            })
            .collect::<Option<_>>()?;
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(":")?;
            }
            write!(f, "{byte:02X}")?;
        }
        Ok(())
    }
}

/// Verification of the server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Trust {
    /// Trusts the public certificate authorities, as browsers do.
    Public,
    /// Trusts only a private certificate authority (PEM).
    Ca(String),
    /// Trusts the public authorities and a private one (PEM).
    PublicAnd(String),
    /// Trusts exactly this certificate, whatever its names and dates.
    Pinned(Fingerprint),
    /// Trusts every server. An attacker on the network can read the secrets that are sent.
    None,
}

/// Minimum TLS version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246) or later.
    #[default]
    V1_2,
    /// TLS 1.3 (RFC 8446).
    V1_3,
}

/// Certificate for servers that require one (mutual TLS).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientCertificate {
    /// The certificate and its chain, PEM.
    pub certificate: String,
    /// The private key, PEM.
    pub key: SecretValue,
}

/// TLS settings of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tls {
    /// Verification of the server.
    pub trust: Trust,
    /// Minimum TLS version.
    pub min_version: TlsVersion,
    /// Client certificate, if there is one.
    pub client: Option<ClientCertificate>,
}

impl From<Trust> for Tls {
    fn from(trust: Trust) -> Self {
        Self { trust, min_version: TlsVersion::default(), client: None }
    }
}

impl Tls {
    /// The settings for a server other than the webhook's target, such as a token endpoint: public
    /// authorities and the private one. The pin belongs to the target, skipping verification was allowed
    /// only for the target, and the client certificate is meant only for the target.
    #[must_use]
    pub fn for_other_server(&self) -> Self {
        let trust = match &self.trust {
            Trust::Ca(pem) | Trust::PublicAnd(pem) => Trust::PublicAnd(pem.clone()),
            Trust::Public | Trust::Pinned(_) | Trust::None => Trust::Public,
        };
        Self { trust, min_version: self.min_version, client: None }
    }
}

/// Validates the settings other than the client certificate. PEM is parsed only where it is used.
pub(super) fn check(draft: &TlsDraft, rules: Rules, errors: &mut FieldErrors) -> Tls {
    Tls {
        trust: check_trust(draft, rules, errors),
        min_version: check_min_version(&draft.min_version, errors),
        client: None,
    }
}

fn check_trust(draft: &TlsDraft, rules: Rules, errors: &mut FieldErrors) -> Trust {
    match draft.verify.as_str() {
        "" | "public" => Trust::Public,
        "none" if rules.require_verification => {
            let message = "Strict mode requires that the certificate is verified. Choose Pinned certificate and select \
                           Fetch certificate, or choose Private CA and paste the certificate of the authority.";
            errors.add(Field::TlsVerify, message);
            Trust::Public
        }
        "none" => Trust::None,
        "pinned" => Fingerprint::parse(&draft.sha256).map_or_else(
            || {
                let message = "A SHA-256 fingerprint has 64 hex digits, such as AB:CD:…. Select Fetch \
                               certificate to get the one of the server.";
                errors.add(Field::TlsSha256, message);
                Trust::Public
            },
            Trust::Pinned,
        ),
        "ca" if draft.pem.contains(PEM_HEADER) => Trust::Ca(draft.pem.clone()),
        "ca" => {
            let message =
                format!("Paste the certificate of the authority as PEM, starting with {PEM_HEADER}.");
            errors.add(Field::TlsPem, message);
            Trust::Public
        }
        other => {
            let message = format!("Unknown verification \"{other}\": use public, ca, pinned or none.");
            errors.add(Field::TlsVerify, message);
            Trust::Public
        }
    }
}

fn check_min_version(text: &str, errors: &mut FieldErrors) -> TlsVersion {
    match text {
        "" | "1.2" => TlsVersion::V1_2,
        "1.3" => TlsVersion::V1_3,
        other => {
            let message = format!("Unknown TLS version \"{other}\": use 1.2 or 1.3.");
            errors.add(Field::TlsMinVersion, message);
            TlsVersion::default()
        }
    }
}

/// Validates the client certificate. Returns it with the secret that holds its key.
pub(super) fn check_client(
    draft: &TlsDraft,
    errors: &mut FieldErrors,
) -> Option<(String, SecretName)> {
    let (certificate, key) = (draft.client_certificate.trim(), draft.client_key.trim());
    if certificate.is_empty() && key.is_empty() {
        return None;
    }
    if !certificate.contains(PEM_HEADER) {
        let message = format!("Paste the certificate as PEM, starting with {PEM_HEADER}.");
        errors.add(Field::TlsClientCertificate, message);
    }
    let if_empty = "Paste the private key of the certificate as PEM.";
    let key = reference(key, Field::TlsClientKey, if_empty, errors)?;
    Some((certificate.to_owned(), key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn invalid_fields(draft: &TlsDraft) -> Vec<Field> {
        let mut errors = FieldErrors::default();
        check(draft, Rules::default(), &mut errors);
        check_client(draft, &mut errors);
        errors.iter().map(|error| error.field).collect()
    }

    #[test]
    fn a_client_certificate_needs_its_key_and_vice_versa() {
        let complete = TlsDraft {
            client_certificate: format!("{PEM_HEADER}\n…"),
            client_key: "{{secrets.client_key}}".to_owned(),
            min_version: "1.3".to_owned(),
            ..TlsDraft::default()
        };
        assert_eq!(invalid_fields(&complete), []);
        let without_key = TlsDraft { client_key: " ".to_owned(), ..complete.clone() };
        assert_eq!(invalid_fields(&without_key), [Field::TlsClientKey]);
        let without_certificate =
            TlsDraft { client_certificate: String::new(), ..complete.clone() };
        assert_eq!(invalid_fields(&without_certificate), [Field::TlsClientCertificate]);
        let old = TlsDraft { min_version: "1.0".to_owned(), ..complete };
        assert_eq!(invalid_fields(&old), [Field::TlsMinVersion]);
    }

    #[test]
    fn strict_mode_rejects_only_webhooks_that_do_not_verify() {
        let strict = Rules { require_verification: true, ..Rules::default() };
        for (verify, rules, is_valid) in [
            ("none", Rules::default(), true),
            ("none", Rules::STORED, true),
            ("none", strict, false),
            ("public", strict, true),
            ("", strict, true),
        ] {
            let draft = TlsDraft { verify: verify.to_owned(), ..TlsDraft::default() };
            let mut errors = FieldErrors::default();
            check(&draft, rules, &mut errors);
            let fields: Vec<Field> = errors.iter().map(|error| error.field).collect();
            assert_eq!(fields.is_empty(), is_valid, "{verify}");
            assert!(is_valid || fields == [Field::TlsVerify], "{fields:?}");
        }
    }

    #[test]
    fn other_servers_get_neither_pin_nor_client_certificate_and_are_verified() {
        for trust in [Trust::None, Trust::Pinned(Fingerprint([1; 32])), Trust::Public] {
            let tls = Tls {
                client: Some(ClientCertificate { certificate: "c".into(), key: "k".into() }),
                ..Tls::from(trust)
            };
            assert_eq!(tls.for_other_server(), Tls::from(Trust::Public));
        }
        let private = Tls::from(Trust::Ca("pem".into())).for_other_server();
        assert_eq!(private.trust, Trust::PublicAnd("pem".into()));
    }

    proptest! {
        #[test]
        fn a_formatted_fingerprint_can_be_parsed(bytes: [u8; 32]) {
            let formatted = Fingerprint(bytes).to_string();
            prop_assert_eq!(Fingerprint::parse(&formatted), Some(Fingerprint(bytes)));
            prop_assert_eq!(Fingerprint::parse(&formatted.replace(':', "").to_lowercase()), Some(Fingerprint(bytes)));
        }

        #[test]
        fn any_text_is_parsed_or_rejected_without_panic(text in ".{0,100}") {
            if let Some(fingerprint) = Fingerprint::parse(&text) {
                prop_assert_eq!(text.chars().filter(char::is_ascii_hexdigit).count(), 64, "{}", fingerprint);
            }
        }
    }
}
