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

/// `POST /logout`: ends the session.
pub(in crate::web) async fn submit(
    State(state): State<WebState>,
    current: CurrentUser,
    headers: HeaderMap,
    _form: Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    let id_token = state.actions.find_id_token(current.session.key()).await?;
    // Before the provider is asked, which may not respond: a browser that does not wait is signed out all the same.
    state.actions.sign_out(current.session.key(), &current.actor()).await?;
    let at_provider = match id_token {
        Some(id_token) => state.actions.provider_sign_out_url(&id_token).await,
        None => None,
    };
    let mut response = match at_provider {
        Some(url) => go_on(&state, &headers, url.as_str())?,
        None => Redirect::to("/login").into_response(),
    };
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
