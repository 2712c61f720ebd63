//! Whom to trust: the public authorities, an own one, one pinned certificate, or anybody.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{
    ClientSessionMemoryCache, ClientSessionStore, Resumption, Tls12ClientSessionValue,
    Tls13ClientSessionValue, WebPkiServerVerifier,
};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, NamedGroup, RootCertStore,
    SignatureScheme,
};
use sha2::{Digest, Sha256};

use super::trace;
use crate::model::webhook::{Fingerprint, Tls};

/// The policy cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub(super) enum TrustError {
    #[error("the certificate authority is not readable PEM: {0}")]
    Pem(rustls::pki_types::pem::Error),
    #[error("the certificate authority holds no certificate")]
    Empty,
    #[error("the certificate authority cannot be used: {0}")]
    Authority(Error),
    #[error("TLS cannot be set up: {0}")]
    Verifier(rustls::client::VerifierBuilderError),
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

/// A TLS client for a policy.
pub(super) fn tls_config(tls: &Tls) -> Result<ClientConfig, TrustError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let authorities = |roots: RootCertStore| {
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .map(Check::Authorities)
            .map_err(TrustError::Verifier)
    };
    let check = match tls {
        Tls::Public => {
            authorities(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })?
        }
        Tls::Ca(pem) => authorities(read_authorities(pem)?)?,
        Tls::Pinned(fingerprint) => Check::Pinned(*fingerprint),
        Tls::None => Check::Nothing,
    };
    let verifier = Arc::new(Verifier { check, provider: Arc::clone(&provider) });
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TrustError::Authority)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.resumption = Resumption::store(Arc::new(Sessions(ClientSessionMemoryCache::new(256))));
    Ok(config)
}

fn read_authorities(pem: &str) -> Result<RootCertStore, TrustError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(TrustError::Pem)?;
        roots.add(certificate).map_err(TrustError::Authority)?;
    }
    if roots.is_empty() { Err(TrustError::Empty) } else { Ok(roots) }
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
        trace::certificate(end_entity);
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

    // Whatever the policy, the server must prove that it holds the certificate's key.

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

/// Sessions to resume. A handshake begins by asking for one: that is when its time begins.
#[derive(Debug)]
struct Sessions(ClientSessionMemoryCache);

impl ClientSessionStore for Sessions {
    fn set_kx_hint(&self, server_name: ServerName<'static>, group: NamedGroup) {
        self.0.set_kx_hint(server_name, group);
    }

    fn kx_hint(&self, server_name: &ServerName<'_>) -> Option<NamedGroup> {
        trace::tls_begins();
        self.0.kx_hint(server_name)
    }

    fn set_tls12_session(&self, server_name: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.0.set_tls12_session(server_name, value);
    }

    fn tls12_session(&self, server_name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.0.tls12_session(server_name)
    }

    fn remove_tls12_session(&self, server_name: &ServerName<'static>) {
        self.0.remove_tls12_session(server_name);
    }

    fn insert_tls13_ticket(
        &self,
        server_name: ServerName<'static>,
        value: Tls13ClientSessionValue,
    ) {
        self.0.insert_tls13_ticket(server_name, value);
    }

    fn take_tls13_ticket(
        &self,
        server_name: &ServerName<'static>,
    ) -> Option<Tls13ClientSessionValue> {
        self.0.take_tls13_ticket(server_name)
    }
}
