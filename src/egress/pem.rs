//! Certificates and keys in PEM (RFC 7468), as people paste them.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{Error, RootCertStore};

use super::certificate;
use super::trust::TlsError;
use crate::model::exchange::Certificate;
use crate::model::webhook::ClientCertificate;

/// The certificates in a text, in words.
///
/// # Errors
/// What is wrong with it.
pub fn describe_pem(pem: &str) -> Result<Vec<Certificate>, String> {
    let unreadable = || "One of the certificates cannot be read: copy it anew.".to_owned();
    certificates(pem)?.iter().map(|der| certificate::describe(der).ok_or_else(unreadable)).collect()
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let found = found.map_err(|error| {
        format!(
            "This is not readable PEM ({error}). Copy the whole block, from -----BEGIN CERTIFICATE----- to \
             -----END CERTIFICATE-----."
        )
    })?;
    if !found.is_empty() {
        return Ok(found);
    }
    Err(if pem.contains("PRIVATE KEY-----") {
        "This is a private key. Paste the certificate: it begins with -----BEGIN CERTIFICATE-----."
    } else {
        "No certificate is in it: it begins with -----BEGIN CERTIFICATE-----."
    }
    .to_owned())
}

pub(super) fn authorities(pem: &str) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem).map_err(TlsError::Authority)? {
        roots.add(certificate).map_err(|error| {
            TlsError::Authority(format!("This certificate cannot be an authority: {error}."))
        })?;
    }
    Ok(roots)
}

pub(super) fn client(
    client: &ClientCertificate,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
    let chain = certificates(&client.certificate).map_err(TlsError::ClientCertificate)?;
    let key = PrivateKeyDer::from_pem_slice(client.key.as_bytes()).map_err(|error| {
        TlsError::ClientKey(if client.key.contains("ENCRYPTED") {
            "This key is encrypted. Decrypt it first, with openssl pkey -in key.pem; Gatepost keeps it sealed."
                .to_owned()
        } else {
            format!("No private key can be read from it ({error}). It begins with -----BEGIN PRIVATE KEY-----.")
        })
    })?;
    Ok((chain, key))
}

/// Why certificate and key cannot be used together.
#[expect(clippy::wildcard_enum_match_arm, reason = "the library's enum is non-exhaustive")]
pub(super) fn of_client(error: &Error) -> TlsError {
    match error {
        Error::InconsistentKeys(_) => TlsError::ClientKey(
            "This key does not belong to the certificate: paste the one it was made with."
                .to_owned(),
        ),
        Error::InvalidCertificate(fault) => {
            TlsError::ClientCertificate(format!("The certificate cannot be used: {fault}."))
        }
        other => TlsError::ClientKey(format!("The key cannot be used: {other}.")),
    }
}
