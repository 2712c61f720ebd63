//! How a server's certificate is checked.

use std::fmt;

use super::draft::TlsDraft;
use super::errors::{Field, FieldErrors};

/// How a certificate in PEM begins (RFC 7468, section 5.1).
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";

/// A certificate's SHA-256, over its DER form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// From 64 hex digits, in upper or lower case, with or without colons and spaces.
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

/// Whom to trust.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Trust {
    /// The public certificate authorities, as browsers do.
    Public,
    /// An own certificate authority alone: PEM.
    Ca(String),
    /// The public authorities and an own one: PEM.
    PublicAnd(String),
    /// This one certificate, whatever it says of itself.
    Pinned(Fingerprint),
    /// Anybody. Whoever sits in between can read the secret key.
    None,
}

/// The oldest protocol version to speak.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246), and newer.
    #[default]
    V1_2,
    /// TLS 1.3 (RFC 8446).
    V1_3,
}

/// What Gatepost shows to a server that asks for a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientCertificate {
    /// The certificate and its chain, PEM.
    pub certificate: String,
    /// Its private key, PEM.
    pub key: String,
}

/// How a connection is secured.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tls {
    /// Whom to trust.
    pub trust: Trust,
    /// The oldest protocol version to speak.
    pub min_version: TlsVersion,
    /// What to show to a server that asks.
    pub client: Option<ClientCertificate>,
}

impl From<Trust> for Tls {
    fn from(trust: Trust) -> Self {
        Self { trust, min_version: TlsVersion::default(), client: None }
    }
}

impl Tls {
    /// The same for a server that is not the webhook's own: the public authorities, and an own one. A
    /// pin is another server's, not to look would be a risk that nobody chose, and the client's
    /// certificate is not for everybody's eyes.
    #[must_use]
    pub fn for_other_server(&self) -> Self {
        let trust = match &self.trust {
            Trust::Ca(pem) | Trust::PublicAnd(pem) => Trust::PublicAnd(pem.clone()),
            Trust::Public | Trust::Pinned(_) | Trust::None => Trust::Public,
        };
        Self { trust, min_version: self.min_version, client: None }
    }
}

/// Checks what was typed; whether the PEM can be used is seen where it is used.
pub(super) fn check(draft: &TlsDraft, errors: &mut FieldErrors) -> Tls {
    Tls {
        trust: check_trust(draft, errors),
        min_version: check_min_version(&draft.min_version, errors),
        client: check_client(draft, errors),
    }
}

fn check_trust(draft: &TlsDraft, errors: &mut FieldErrors) -> Trust {
    match draft.verify.as_str() {
        "" | "public" => Trust::Public,
        "none" => Trust::None,
        "pinned" => Fingerprint::parse(&draft.sha256).map_or_else(
            || {
                let message = "A SHA-256 fingerprint has 64 hex digits, such as AB:CD:…: press Fetch \
                               certificate to get the server's.";
                errors.add(Field::TlsSha256, message);
                Trust::Public
            },
            Trust::Pinned,
        ),
        "ca" if draft.pem.contains(CERTIFICATE) => Trust::Ca(draft.pem.clone()),
        "ca" => {
            let message =
                format!("Paste the certificate authority as PEM: it begins with {CERTIFICATE}.");
            errors.add(Field::TlsPem, message);
            Trust::Public
        }
        other => {
            let message = format!("\"{other}\" is none of public, ca, pinned and none.");
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
            let message = format!("\"{other}\" cannot be asked for: choose 1.2 or 1.3.");
            errors.add(Field::TlsMinVersion, message);
            TlsVersion::default()
        }
    }
}

fn check_client(draft: &TlsDraft, errors: &mut FieldErrors) -> Option<ClientCertificate> {
    let (certificate, key) = (draft.client_certificate.trim(), draft.client_key.trim());
    if certificate.is_empty() && key.is_empty() {
        return None;
    }
    if !certificate.contains(CERTIFICATE) {
        let message = format!("Paste the certificate as PEM: it begins with {CERTIFICATE}.");
        errors.add(Field::TlsClientCertificate, message);
    }
    if key.is_empty() {
        errors.add(Field::TlsClientKey, "Paste the certificate's private key as PEM.");
    }
    Some(ClientCertificate { certificate: certificate.to_owned(), key: key.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mistakes(draft: &TlsDraft) -> Vec<Field> {
        let mut errors = FieldErrors::default();
        check(draft, &mut errors);
        errors.iter().map(|error| error.field).collect()
    }

    #[test]
    fn half_a_client_certificate_is_none() {
        let whole = TlsDraft {
            client_certificate: format!("{CERTIFICATE}\n…"),
            client_key: "a key".to_owned(),
            min_version: "1.3".to_owned(),
            ..TlsDraft::default()
        };
        assert_eq!(mistakes(&whole), []);
        let keyless = TlsDraft { client_key: " ".to_owned(), ..whole.clone() };
        assert_eq!(mistakes(&keyless), [Field::TlsClientKey]);
        let key_alone = TlsDraft { client_certificate: String::new(), ..whole.clone() };
        assert_eq!(mistakes(&key_alone), [Field::TlsClientCertificate]);
        let old = TlsDraft { min_version: "1.0".to_owned(), ..whole };
        assert_eq!(mistakes(&old), [Field::TlsMinVersion]);
    }

    #[test]
    fn another_server_gets_neither_pin_nor_leave_to_be_anybody() {
        for trust in [Trust::None, Trust::Pinned(Fingerprint([1; 32])), Trust::Public] {
            let tls = Tls {
                client: Some(ClientCertificate { certificate: "c".into(), key: "k".into() }),
                ..Tls::from(trust)
            };
            assert_eq!(tls.for_other_server(), Tls::from(Trust::Public));
        }
        let own = Tls::from(Trust::Ca("pem".into())).for_other_server();
        assert_eq!(own.trust, Trust::PublicAnd("pem".into()));
    }

    proptest! {
        #[test]
        fn a_fingerprint_reads_what_it_writes(bytes: [u8; 32]) {
            let written = Fingerprint(bytes).to_string();
            prop_assert_eq!(Fingerprint::parse(&written), Some(Fingerprint(bytes)));
            prop_assert_eq!(Fingerprint::parse(&written.replace(':', "").to_lowercase()), Some(Fingerprint(bytes)));
        }

        #[test]
        fn any_text_is_refused_without_panic(text in ".{0,100}") {
            if let Some(fingerprint) = Fingerprint::parse(&text) {
                prop_assert_eq!(text.chars().filter(char::is_ascii_hexdigit).count(), 64, "{}", fingerprint);
            }
        }
    }
}
