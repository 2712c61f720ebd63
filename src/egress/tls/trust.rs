//! TLS policies: trust in public authorities, a private one, one pinned certificate, or any certificate.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use sha2::{Digest, Sha256};

use super::pem;
use crate::egress::timings;
use crate::model::webhook::{ClientCertificate, Fingerprint, Tls, TlsVersion, Trust};

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

#[derive(Debug)]
enum Check {
    Authorities(Arc<WebPkiServerVerifier>),
    Pinned(Fingerprint),
    Nothing,
}

#[derive(Debug)]
struct Verifier {
    check: Check,
    provider: Arc<CryptoProvider>,
}

/// Returns the rustls configuration of a TLS policy.
///
/// # Errors
/// If one of its certificates or keys cannot be used.
pub(in crate::egress) fn client_config(tls: &Tls) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let check = check_for(&tls.trust, &provider)?;
    let verifier = Arc::new(Verifier { check, provider: Arc::clone(&provider) });
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

fn check_for(trust: &Trust, provider: &Arc<CryptoProvider>) -> Result<Check, TlsError> {
    let public = || webpki_roots::TLS_SERVER_ROOTS.to_vec();
    let roots = match trust {
        Trust::Public => public(),
        Trust::Ca(pem) => private_authorities(pem)?.roots,
        Trust::PublicAnd(pem) => {
            let mut roots = public();
            roots.extend(private_authorities(pem)?.roots);
            roots
        }
        Trust::Pinned(fingerprint) => return Ok(Check::Pinned(*fingerprint)),
        Trust::None => return Ok(Check::Nothing),
    };
    let roots = Arc::new(RootCertStore { roots });
    WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider))
        .build()
        .map(Check::Authorities)
        .map_err(|error| TlsError::Other(error.to_string()))
}

fn private_authorities(pem: &str) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in pem::parse_certificates(pem).map_err(TlsError::Authority)? {
        roots.add(certificate).map_err(|error| {
            let message = format!("This certificate cannot be used as an authority: {error}.");
            TlsError::Authority(message)
        })?;
    }
    Ok(roots)
}

fn client_identity(
    client: &ClientCertificate,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
    let chain =
        pem::parse_certificates(&client.certificate).map_err(TlsError::ClientCertificate)?;
    let key = pem::parse_key(&client.key).map_err(TlsError::ClientKey)?;
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

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        timings::certificate_received(end_entity);
        match &self.check {
            Check::Authorities(verifier) => verifier.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            ),
            Check::Pinned(Fingerprint(pin)) if Sha256::digest(end_entity).as_slice() == pin => {
                Ok(ServerCertVerified::assertion())
            }
            Check::Pinned(_) => {
                Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
            }
            Check::Nothing => Ok(ServerCertVerified::assertion()),
        }
    }

    // Under every policy, the server must prove that it holds the certificate's key.

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
