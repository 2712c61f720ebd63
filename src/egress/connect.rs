//! Opens connections: name lookup, TCP connect and TLS handshake.

use std::net::SocketAddr;
use std::sync::Arc;

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::TlsConnector;
use tower::Service;
use url::{Position, Url};

use super::resolver::Resolver;
use super::target_stream::Stream;
use super::timings;

/// An error of any of the libraries involved. Its sources hold the cause: see [`super::failure`].
pub(super) type Error = Box<dyn std::error::Error + Send + Sync>;

/// An open stream.
pub(super) struct Connected {
    pub(super) stream: Box<dyn Stream>,
    pub(super) remote_address: SocketAddr,
    /// The server's certificate. `None` without TLS.
    pub(super) certificate: Option<CertificateDer<'static>>,
}

/// Connects to hosts, trying IPv6 and IPv4 addresses in parallel.
#[derive(Debug, Clone)]
pub(super) struct Connector {
    resolver: Resolver,
    tcp: HttpConnector<Resolver>,
}

impl Connector {
    pub(super) fn new(resolver: Resolver) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(resolver.clone());
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        Self { resolver, tcp }
    }

    /// Connects to the host of a URL. For `https://`, also performs the TLS handshake.
    pub(super) async fn connect(
        &self,
        url: &Url,
        tls: &Arc<ClientConfig>,
    ) -> Result<Connected, Error> {
        self.resolver.check_literal(url)?;
        timings::connect_started();
        let host: Uri = url[..Position::BeforePath].parse()?;
        let stream = self.tcp.clone().call(host).await?.into_inner();
        let remote_address = stream.peer_addr()?;
        if url.scheme() != "https" {
            timings::connect_ended();
            return Ok(Connected { stream: Box::new(stream), remote_address, certificate: None });
        }
        timings::tls_started();
        let name = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let name = ServerName::try_from(name.to_owned())?;
        let stream = TlsConnector::from(Arc::clone(tls)).connect(name, stream).await?;
        timings::connect_ended();
        let (_, session) = stream.get_ref();
        let certificate = session.peer_certificates().and_then(<[_]>::first).cloned();
        Ok(Connected { stream: Box::new(stream), remote_address, certificate })
    }
}
