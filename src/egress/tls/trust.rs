//! TLS policies: trust in public authorities, a private one, one pinned certificate, or any certificate.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, Error, RootCertStore};

use super::verifier::{Check, Verifier};
use super::{pem, x509};
use crate::model::security_policy::KeyPolicy;
use crate::model::webhook::{ClientCertificate, Tls, TlsVersion, Trust};

/// Why a TLS policy cannot be used. The messages are for the form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// The private certificate authority cannot be used.
    #[error("{0}")]
    Authority(String),
    /// The client certificate cannot be used.
    #[error("{0}")]
    ClientCertificate(String),
    /// The key of the client certificate cannot be used.
    #[error("{0}")]
    ClientKey(String),
    /// TLS itself cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Other(String),
}

/// Returns the rustls configuration of a TLS policy.
///
/// # Errors
/// If one of its certificates or keys cannot be used.
pub(in crate::egress) fn client_config(
    tls: &Tls,
    keys: KeyPolicy,
) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let check = check_for(&tls.trust, &provider)?;
    let verifier = Arc::new(Verifier { check, keys, provider: Arc::clone(&provider) });
    let versions: &[_] = match tls.min_version {
        TlsVersion::V1_2 => &[&rustls::version::TLS13, &rustls::version::TLS12],
        TlsVersion::V1_3 => &[&rustls::version::TLS13],
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(|error| TlsError::Other(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    match &tls.client {
        None => Ok(builder.with_no_client_auth()),
        Some(client) => {
            let (chain, key) = client_identity(client)?;
            builder.with_client_auth_cert(chain, key).map_err(|error| identity_error(&error))
        }
    }
}

/// Checks that a TLS policy can be used, and the keys of its own certificates. During a connection, the verifier checks the
/// authorities, and the server the client certificate.
///
/// # Errors
/// If one of its certificates or keys cannot be used, or is too short.
pub(in crate::egress) fn check(tls: &Tls, keys: KeyPolicy) -> Result<(), TlsError> {
    client_config(tls, keys)?;
    let check = |pem: &str, error: fn(String) -> TlsError| {
        let certificates = pem::parse_certificates(pem).map_err(error)?;
        certificates.iter().try_for_each(|certificate| {
            x509::check_key(certificate, keys).map_err(|weak| {
                error(format!(
                    "This certificate has {weak}. Use one with an ECDSA key, such as P-256, or a longer RSA key."
                ))
            })
        })
    };
    if let Trust::Ca(pem) | Trust::PublicAnd(pem) = &tls.trust {
        check(pem, TlsError::Authority)?;
    }
    if let Some(client) = &tls.client {
        check(&client.certificate, TlsError::ClientCertificate)?;
    }
    Ok(())
}

fn check_for(trust: &Trust, provider: &Arc<CryptoProvider>) -> Result<Check, TlsError> {
    let public = || webpki_roots::TLS_SERVER_ROOTS.to_vec();
    let (mut roots, private) = match trust {
        Trust::Public => (public(), None),
        Trust::Ca(pem) => (Vec::new(), Some(pem)),
        Trust::PublicAnd(pem) => (public(), Some(pem)),
        Trust::Pinned(fingerprint) => return Ok(Check::Pinned(*fingerprint)),
        Trust::None => return Ok(Check::Nothing),
    };
    let private = private.map_or(Ok(Vec::new()), |pem| pem::parse_certificates(pem));
    let private = private.map_err(TlsError::Authority)?;
    roots.extend(private_authorities(&private)?.roots);
    let roots = Arc::new(RootCertStore { roots });
    let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider))
        .build()
        .map_err(|error| TlsError::Other(error.to_string()))?;
    Ok(Check::Authorities { verifier, private })
}

fn private_authorities(
    certificates: &[CertificateDer<'static>],
) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate.clone()).map_err(|error| {
            let message = format!("This certificate cannot be used as an authority: {error}.");
            TlsError::Authority(message)
        })?;
    }
    Ok(roots)
}

fn client_identity(
    client: &ClientCertificate,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
    let chain = pem::parse_chain(&client.certificate).map_err(TlsError::ClientCertificate)?;
    let key = pem::parse_key(client.key.expose()).map_err(TlsError::ClientKey)?;
    Ok((chain, key))
}

/// Explains why a certificate and a key cannot be used together.
#[expect(clippy::wildcard_enum_match_arm, reason = "the library's enum is non-exhaustive")]
fn identity_error(error: &Error) -> TlsError {
    match error {
        Error::InconsistentKeys(_) => TlsError::ClientKey(
            "This key does not belong to the certificate. Paste the matching key.".to_owned(),
        ),
        Error::InvalidCertificate(fault) => {
            TlsError::ClientCertificate(format!("The certificate cannot be used: {fault}."))
        }
        other => TlsError::ClientKey(format!("The key cannot be used: {other}.")),
    }
}
