//! Verifies servers' certificates.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{
    CertificateDer, ServerName, SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer, UnixTime,
};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};
use sha2::{Digest, Sha256};

use super::x509;
use crate::egress::timings;
use crate::model::security_policy::KeyPolicy;
use crate::model::webhook::Fingerprint;

/// The server presented the certificate that was entered as an authority, and it cannot be its own authority.
#[derive(Debug, thiserror::Error)]
#[error("the certificate of the authority is the server's own")]
pub(in crate::egress) struct OwnCertificateError;

/// What is checked of a certificate.
#[derive(Debug)]
pub(super) enum Check {
    Authorities {
        verifier: Arc<WebPkiServerVerifier>,
        /// The private authorities.
        private: Vec<CertificateDer<'static>>,
    },
    Pinned(Fingerprint),
    Nothing,
}

/// Verifies certificates, and under every policy that the server holds the certificate's key.
#[derive(Debug)]
pub(super) struct Verifier {
    pub(super) check: Check,
    pub(super) keys: KeyPolicy,
    pub(super) provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn algorithms(&self) -> &WebPkiSupportedAlgorithms {
        &self.provider.signature_verification_algorithms
    }

    /// Checks the keys of certificates that the policy trusts.
    fn check_keys<'c>(
        &self,
        mut certificates: impl Iterator<Item = &'c CertificateDer<'c>>,
    ) -> Result<(), Error> {
        let checked = certificates.try_for_each(|der| x509::check_key(der, self.keys));
        checked.map_err(|weak| CertificateError::Other(OtherError(Arc::new(weak))).into())
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
            Check::Authorities { verifier, private } => {
                verifier
                    .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
                    .map_err(|error| {
                        // A wrong name or date is the more specific reason.
                        if private.contains(end_entity) && is_about_issuer(&error) {
                            let own = OtherError(Arc::new(OwnCertificateError));
                            return CertificateError::Other(own).into();
                        }
                        error
                    })?;
                self.check_keys(std::iter::once(end_entity).chain(intermediates).chain(private))?;
            }
            Check::Pinned(Fingerprint(pin)) if Sha256::digest(end_entity).as_slice() == pin => {
                self.check_keys(std::iter::once(end_entity))?;
            }
            Check::Pinned(_) => {
                let other = CertificateError::ApplicationVerificationFailure;
                return Err(Error::InvalidCertificate(other));
            }
            Check::Nothing => {}
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        // Under TLS 1.2, the name of a scheme leaves the curve open, so each algorithm may match.
        verify(message, certificate, signed, algorithms(self.algorithms(), signed.scheme))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if !is_tls13(signed.scheme) {
            return Err(rustls::PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into());
        }
        let first = algorithms(self.algorithms(), signed.scheme).get(..1).unwrap_or_default();
        verify(message, certificate, signed, first)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms().supported_schemes()
    }
}

fn is_about_issuer(error: &Error) -> bool {
    !matches!(
        error,
        Error::InvalidCertificate(
            CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. }
                | CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. }
        )
    )
}

/// Returns the algorithms of a scheme, best first.
fn algorithms(
    all: &WebPkiSupportedAlgorithms,
    scheme: SignatureScheme,
) -> &'static [&'static dyn SignatureVerificationAlgorithm] {
    all.mapping.iter().find(|(one, _)| *one == scheme).map_or(&[], |(_, algorithms)| *algorithms)
}

/// Whether TLS 1.3 permits a scheme in the handshake: not those with PKCS #1 or SHA-1 (RFC 8446, section 4.2.3).
fn is_tls13(scheme: SignatureScheme) -> bool {
    matches!(
        scheme,
        SignatureScheme::ECDSA_NISTP256_SHA256
            | SignatureScheme::ECDSA_NISTP384_SHA384
            | SignatureScheme::ECDSA_NISTP521_SHA512
            | SignatureScheme::RSA_PSS_SHA256
            | SignatureScheme::RSA_PSS_SHA384
            | SignatureScheme::RSA_PSS_SHA512
            | SignatureScheme::ED25519
            | SignatureScheme::ED448
    )
}

/// Verifies a signature by the key of a certificate. The functions of rustls parse the whole certificate, and refuse the
/// old format X.509 version 1, which appliances still use. If the certificate itself is verified, that has happened before.
fn verify(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
    algorithms: &[&dyn SignatureVerificationAlgorithm],
) -> Result<HandshakeSignatureValid, Error> {
    let unreadable = || Error::InvalidCertificate(CertificateError::BadEncoding);
    let key = SubjectPublicKeyInfoDer::from(x509::public_key(certificate).ok_or_else(unreadable)?);
    let key = webpki::RawPublicKeyEntity::try_from(&key).map_err(|_error| unreadable())?;
    let verified = algorithms
        .iter()
        .any(|algorithm| key.verify_signature(*algorithm, message, signed.signature()).is_ok());
    if verified {
        return Ok(HandshakeSignatureValid::assertion());
    }
    Err(Error::InvalidCertificate(CertificateError::BadSignature))
}
