//! Forms with protection against cross-site request forgery.
//!
//! There are two independent checks: the origin that the browser reports, and a token that only pages of this session
//! contain. Forms that sign a user in have the token of a visitor instead.

use std::io;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use url::Url;

use super::session::CurrentUser;
use super::{Error, PublicAddress, WebState};

/// Maximum size of a form, in bytes.
pub(super) const MAX_FORM_BYTES: usize = 512 * 1024;
/// Maximum size of the sign-in form, in bytes. It carries another form along in a separate field, where every character
/// can be encoded once more as three.
pub(super) const MAX_SIGN_IN_FORM_BYTES: usize = 3 * MAX_FORM_BYTES + 16 * 1024;

/// Name of the hidden field with the token.
pub(super) const FIELD: &str = "csrf";

/// The content of a form that passed both checks.
#[derive(Debug)]
pub(super) struct Form<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<WebState> for Form<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &WebState) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        check_origin(&parts.headers, state).map_err(IntoResponse::into_response)?;
        let current = CurrentUser::from_request_parts(&mut parts, state).await?;
        let form = async {
            let bytes = read(Request::from_parts(parts, body), state).await?;
            if !current.session.has_token(&token(&bytes)) {
                return Err(Error::Csrf(current.session.csrf));
            }
            parse(&bytes).map(Self)
        };
        form.await.map_err(IntoResponse::into_response)
    }
}

/// Returns the token in a form; empty if there is none.
pub(super) fn token(form: &[u8]) -> String {
    let mut fields = url::form_urlencoded::parse(form);
    fields.find(|(name, _)| name == FIELD).map(|(_, token)| token.into_owned()).unwrap_or_default()
}

/// Parses a form.
pub(super) fn parse<T: DeserializeOwned>(form: &[u8]) -> Result<T, Error> {
    serde_html_form::from_bytes(form).map_err(|error| Error::Unreadable(error.to_string()))
}

/// Reads a form that was not sent by another site, without checking its token.
pub(super) async fn read(request: Request, state: &WebState) -> Result<Bytes, Error> {
    check_origin(request.headers(), state)?;
    Bytes::from_request(request, state).await.map_err(|error| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Error::TooLarge(MAX_FORM_BYTES),
        _ if is_busy(&error) => Error::Busy,
        _ => Error::Unreadable(error.body_text()),
    })
}

/// Whether the server did not accept the body because too many are being received.
fn is_busy(error: &(dyn std::error::Error + 'static)) -> bool {
    let cause = error.downcast_ref::<io::Error>();
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::ResourceBusy)
        || error.source().is_some_and(is_busy)
}

fn check_origin(headers: &HeaderMap, state: &WebState) -> Result<(), Error> {
    if is_same_origin(headers, &state.public) { Ok(()) } else { Err(Error::OtherSite) }
}

/// Whether the browser reports this server as the origin of the request. Browsers always report the origin of a form;
/// for other clients, only the token is checked.
fn is_same_origin(headers: &HeaderMap, public: &PublicAddress) -> bool {
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
        is_same_origin(&headers, &PublicAddress { url, secure_cookies: true })
    }

    #[test]
    fn rejects_forms_of_other_sites() {
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
