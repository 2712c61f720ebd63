//! Certificates and keys in PEM (RFC 7468), as pasted into the form.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::x509;
use crate::model::exchange::Certificate;

/// Describes the certificates in a PEM text.
///
/// # Errors
/// A message for the form if the text has no certificate or an unreadable one.
pub fn describe_pem(pem: &str) -> Result<Vec<Certificate>, String> {
    let unreadable = || "One of the certificates cannot be read. Copy it again.".to_owned();
    parse_certificates(pem)?.iter().map(|der| x509::describe(der).ok_or_else(unreadable)).collect()
}

/// Returns the certificates in a PEM text.
///
/// # Errors
/// A message for the form if there is none or the text is not PEM.
pub(super) fn parse_certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let found = found.map_err(|error| {
        format!(
            "This is not valid PEM ({error}). Copy the whole block, from -----BEGIN CERTIFICATE----- to \
             -----END CERTIFICATE-----."
        )
    })?;
    if !found.is_empty() {
        return Ok(found);
    }
    Err(if pem.contains("PRIVATE KEY-----") {
        "This is a private key. Paste the certificate, which begins with -----BEGIN CERTIFICATE-----."
    } else {
        "This contains no certificate. Paste the block that begins with -----BEGIN CERTIFICATE-----."
    }
    .to_owned())
}

/// Returns the private key in a PEM text.
///
/// # Errors
/// A message for the form if there is none or it is encrypted.
pub(super) fn parse_key(pem: &str) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|error| {
        if pem.contains("ENCRYPTED") {
            "This key is encrypted. Decrypt it first, with openssl pkey -in key.pem. Gatepost stores it encrypted."
                .to_owned()
        } else {
            format!("This contains no readable private key ({error}). Paste the block that begins with -----BEGIN PRIVATE KEY-----.")
        }
    })
}
