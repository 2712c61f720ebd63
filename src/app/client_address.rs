//! The address of the client behind trusted reverse proxies.
//!
//! Handlers find it where they would find the address of the connection. Headers that anyone can send are removed, so that no
//! other code needs to know which ones count.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use ipnet::IpNet;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The networks of reverse proxies.
#[derive(Debug, Clone)]
pub(super) struct TrustedProxies {
    networks: Arc<[IpNet]>,
    /// Whether an ignored header was reported. Once is enough to find the missing setting.
    reported: Arc<AtomicBool>,
}

impl TrustedProxies {
    pub(super) fn new(networks: Vec<IpNet>) -> Self {
        Self { networks: networks.into(), reported: Arc::default() }
    }

    fn trust(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// Returns the client's address: the last one in `X-Forwarded-For` that is not a trusted proxy. Every proxy appends the
    /// address it was reached from, so those before it can be forged.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        let values = headers.get_all(FORWARDED_FOR).into_iter().rev();
        // An unreadable entry hides those before it.
        let entries = values.flat_map(|value| value.to_str().unwrap_or_default().rsplit(','));
        for entry in entries {
            if !self.trust(client) {
                break;
            }
            let Some(address) = parse(entry) else { break };
            client = address.to_canonical();
        }
        client
    }

    fn report(&self, peer: IpAddr) {
        if !self.reported.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %peer,
                "ignored X-Forwarded-For of an address that is not in GATEPOST_TRUSTED_PROXIES"
            );
        }
    }
}

/// Parses an address, which some proxies write with a port.
fn parse(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let bare = entry.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok().or_else(|| entry.parse::<SocketAddr>().ok().map(|found| found.ip()))
}

/// Middleware that replaces the connection's address by the client's.
pub(super) async fn resolve(
    State(proxies): State<TrustedProxies>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    if let Some(peer) = peer {
        let is_trusted = proxies.trust(peer.ip().to_canonical());
        let client = proxies.client(peer.ip(), request.headers());
        if !is_trusted && request.headers().contains_key(FORWARDED_FOR) {
            proxies.report(peer.ip());
        }
        let port = if is_trusted { 0 } else { peer.port() };
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(client, port)));
        let scheme = is_trusted.then(|| scheme(request.headers())).flatten();
        let headers = request.headers_mut();
        headers.remove(FORWARDED_FOR);
        headers.remove(FORWARDED_PROTO);
        if let Some(scheme) = scheme {
            headers.insert(FORWARDED_PROTO, HeaderValue::from_static(scheme));
        }
    }
    next.run(request).await
}

/// Returns the scheme that the nearest proxy reports.
fn scheme(headers: &HeaderMap) -> Option<&'static str> {
    let last = headers.get_all(FORWARDED_PROTO).into_iter().next_back()?.to_str().ok()?;
    let last = last.rsplit(',').next().unwrap_or_default().trim();
    ["http", "https"].into_iter().find(|known| known.eq_ignore_ascii_case(last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn proxies() -> TrustedProxies {
        TrustedProxies::new(vec!["10.0.0.0/24".parse().unwrap(), "fd00::/64".parse().unwrap()])
    }

    fn headers(name: &HeaderName, values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (name.clone(), value.parse().unwrap())).collect()
    }

    fn client(peer: &str, values: &[&str]) -> String {
        proxies().client(peer.parse().unwrap(), &headers(&FORWARDED_FOR, values)).to_string()
    }

    #[test]
    fn the_client_is_the_last_address_that_is_not_a_trusted_proxy() {
        for (peer, values, expected) in [
            ("10.0.0.7", &["192.0.2.1"][..], "192.0.2.1"),
            ("::ffff:10.0.0.7", &["192.0.2.1"], "192.0.2.1"),
            ("10.0.0.7", &["198.51.100.9, 192.0.2.1, 10.0.0.8"], "192.0.2.1"),
            ("10.0.0.7", &["198.51.100.9", "192.0.2.1,fd00::1"], "192.0.2.1"),
            ("fd00::5", &["[2001:db8::1]:4711"], "2001:db8::1"),
            ("10.0.0.7", &["192.0.2.1:4711"], "192.0.2.1"),
            ("10.0.0.7", &["::ffff:192.0.2.1"], "192.0.2.1"),
            ("10.0.0.7", &[], "10.0.0.7"),
            ("10.0.0.7", &["10.0.0.9"], "10.0.0.9"),
            // The entries before an unreadable one are not trustworthy.
            ("10.0.0.7", &["192.0.2.1, unknown, 10.0.0.8"], "10.0.0.8"),
            ("10.0.0.7", &["192.0.2.1,"], "10.0.0.7"),
            // Other clients cannot choose their address.
            ("192.0.2.1", &["198.51.100.9"], "192.0.2.1"),
            ("192.0.2.1", &["10.0.0.7"], "192.0.2.1"),
        ] {
            assert_eq!(client(peer, values), expected, "{peer} {values:?}");
        }
    }

    #[test]
    fn the_scheme_is_that_of_the_nearest_proxy() {
        let scheme = |values: &[&str]| scheme(&headers(&FORWARDED_PROTO, values));
        assert_eq!(scheme(&["https"]), Some("https"));
        assert_eq!(scheme(&["https, HTTP"]), Some("http"));
        assert_eq!(scheme(&["http", "https"]), Some("https"));
        assert_eq!(scheme(&["gopher"]), None);
        assert_eq!(scheme(&[]), None);
    }

    proptest! {
        #[test]
        fn what_a_client_sends_does_not_change_its_address(forged in "[ -~]{0,60}", bits: u32) {
            let address = std::net::Ipv4Addr::from_bits(bits).to_string();
            prop_assume!(!proxies().trust(address.parse().unwrap()));
            prop_assert_eq!(client("10.0.0.7", &[&forged, &address]), address.clone());
            let joined = format!("{forged},{address}");
            prop_assert_eq!(client("10.0.0.7", &[&joined]), address.clone());
            prop_assert_eq!(client(&address, &[&forged]), address);
        }
    }
}
