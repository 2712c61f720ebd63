//! Headers of every response: of pages, of the API and of health checks.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::web::PublicAddress;

/// How long browsers use only HTTPS (RFC 6797): a year.
#[derive(Debug, Clone, Copy)]
pub(super) enum TransportSecurity {
    /// For this host. Subdomains are other servers, about which Gatepost does not decide.
    Host,
    /// Also for its subdomains, as strict mode requires.
    WithSubdomains,
}

/// For responses that are no pages. Pages set their own policy.
const CONTENT_POLICY: &str =
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Middleware that adds the headers that the handler has not set.
pub(super) async fn add(
    State((public, transport)): State<(PublicAddress, TransportSecurity)>,
    request: Request,
    next: Next,
) -> Response {
    let is_secure = public.is_secure(request.headers());
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    set(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(headers, header::CACHE_CONTROL, "no-store");
    set(headers, header::CONTENT_SECURITY_POLICY, CONTENT_POLICY);
    set(headers, header::REFERRER_POLICY, "same-origin");
    if is_secure {
        let policy = match transport {
            TransportSecurity::Host => "max-age=31536000",
            TransportSecurity::WithSubdomains => "max-age=31536000; includeSubDomains",
        };
        set(headers, header::STRICT_TRANSPORT_SECURITY, policy);
    }
    response
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}
