//! TLS of the server itself, with a certificate that is read again when its files change.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, anyhow, ensure};
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::config::TlsFiles;
use crate::egress::{check_certificate_key, describe_certificate};
use crate::health::{CertificateState, SharedCertificate};
use crate::model::Sources;
use crate::model::security_policy::KeyPolicy;

/// Gatepost speaks only HTTP/1.1 (RFC 7301).
const PROTOCOL: &[u8] = b"http/1.1";

/// The certificate and the key in use.
#[derive(Debug)]
pub(in crate::app) struct ServerTls {
    files: TlsFiles,
    keys: KeyPolicy,
    current: ArcSwap<Loaded>,
    state: SharedCertificate,
    sources: Sources,
    /// Held while the files are read. They may be on a file system that does not respond.
    reloading: Mutex<()>,
}

/// What was read from the files.
#[derive(Debug)]
struct Loaded {
    contents: (Vec<u8>, Vec<u8>),
    config: Arc<ServerConfig>,
    state: CertificateState,
}

impl ServerTls {
    /// Reads the files.
    ///
    /// # Errors
    /// Which file cannot be used, and why.
    pub(in crate::app) fn open(
        files: &TlsFiles,
        keys: KeyPolicy,
        sources: &Sources,
    ) -> anyhow::Result<Self> {
        let loaded = load(files, keys, read(files)?)?;
        let tls = Self {
            files: files.clone(),
            keys,
            state: Arc::new(ArcSwap::from_pointee(loaded.state.clone())),
            current: ArcSwap::from_pointee(loaded),
            sources: sources.clone(),
            reloading: Mutex::default(),
        };
        tls.warn_of_expiry();
        Ok(tls)
    }

    /// Returns the state for the check of the certificate.
    pub(in crate::app) fn state(&self) -> SharedCertificate {
        Arc::clone(&self.state)
    }

    fn warn_of_expiry(&self) {
        if let Some(reason) = self.state.load().problem(self.sources.now()) {
            let certificate = self.files.certificate.display();
            tracing::warn!(%certificate, reason, "clients reject the TLS certificate");
        }
    }

    /// Reads the files again if they have changed. If they cannot be used, for instance because only one of them was
    /// replaced yet, the certificate in use stays.
    ///
    /// # Errors
    /// Which file cannot be used, and why.
    pub(super) fn reload(&self) -> anyhow::Result<()> {
        let Some(_reloading) = self.reloading.try_lock() else { return Ok(()) };
        let reloaded = self.read_again();
        let reload_error = reloaded.as_ref().err().map(|error| format!("{error:#}"));
        let state = CertificateState {
            reload_error: reload_error.unwrap_or_default(),
            ..self.current.load().state.clone()
        };
        self.state.store(Arc::new(state));
        if reloaded? {
            tracing::info!(certificate = %self.files.certificate.display(), "reloaded the TLS certificate");
            self.warn_of_expiry();
        }
        Ok(())
    }

    /// Returns whether the files have changed.
    fn read_again(&self) -> anyhow::Result<bool> {
        let contents = read(&self.files)?;
        if contents == self.current.load().contents {
            return Ok(false);
        }
        self.current.store(Arc::new(load(&self.files, self.keys, contents)?));
        Ok(true)
    }

    /// Does the handshake of a connection.
    ///
    /// # Errors
    /// If the client does not speak TLS, or accepts neither the certificate nor a version.
    pub(super) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
    ) -> io::Result<TlsStream<S>> {
        let config = Arc::clone(&self.current.load().config);
        TlsAcceptor::from(config).accept(stream).await
    }
}

fn read(files: &TlsFiles) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
    let read = |name: &str, path: &PathBuf| {
        std::fs::read(path).with_context(|| format!("{name}: {} cannot be read", path.display()))
    };
    let certificate = read("GATEPOST_TLS_CERTIFICATE_FILE", &files.certificate)?;
    Ok((certificate, read("GATEPOST_TLS_KEY_FILE", &files.key)?))
}

fn load(files: &TlsFiles, keys: KeyPolicy, contents: (Vec<u8>, Vec<u8>)) -> anyhow::Result<Loaded> {
    let place = |name: &str, path: &Path| format!("{name}: {}", path.display());
    let certificate = || place("GATEPOST_TLS_CERTIFICATE_FILE", &files.certificate);
    let key_file = || place("GATEPOST_TLS_KEY_FILE", &files.key);
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&contents.0)
        .collect::<Result<_, _>>()
        .with_context(|| format!("{} is not a certificate in PEM", certificate()))?;
    ensure!(!chain.is_empty(), "{} contains no certificate in PEM", certificate());
    for der in &chain {
        check_certificate_key(der, keys).map_err(|weak| {
            anyhow!("{} has {weak}; use an ECDSA key or a longer RSA key", certificate())
        })?;
    }
    let state = chain
        .first()
        .and_then(describe)
        .with_context(|| format!("{} is not a certificate in PEM", certificate()))?;
    ensure!(
        !is_encrypted(&contents.1),
        "{} is encrypted; decrypt it with: openssl pkey -in encrypted.pem -out {}",
        key_file(),
        files.key.display()
    );
    let key = PrivateKeyDer::from_pem_slice(&contents.1)
        .with_context(|| format!("{} contains no private key in PEM", key_file()))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| {
            let (key, certificate) = (key_file(), certificate());
            if matches!(error, rustls::Error::InconsistentKeys(_)) {
                return anyhow!(
                    "{key} does not belong to {certificate}; use the key that was made for this certificate"
                );
            }
            anyhow::Error::new(error).context(format!("{key} cannot be used with {certificate}"))
        })?;
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    Ok(Loaded { contents, config: Arc::new(config), state })
}

/// Returns the state of the server's certificate, which is the first one. `None` if it cannot be read.
fn describe(certificate: &CertificateDer<'_>) -> Option<CertificateState> {
    let found = describe_certificate(certificate)?;
    Some(CertificateState {
        not_before: found.not_before,
        not_after: found.not_after,
        reload_error: String::new(),
    })
}

/// Whether a key in PEM needs a password (RFC 7468, section 11; RFC 1421, section 4.6.1.1).
fn is_encrypted(pem: &[u8]) -> bool {
    let text = String::from_utf8_lossy(pem);
    text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED")
}

#[cfg(test)]
mod tests {
    use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};

    use super::*;
    use crate::app::system_sources;

    #[test]
    fn the_state_says_why_changed_files_cannot_be_used() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let files = TlsFiles { certificate: path("cert.pem"), key: path("key.pem") };
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(&files.certificate, cert.pem()).unwrap();
        std::fs::write(&files.key, signing_key.serialize_pem()).unwrap();
        let tls = ServerTls::open(&files, KeyPolicy::default(), &system_sources()).unwrap();
        let reload_error = || tls.state().load().reload_error.clone();
        assert_eq!(reload_error(), "");

        std::fs::write(&files.key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
        assert!(tls.reload().is_err());
        assert!(reload_error().contains("does not belong to"), "{}", reload_error());
        std::fs::remove_file(&files.certificate).unwrap();
        assert!(tls.reload().is_err());
        assert!(reload_error().contains("cannot be read"), "{}", reload_error());

        std::fs::write(&files.certificate, cert.pem()).unwrap();
        std::fs::write(&files.key, signing_key.serialize_pem()).unwrap();
        tls.reload().unwrap();
        assert_eq!(reload_error(), "");
    }
}
