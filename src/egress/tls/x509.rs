//! Describes X.509 certificates (RFC 5280) for display.

use chrono::DateTime;
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};
use x509_parser::public_key::PublicKey;

use crate::model::Timestamp;
use crate::model::exchange::Certificate;
use crate::model::security_policy::{KeyPolicy, WeakKey};
use crate::model::webhook::Fingerprint;

/// Returns the fields of a certificate in DER, or `None` if it cannot be parsed.
pub fn describe(der: &[u8]) -> Option<Certificate> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let timestamp = |time: x509_parser::time::ASN1Time| -> Timestamp {
        DateTime::from_timestamp(time.timestamp(), 0).unwrap_or(DateTime::UNIX_EPOCH)
    };
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names
        .iter()
        .flat_map(|extension| &extension.value.general_names)
        .filter_map(name_of)
        .collect();
    let digest: [u8; 32] = Sha256::digest(der).into();
    Some(Certificate {
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        names,
        not_before: timestamp(certificate.validity().not_before),
        not_after: timestamp(certificate.validity().not_after),
        sha256: Fingerprint(digest).to_string(),
        self_signed: certificate.subject() == certificate.issuer(),
    })
}

/// Returns the public key of a certificate in DER (`SubjectPublicKeyInfo`), or `None` if it cannot be parsed.
pub(super) fn public_key(der: &[u8]) -> Option<&[u8]> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    Some(certificate.tbs_certificate.subject_pki.raw)
}

/// Checks the key of a certificate in DER, if it is an RSA key. One that cannot be parsed fails the verification elsewhere.
///
/// # Errors
/// If the key is too short.
pub fn check_key(der: &[u8], policy: KeyPolicy) -> Result<(), WeakKey> {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else { return Ok(()) };
    if let Ok(PublicKey::RSA(key)) = certificate.public_key().parsed() {
        return policy.check_rsa(key.modulus);
    }
    Ok(())
}

/// Returns whether the first certificate names the second one as its issuer.
pub(super) fn is_issued_by(certificate: &[u8], issuer: &[u8]) -> bool {
    let parsed = (X509Certificate::from_der(certificate), X509Certificate::from_der(issuer));
    matches!(parsed, (Ok((_, one)), Ok((_, other))) if one.issuer() == other.subject())
}

#[expect(clippy::wildcard_enum_match_arm, reason = "HTTPS uses no other kinds of names")]
fn name_of(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => {
                <[u8; 4]>::try_from(*bytes).ok().map(|v4| std::net::Ipv4Addr::from(v4).to_string())
            }
            _ => {
                <[u8; 16]>::try_from(*bytes).ok().map(|v6| std::net::Ipv6Addr::from(v6).to_string())
            }
        },
        _ => None,
    }
}
