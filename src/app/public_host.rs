//! Checks that requests are for the public address, so that neither a name that resolves to this server (DNS rebinding)
//! nor a wrong link leads to it.

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use url::Url;

use crate::api::{Problem, ProblemId};

/// Paths that load balancers and Prometheus request by address.
const EXEMPT_PATHS: [&str; 3] = ["/healthz", "/readyz", "/metrics"];
/// Longest host that is quoted, in characters.
const MAX_QUOTED_CHARS: usize = 100;

/// Middleware that rejects requests for other hosts.
pub(super) async fn check(State(public): State<Url>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let host = requested_host(&request);
    if EXEMPT_PATHS.contains(&path) || host.as_deref().is_some_and(|host| is_for(&public, host)) {
        return next.run(request).await;
    }
    let detail = explain(&public, host.as_deref());
    if path.starts_with("/api/") {
        return Problem::new(ProblemId::Misdirected, detail).into_response();
    }
    (StatusCode::MISDIRECTED_REQUEST, detail + "\n").into_response()
}

/// Returns the host that a request is for (RFC 9112, section 3.2). `None` without exactly one.
fn requested_host(request: &Request) -> Option<String> {
    if let Some(authority) = request.uri().authority() {
        return Some(authority.to_string());
    }
    let mut values = request.headers().get_all(header::HOST).into_iter();
    match (values.next(), values.next()) {
        (Some(host), None) => host.to_str().ok().map(str::to_owned),
        _ => None,
    }
}

/// Whether a host and the public URL have the same origin.
fn is_for(public: &Url, host: &str) -> bool {
    let is_bare = !host.contains(['/', '?', '#', '@', '\\']);
    let parsed = Url::parse(&format!("{}://{host}", public.scheme()));
    is_bare && parsed.is_ok_and(|url| url.origin() == public.origin())
}

fn explain(public: &Url, host: Option<&str>) -> String {
    let origin = public.origin().ascii_serialization();
    let used: String = host.unwrap_or_default().chars().take(MAX_QUOTED_CHARS).collect();
    format!(
        "This server is {origin}, but the request is for the host \"{used}\". Use that address. Behind a reverse \
         proxy, pass the Host header on (nginx: proxy_set_header Host $http_host). If the address is wrong, \
         correct GATEPOST_PUBLIC_URL."
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn only_the_public_host_with_its_port_is_accepted() {
        let tls = url("https://Gate.example.com");
        for good in ["gate.example.com", "GATE.EXAMPLE.COM", "gate.example.com:443"] {
            assert!(is_for(&tls, good), "{good}");
        }
        for bad in [
            "",
            "evil.example",
            "gate.example.com:8443",
            "gate.example.com:80",
            "gate.example.com.evil.example",
            "gate.example.com@evil.example",
            "evil.example/gate.example.com",
            "user@gate.example.com",
            "gate.example.com, evil.example",
            "127.0.0.1",
        ] {
            assert!(!is_for(&tls, bad), "{bad}");
        }
        assert!(is_for(&url("http://127.0.0.1:8080"), "127.0.0.1:8080"));
        assert!(is_for(&url("http://[::1]:8080/"), "[::1]:8080"));
    }

    proptest! {
        #[test]
        fn a_host_with_the_public_name_in_it_is_not_the_public_host(
            before in "[a-z.@:/?#\\\\-]{0,8}",
            after in "[a-z.@:/?#\\\\-]{0,8}",
        ) {
            prop_assume!(!before.is_empty() || !matches!(after.as_str(), "" | ":"));
            let host = format!("{before}gate.example.com{after}");
            prop_assert!(!is_for(&url("https://gate.example.com"), &host), "{}", host);
        }
    }
}
