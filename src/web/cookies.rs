//! The cookies that pages use.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use cookie::time::Duration;
use cookie::{Cookie, SameSite};

use super::PublicAddress;

/// Contains the secret of a signed-in user's session. Only signing in and out and confirming the password change it.
pub(super) const SESSION: &str = "gatepost_session";
/// Contains random text, to which the forms that sign a user in are bound.
pub(super) const VISITOR: &str = "gatepost_visitor";
/// Recognizes a browser that has signed in, so that failed attempts elsewhere do not delay it.
pub(super) const DEVICE: &str = "gatepost_device";
/// Contains a sign-in whose password was correct and whose code is missing, encrypted and bound to the visitor.
pub(super) const PENDING: &str = "gatepost_pending";
/// Time that browsers keep the cookie of a pending sign-in. The server decides when it ends.
const PENDING_MAX_AGE: Duration = Duration::minutes(10);
/// Contains the encrypted states of the single sign-ons in progress.
pub(super) const SINGLE_SIGN_ON: &str = "gatepost_sso";
/// How long a single sign-on may take. The cookie contains the time of the start, too.
pub(super) const SINGLE_SIGN_ON_MAX_AGE: Duration = Duration::minutes(10);
/// Contains why a single sign-on has failed, encrypted, for the page that says so.
pub(super) const FAILED_SIGN_IN: &str = "gatepost_sso_failed";
/// How long the page can be reloaded.
pub(super) const FAILED_SIGN_IN_MAX_AGE: Duration = Duration::minutes(10);
/// Whether the browser has just signed out, and of what; see [`SignedOut`](super::auth::logout::SignedOut).
pub(super) const SIGNED_OUT: &str = "gatepost_signed_out";
/// How long the sign-in page says so. The browser may go to the identity provider in between.
pub(super) const SIGNED_OUT_MAX_AGE: Duration = Duration::minutes(2);
/// Maximum time that browsers keep cookies (RFC 6265bis, section 5.5). The server decides when a session ends.
const MAX_AGE: Duration = Duration::days(400);

/// Returns a cookie of a request.
pub(super) fn find(headers: &HeaderMap, public: &PublicAddress, name: &str) -> Option<String> {
    let name = full_name(name, public.is_secure(headers));
    let all = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut cookies = all.flat_map(Cookie::split_parse).filter_map(Result::ok);
    cookies.find(|cookie| cookie.name() == name).map(|cookie| cookie.value().to_owned())
}

/// Adds a cookie to a response.
pub(super) fn set(
    response: &mut Response,
    request: &HeaderMap,
    public: &PublicAddress,
    name: &str,
    value: &str,
) {
    set_for(response, request, public, (name, value), MAX_AGE);
}

/// Adds a cookie to a response that browsers keep for this time.
pub(super) fn set_for(
    response: &mut Response,
    request: &HeaderMap,
    public: &PublicAddress,
    (name, value): (&str, &str),
    max_age: Duration,
) {
    add(response, public.is_secure(request), name, value, max_age);
}

/// Adds the cookie of a pending sign-in to a response.
pub(super) fn set_pending(
    response: &mut Response,
    request: &HeaderMap,
    public: &PublicAddress,
    value: &str,
) {
    add(response, public.is_secure(request), PENDING, value, PENDING_MAX_AGE);
}

/// Removes a cookie from the browser.
pub(super) fn remove(
    response: &mut Response,
    request: &HeaderMap,
    public: &PublicAddress,
    name: &str,
) {
    add(response, public.is_secure(request), name, "", Duration::ZERO);
}

/// Browsers accept a name with this prefix only from this host and over HTTPS (RFC 6265bis, section 4.1.3), so another
/// host of the same domain cannot plant the cookie.
fn full_name(name: &str, is_secure: bool) -> String {
    if is_secure { format!("__Host-{name}") } else { name.to_owned() }
}

fn add(response: &mut Response, is_secure: bool, name: &str, value: &str, max_age: Duration) {
    let cookie = Cookie::build((full_name(name, is_secure), value))
        .path("/")
        .http_only(true)
        .secure(is_secure)
        .same_site(SameSite::Lax)
        .max_age(max_age)
        .build();
    if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse;

    fn request(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect()
    }

    fn set_cookie(headers: &HeaderMap, public: &PublicAddress) -> String {
        let mut response = ().into_response();
        set(&mut response, headers, public, SESSION, "x");
        response.headers()[header::SET_COOKIE].to_str().unwrap().to_owned()
    }

    #[test]
    fn a_cookie_is_bound_to_the_host_where_the_browser_uses_https() {
        let (plain, tls) =
            (PublicAddress::default(), PublicAddress { url: None, secure_cookies: true });
        assert!(set_cookie(&request(&[]), &plain).starts_with("gatepost_session=x; "));
        for (headers, public) in
            [(request(&[]), &tls), (request(&[("x-forwarded-proto", "https")]), &plain)]
        {
            let text = set_cookie(&headers, public);
            assert!(text.starts_with("__Host-gatepost_session=x; "), "{text}");
            assert!(text.contains("Secure") && text.contains("Path=/"), "{text}");
            assert!(!text.contains("Domain"), "{text}");
        }
    }

    #[test]
    fn finds_a_cookie_among_others_in_any_header() {
        let headers = request(&[("cookie", "a=1; gatepost_session=x; bad"), ("accept", "*/*")]);
        let plain = PublicAddress::default();
        assert_eq!(find(&headers, &plain, SESSION).as_deref(), Some("x"));
        assert_eq!(find(&headers, &plain, VISITOR), None);
        // A cookie that was set over plain HTTP does not count where HTTPS is used.
        let tls = PublicAddress { url: None, secure_cookies: true };
        assert_eq!(find(&headers, &tls, SESSION), None);
    }
}
