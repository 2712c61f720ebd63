//! Valid and invalid certificates of the simulator.

use std::io;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};
use sha2::{Digest, Sha256};
use tokio_rustls::TlsAcceptor;

/// Names in a valid certificate.
const NAMES: [&str; 2] = ["localhost", "127.0.0.1"];

/// The certificate of a server. All except `SelfSigned` and `Given` are signed by an authority of the simulator, so that a
/// client that trusts it finds only one fault.
#[derive(Debug, Clone, Default)]
pub(crate) enum Certificate {
    /// Self-signed for localhost and 127.0.0.1, like the certificate of a new appliance.
    #[default]
    SelfSigned,
    /// Valid if the authority is trusted.
    SignedByCa,
    /// Expired in 2021.
    Expired,
    /// Not valid before 2090.
    NotYetValid,
    /// For another host.
    WrongName,
    /// A given certificate.
    Given(Pem),
    /// No TLS.
    PlainHttp,
}

/// What a server requires of its clients.
#[derive(Debug, Clone, Default)]
pub(crate) struct TlsRequirements {
    /// Clients must have a certificate of this authority (PEM).
    pub(crate) client_authority: Option<String>,
    /// Whether TLS 1.2 is the newest version.
    pub(crate) is_old: bool,
}

/// A certificate and its key.
#[derive(Clone)]
pub(crate) struct Pem {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl std::fmt::Debug for Pem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pem").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

impl Pem {
    /// Creates a self-signed certificate.
    pub(crate) fn self_signed() -> io::Result<Self> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = params(&NAMES)?.self_signed(&key).map_err(io::Error::other)?;
        Ok(Self { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

/// The TLS identity of a server.
pub(super) struct Identity {
    /// None for plain HTTP.
    pub(super) acceptor: Option<TlsAcceptor>,
    pub(super) certificate_pem: String,
    pub(super) ca_pem: String,
    pub(super) fingerprint: String,
}

impl Identity {
    pub(super) fn new(
        certificate: Certificate,
        requirements: &TlsRequirements,
    ) -> io::Result<Self> {
        let (pem, ca_pem) = match certificate {
            Certificate::PlainHttp => {
                let none = String::new();
                let (certificate_pem, ca_pem) = (none.clone(), none.clone());
                return Ok(Self { acceptor: None, certificate_pem, ca_pem, fingerprint: none });
            }
            Certificate::SelfSigned => with_own_authority(Pem::self_signed()?),
            Certificate::Given(pem) => with_own_authority(pem),
            Certificate::SignedByCa => signed(&params(&NAMES)?)?,
            Certificate::WrongName => signed(&params(&["other.example"])?)?,
            Certificate::Expired => {
                let mut params = params(&NAMES)?;
                params.not_after = date_time_ymd(2021, 1, 1);
                signed(&params)?
            }
            Certificate::NotYetValid => {
                let mut params = params(&NAMES)?;
                params.not_before = date_time_ymd(2090, 1, 1);
                params.not_after = date_time_ymd(2091, 1, 1);
                signed(&params)?
            }
        };
        let unreadable = |error| io::Error::new(io::ErrorKind::InvalidData, error);
        let der = CertificateDer::from_pem_slice(pem.certificate.as_bytes());
        let der = der.map_err(|error| unreadable(format!("invalid certificate: {error}")))?;
        let key = PrivateKeyDer::from_pem_slice(pem.key.as_bytes());
        let key = key.map_err(|error| unreadable(format!("invalid key: {error}")))?;
        let fingerprint = fingerprint(&der);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = if requirements.is_old {
            builder.with_protocol_versions(&[&rustls::version::TLS12])
        } else {
            builder.with_safe_default_protocol_versions()
        }
        .map_err(io::Error::other)?;
        let builder = match &requirements.client_authority {
            None => builder.with_no_client_auth(),
            Some(pem) => builder.with_client_cert_verifier(client_verifier(pem, provider)?),
        };
        let mut config = builder.with_single_cert(vec![der], key).map_err(io::Error::other)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let acceptor = Some(TlsAcceptor::from(Arc::new(config)));
        Ok(Self { acceptor, certificate_pem: pem.certificate, ca_pem, fingerprint })
    }
}

/// Returns a verifier that accepts only clients with a certificate of an authority.
fn client_verifier(
    pem: &str,
    provider: Arc<CryptoProvider>,
) -> io::Result<Arc<dyn ClientCertVerifier>> {
    let mut roots = RootCertStore::empty();
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(io::Error::other)?;
    roots.add(der).map_err(io::Error::other)?;
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(io::Error::other)
}

/// Returns a self-signed certificate with itself as its authority.
fn with_own_authority(pem: Pem) -> (Pem, String) {
    let authority = pem.certificate.clone();
    (pem, authority)
}

/// Creates a certificate and its authority. Returns both.
fn signed(params: &CertificateParams) -> io::Result<(Pem, String)> {
    let mut authority_params = self::params(&[])?;
    authority_params.distinguished_name.push(DnType::CommonName, "Simulated authority");
    authority_params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority_params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().map_err(io::Error::other)?;
    let ca_pem = authority_params.self_signed(&key).map_err(io::Error::other)?.pem();
    let authority = Issuer::new(authority_params, key);

    let key = KeyPair::generate().map_err(io::Error::other)?;
    let certificate = params.signed_by(&key, &authority).map_err(io::Error::other)?;
    Ok((Pem { certificate: certificate.pem(), key: key.serialize_pem() }, ca_pem))
}

fn params(names: &[&str]) -> io::Result<CertificateParams> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
    params.distinguished_name.push(DnType::CommonName, "Simulated Logpoint");
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2050, 1, 1);
    Ok(params)
}

/// SHA-256 fingerprint, as `AB:CD:…`.
fn fingerprint(der: &CertificateDer<'_>) -> String {
    let bytes: Vec<String> = Sha256::digest(der).iter().map(|byte| format!("{byte:02X}")).collect();
    bytes.join(":")
}
