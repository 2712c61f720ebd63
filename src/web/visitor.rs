//! A visitor who is about to sign in. Nothing is stored for visitors: the token of their forms is derived from a cookie.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};

use super::{WebState, cookies, csrf};

/// Length of the cookie's value: 32 bytes in hexadecimal.
const VALUE_CHARS: usize = 64;

/// A visitor, with the token for the forms that sign in.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    /// Token for the forms of this response.
    pub(super) csrf: String,
    token: [u8; csrf::TOKEN_BYTES],
    cookie: String,
    /// Whether the browser does not have the cookie yet.
    is_new: bool,
}

impl Visitor {
    pub(super) fn new(headers: &HeaderMap, state: &WebState) -> Self {
        let found = cookies::find(headers, &state.public, cookies::VISITOR);
        let found = found.filter(|value| is_well_formed(value));
        let is_new = found.is_none();
        let cookie = found.unwrap_or_else(|| hex::encode(state.sources.bytes::<32>()));
        let token = state.csrf_key.token(cookies::VISITOR, &cookie);
        Self { csrf: csrf::mask(&token, &state.sources.bytes()), token, cookie, is_new }
    }

    /// Whether a form contains this visitor's token.
    pub(super) fn has_token(&self, csrf: &str) -> bool {
        csrf::matches(csrf, &self.token)
    }

    /// Identifies the browser.
    pub(super) fn browser(&self) -> &str {
        &self.cookie
    }

    /// Responds with a form of this visitor. A browser that has the cookie keeps it, because another response that is on
    /// its way would otherwise make the form invalid.
    pub(super) fn respond(
        &self,
        request: &HeaderMap,
        state: &WebState,
        form: impl IntoResponse,
    ) -> Response {
        let mut response = form.into_response();
        if self.is_new {
            self.keep(&mut response, request, state);
        }
        response
    }

    /// Makes the browser keep the cookie at least as long as the cookie of a session that starts now, so that every
    /// request of a page contains it when the session ends.
    pub(super) fn keep(&self, response: &mut Response, request: &HeaderMap, state: &WebState) {
        cookies::set(response, request, &state.public, cookies::VISITOR, &self.cookie);
    }
}

fn is_well_formed(value: &str) -> bool {
    value.len() == VALUE_CHARS && value.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl FromRequestParts<WebState> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, Infallible> {
        Ok(Self::new(&parts.headers, state))
    }
}
