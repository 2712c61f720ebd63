//! The certificates that the simulator can show, good ones and bad ones.

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

/// Names that a good certificate holds.
const NAMES: [&str; 2] = ["localhost", "127.0.0.1"];

/// What the server shows. All but `SelfSigned` and `Given` are signed by an authority of the
/// simulator's own, so that a client who trusts it sees one fault and no other.
#[derive(Debug, Clone, Default)]
pub(crate) enum Certificate {
    /// As appliances ship it: signed by itself, for localhost and 127.0.0.1.
    #[default]
    SelfSigned,
    /// Good, where the authority is trusted.
    SignedByCa,
    /// Ended in 2021.
    Expired,
    /// Begins in 2090.
    NotYetValid,
    /// For another host.
    WrongName,
    /// These.
    Given(Pem),
    /// None: no TLS at all.
    PlainHttp,
}

/// What else a server asks of whoever connects.
#[derive(Debug, Clone, Default)]
pub(crate) struct Demands {
    /// Only who shows a certificate of this authority (PEM) is let in.
    pub(crate) client_authority: Option<String>,
    /// TLS 1.2 is the newest that is spoken.
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
    /// A new certificate, signed by itself.
    pub(crate) fn self_signed() -> io::Result<Self> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = params(&NAMES)?.self_signed(&key).map_err(io::Error::other)?;
        Ok(Self { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

/// Who the server is.
pub(super) struct Identity {
    /// None for plain HTTP.
    pub(super) acceptor: Option<TlsAcceptor>,
    pub(super) certificate_pem: String,
    pub(super) ca_pem: String,
    pub(super) fingerprint: String,
}

impl Identity {
    pub(super) fn new(certificate: Certificate, demands: &Demands) -> io::Result<Self> {
        let (pem, ca_pem) = match certificate {
            Certificate::PlainHttp => {
                let none = String::new();
                let (certificate_pem, ca_pem) = (none.clone(), none.clone());
                return Ok(Self { acceptor: None, certificate_pem, ca_pem, fingerprint: none });
            }
            Certificate::SelfSigned => alone(Pem::self_signed()?),
            Certificate::Given(pem) => alone(pem),
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
        let der = der.map_err(|error| unreadable(format!("the certificate: {error}")))?;
        let key = PrivateKeyDer::from_pem_slice(pem.key.as_bytes());
        let key = key.map_err(|error| unreadable(format!("the key: {error}")))?;
        let fingerprint = fingerprint(&der);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = if demands.is_old {
            builder.with_protocol_versions(&[&rustls::version::TLS12])
        } else {
            builder.with_safe_default_protocol_versions()
        }
        .map_err(io::Error::other)?;
        let builder = match &demands.client_authority {
            None => builder.with_no_client_auth(),
            Some(pem) => builder.with_client_cert_verifier(clients_of(pem, provider)?),
        };
        let mut config = builder.with_single_cert(vec![der], key).map_err(io::Error::other)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let acceptor = Some(TlsAcceptor::from(Arc::new(config)));
        Ok(Self { acceptor, certificate_pem: pem.certificate, ca_pem, fingerprint })
    }
}

/// Lets in only clients of an authority.
fn clients_of(pem: &str, provider: Arc<CryptoProvider>) -> io::Result<Arc<dyn ClientCertVerifier>> {
    let mut roots = RootCertStore::empty();
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(io::Error::other)?;
    roots.add(der).map_err(io::Error::other)?;
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(io::Error::other)
}

/// Who signs itself is its own authority.
fn alone(pem: Pem) -> (Pem, String) {
    let authority = pem.certificate.clone();
    (pem, authority)
}

/// Has an authority sign it; also gives that authority's certificate.
fn signed(params: &CertificateParams) -> io::Result<(Pem, String)> {
    let mut of_authority = self::params(&[])?;
    of_authority.distinguished_name.push(DnType::CommonName, "Simulated authority");
    of_authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    of_authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().map_err(io::Error::other)?;
    let ca_pem = of_authority.self_signed(&key).map_err(io::Error::other)?.pem();
    let authority = Issuer::new(of_authority, key);

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

/// SHA-256 as people compare it: `AB:CD:…`.
fn fingerprint(der: &CertificateDer<'_>) -> String {
    let bytes: Vec<String> = Sha256::digest(der).iter().map(|byte| format!("{byte:02X}")).collect();
    bytes.join(":")
}
