//! TLS of the server itself, with a certificate that is read again when its files change.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::config::TlsFiles;

/// Gatepost speaks only HTTP/1.1 (RFC 7301).
const PROTOCOL: &[u8] = b"http/1.1";

/// The certificate and the key in use.
#[derive(Debug)]
pub(in crate::app) struct ServerTls {
    files: TlsFiles,
    current: ArcSwap<Loaded>,
}

/// What was read from the files.
#[derive(Debug)]
struct Loaded {
    contents: (Vec<u8>, Vec<u8>),
    config: Arc<ServerConfig>,
}

impl ServerTls {
    /// Reads the files.
    ///
    /// # Errors
    /// Which file cannot be used, and why.
    pub(in crate::app) fn open(files: &TlsFiles) -> anyhow::Result<Self> {
        let current = ArcSwap::from_pointee(load(files, read(files)?)?);
        Ok(Self { files: files.clone(), current })
    }

    /// Reads the files again if they have changed. If they cannot be used, for instance because only one of them was
    /// replaced yet, the certificate in use stays.
    ///
    /// # Errors
    /// Which file cannot be used, and why.
    pub(super) fn reload(&self) -> anyhow::Result<()> {
        let contents = read(&self.files)?;
        if contents == self.current.load().contents {
            return Ok(());
        }
        self.current.store(Arc::new(load(&self.files, contents)?));
        tracing::info!(certificate = %self.files.certificate.display(), "reloaded the TLS certificate");
        Ok(())
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

fn load(files: &TlsFiles, contents: (Vec<u8>, Vec<u8>)) -> anyhow::Result<Loaded> {
    let place = |name: &str, path: &Path| format!("{name}: {}", path.display());
    let certificate = || place("GATEPOST_TLS_CERTIFICATE_FILE", &files.certificate);
    let key_file = || place("GATEPOST_TLS_KEY_FILE", &files.key);
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&contents.0)
        .collect::<Result<_, _>>()
        .with_context(|| format!("{} is not a certificate in PEM", certificate()))?;
    ensure!(!chain.is_empty(), "{} contains no certificate in PEM", certificate());
    let key = PrivateKeyDer::from_pem_slice(&contents.1)
        .with_context(|| format!("{} contains no private key in PEM", key_file()))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .with_context(|| format!("{} does not belong to {}", key_file(), certificate()))?;
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    Ok(Loaded { contents, config: Arc::new(config) })
}
