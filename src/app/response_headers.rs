//! Headers of every response: of pages, of the API and of health checks.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::model::SecurityPolicy;
use crate::web::PublicAddress;

/// For responses that are no pages. Pages set their own policy.
const CONTENT_POLICY: &str =
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Returns the policy by which browsers use only HTTPS for a year (RFC 6797). Unless strict mode requires it, it is not about
/// subdomains: they are other servers, about which Gatepost does not decide.
pub(super) fn transport_security(policy: SecurityPolicy) -> &'static str {
    if policy.https_subdomains { "max-age=31536000; includeSubDomains" } else { "max-age=31536000" }
}

/// Middleware that adds the headers that the handler has not set.
pub(super) async fn add(
    State((public, transport)): State<(PublicAddress, &'static str)>,
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
        set(headers, header::STRICT_TRANSPORT_SECURITY, transport);
    }
    response
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}
