//! Makes connections: looks the name up, connects, and shakes hands.

use std::net::SocketAddr;
use std::sync::Arc;

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::TlsConnector;
use tower::Service;
use url::{Position, Url};

use super::link::Stream;
use super::resolver::Resolver;
use super::trace;

/// Whatever may go wrong on the way; its sources tell what did.
pub(super) type Error = Box<dyn std::error::Error + Send + Sync>;

/// A stream that stands.
pub(super) struct Connected {
    pub(super) stream: Box<dyn Stream>,
    pub(super) remote_address: SocketAddr,
    /// What the server showed; none without TLS.
    pub(super) certificate: Option<CertificateDer<'static>>,
}

/// Connects to hosts, to IPv6 and IPv4 addresses side by side.
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

    /// Connects to a URL's host, and secures the connection where the URL says so.
    pub(super) async fn connect(
        &self,
        url: &Url,
        tls: &Arc<ClientConfig>,
    ) -> Result<Connected, Error> {
        self.resolver.check_literal(url)?;
        trace::connect_begins();
        let host: Uri = url[..Position::BeforePath].parse()?;
        let stream = self.tcp.clone().call(host).await?.into_inner();
        let remote_address = stream.peer_addr()?;
        if url.scheme() != "https" {
            trace::connect_ends();
            return Ok(Connected { stream: Box::new(stream), remote_address, certificate: None });
        }
        trace::tls_begins();
        let name = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let name = ServerName::try_from(name.to_owned())?;
        let stream = TlsConnector::from(Arc::clone(tls)).connect(name, stream).await?;
        trace::connect_ends();
        let (_, session) = stream.get_ref();
        let certificate = session.peer_certificates().and_then(<[_]>::first).cloned();
        Ok(Connected { stream: Box::new(stream), remote_address, certificate })
    }
}
