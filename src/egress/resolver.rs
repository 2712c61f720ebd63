//! Resolves host names to permitted addresses. The addresses that are checked are the ones connected to, so DNS
//! rebinding cannot bypass the check.

use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::Name;
use tower::Service;
use url::{Host, Url};

use super::address::AddressRules;
use super::timings;

/// Why a name has no usable address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ResolveError {
    #[error("no such host")]
    NoSuchHost,
    #[error("{0} is blocked by the egress rules")]
    Blocked(IpAddr),
}

/// Resolves names within address rules.
#[derive(Debug, Clone)]
pub(super) struct Resolver(pub(super) AddressRules);

impl Resolver {
    /// Returns the permitted addresses of a name.
    async fn lookup(&self, host: &str) -> Result<Vec<SocketAddr>, ResolveError> {
        timings::dns_started();
        let found = tokio::net::lookup_host((host, 0)).await;
        timings::dns_ended();
        let found: Vec<SocketAddr> = found.map(Iterator::collect).unwrap_or_default();
        let permitted: Vec<SocketAddr> =
            found.iter().copied().filter(|address| self.0.permit(address.ip())).collect();
        match (permitted.is_empty(), found.first()) {
            (false, _) => Ok(permitted),
            (true, Some(blocked)) => Err(ResolveError::Blocked(blocked.ip())),
            (true, None) => Err(ResolveError::NoSuchHost),
        }
    }

    /// Checks a literal IP address in a URL. The connector does not call the resolver for those.
    pub(super) fn check_literal(&self, url: &Url) -> Result<(), ResolveError> {
        let address = match url.host() {
            Some(Host::Ipv4(v4)) => IpAddr::V4(v4),
            Some(Host::Ipv6(v6)) => IpAddr::V6(v6),
            Some(Host::Domain(_)) | None => return Ok(()),
        };
        if self.0.permit(address) { Ok(()) } else { Err(ResolveError::Blocked(address)) }
    }
}

/// The interface that `HttpConnector` expects.
impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = ResolveError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ResolveError>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), ResolveError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let this = self.clone();
        Box::pin(async move { Ok(this.lookup(name.as_str()).await?.into_iter()) })
    }
}
