//! Forms that are proven to come from our own pages.
//!
//! Two walls, each enough by itself: the browser says where the request comes from, and the form
//! carries a token that only this session's pages hold.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::{HeaderMap, header};
use serde::de::DeserializeOwned;
use url::Url;

use super::session::Visitor;
use super::{Error, Public, WebState};

/// The hidden field's name.
const FIELD: &str = "csrf";

/// A form's content.
#[derive(Debug)]
pub(super) struct Form<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<WebState> for Form<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &WebState) -> Result<Self, Error> {
        let (mut parts, body) = request.into_parts();
        check_origin(&parts.headers, &state.public)?;
        let visitor = Visitor::from_request_parts(&mut parts, state).await?;
        let bytes = Bytes::from_request(Request::from_parts(parts, body), state)
            .await
            .map_err(|error| Error::Unreadable(error.body_text()))?;
        let token = url::form_urlencoded::parse(&bytes)
            .find_map(|(name, value)| (name == FIELD).then(|| value.into_owned()))
            .unwrap_or_default();
        if !visitor.sent(&token) {
            return Err(Error::Csrf);
        }
        serde_html_form::from_bytes(&bytes)
            .map(Self)
            .map_err(|error| Error::Unreadable(error.to_string()))
    }
}

/// Refuses a form that another site sent.
pub(super) fn check_origin(headers: &HeaderMap, public: &Public) -> Result<(), Error> {
    if is_same_origin(headers, public) { Ok(()) } else { Err(Error::Csrf) }
}

/// Whether the browser says that one of our pages sent it. A client that says nothing (no browser
/// does) is left to the token.
fn is_same_origin(headers: &HeaderMap, public: &Public) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text(header::ORIGIN.as_str()) else { return true };
    let Ok(origin) = Url::parse(origin) else { return false };
    if public.url.as_ref().is_some_and(|url| url.origin() == origin.origin()) {
        return true;
    }
    let authority = origin.host_str().map(|host| match origin.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    });
    authority.as_deref() == text(header::HOST.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(pairs: &[(&'static str, &str)]) -> bool {
        let headers = pairs.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect();
        let url = Some(Url::parse("https://gate.example.com").unwrap());
        is_same_origin(&headers, &Public { url, secure_cookies: true })
    }

    #[test]
    fn other_sites_are_turned_away() {
        assert!(same(&[("sec-fetch-site", "same-origin")]));
        assert!(!same(&[("sec-fetch-site", "cross-site")]));
        assert!(!same(&[("sec-fetch-site", "same-site"), ("origin", "https://gate.example.com")]));
        assert!(same(&[("origin", "https://gate.example.com"), ("host", "10.0.0.1:8080")]));
        assert!(same(&[("origin", "http://127.0.0.1:8080"), ("host", "127.0.0.1:8080")]));
        assert!(!same(&[("origin", "https://evil.example"), ("host", "127.0.0.1:8080")]));
        assert!(!same(&[("origin", "null"), ("host", "127.0.0.1:8080")]));
        assert!(same(&[]));
    }
}
