//! Signing out.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};

use crate::web::form::Form;
use crate::web::page::{self, Page};
use crate::web::session::CurrentUser;
use crate::web::visitor::Visitor;
use crate::web::{Error, WebState, cookies};

#[derive(Template)]
#[template(path = "auth/signed_out.html")]
struct SignedOutPage<'a> {
    page: Page,
    name: &'a str,
    url: &'a str,
}

/// Where a browser has signed out, for the sign-in page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) enum SignedOut {
    /// At Gatepost, and at the identity provider if the user had signed in there.
    Everywhere,
    /// At Gatepost, but not at the identity provider.
    OnlyHere,
}

impl SignedOut {
    const ALL: [Self; 2] = [Self::Everywhere, Self::OnlyHere];

    fn as_str(self) -> &'static str {
        match self {
            Self::Everywhere => "everywhere",
            Self::OnlyHere => "only_here",
        }
    }

    /// Reads the cookie of a request.
    pub(super) fn find(headers: &HeaderMap, state: &WebState) -> Option<Self> {
        let value = cookies::find(headers, &state.public, cookies::SIGNED_OUT)?;
        Self::ALL.into_iter().find(|signed_out| signed_out.as_str() == value)
    }
}

/// `POST /logout`: ends the session.
pub(in crate::web) async fn submit(
    State(state): State<WebState>,
    current: CurrentUser,
    headers: HeaderMap,
    _form: Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    let id_token = state.actions.find_id_token(current.session.id()).await?;
    // Before the provider is asked, which may not respond: a browser that does not wait is signed out all the same.
    state.actions.sign_out(current.session.id(), &current.actor()).await?;
    let is_from_provider = id_token.is_some();
    let at_provider = match id_token {
        Some(id_token) => state.actions.provider_sign_out_url(&id_token).await,
        None => None,
    };
    let (mut response, signed_out) = match at_provider {
        Some(url) => (go_on(&state, &headers, url.as_str())?, SignedOut::Everywhere),
        None if is_from_provider => (Redirect::to("/login").into_response(), SignedOut::OnlyHere),
        None => (Redirect::to("/login").into_response(), SignedOut::Everywhere),
    };
    let pair = (cookies::SIGNED_OUT, signed_out.as_str());
    let max_age = cookies::SIGNED_OUT_MAX_AGE;
    cookies::set_for(&mut response, &headers, &state.public, pair, max_age);
    cookies::remove(&mut response, &headers, &state.public, cookies::SESSION);
    Ok(response)
}

/// The page that leads to the identity provider. A redirect is not possible, because browsers apply the policy for forms to
/// it (CSP, `form-action`).
fn go_on(state: &WebState, headers: &HeaderMap, url: &str) -> Result<Response, Error> {
    let page = Page::outside(&Visitor::new(headers, state), "Signed out");
    let name = state.actions.single_sign_on_name().unwrap_or_default();
    let mut response = page::html(&SignedOutPage { page, name, url })?;
    if let Ok(value) = HeaderValue::from_str(&format!("0; url={url}")) {
        response.headers_mut().insert(header::REFRESH, value);
    }
    Ok(response)
}
