//! Signing in: on the sign-in page, or in a dialog on a page whose session has ended. The sign-in page can keep a webhook
//! form that was submitted after the session had ended.

use std::net::SocketAddr;

use askama::Template;
use axum::Json;
use axum::extract::{ConnectInfo, Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::{Deserialize, Serialize};

use super::{dialog, throttled};
use crate::actions::SignInError;
use crate::store::users::User;
use crate::web::page::{self, Page};
use crate::web::session::{CurrentUser, Visitor, is_htmx};
use crate::web::{Error, WebState, form, webhooks};

#[derive(Debug, Default, Deserialize)]
pub(in crate::web) struct LoginQuery {
    #[serde(default)]
    next: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct LoginForm {
    email: String,
    password: String,
    /// Where to go after signing in.
    next: String,
    /// A webhook form that was sent after its session had ended, URL-encoded.
    unsaved: String,
}

#[derive(Template)]
#[template(path = "auth/login.html")]
struct LoginPage {
    page: Page,
    email: String,
    next: String,
    unsaved: String,
    error: String,
}

/// What the page needs to go on after signing in again.
#[derive(Debug, Serialize)]
struct SignedInAgain {
    email: String,
    csrf: String,
}

/// `GET /login`
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    current: Option<CurrentUser>,
    visitor: Visitor,
    Query(query): Query<LoginQuery>,
) -> Result<Response, Error> {
    if current.is_some() {
        return Ok(Redirect::to(&destination(&query.next)).into_response());
    }
    if state.actions.needs_setup().await? {
        return Ok(Redirect::to("/setup").into_response());
    }
    let form = LoginForm { next: query.next, ..LoginForm::default() };
    login_page(&visitor, form, String::new()).await
}

/// `POST /login`
pub(in crate::web) async fn submit(
    State(state): State<WebState>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    current: Option<CurrentUser>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Error> {
    let (visitor, bytes) = form::read(request, &state).await?;
    let form: LoginForm = form::parse(&bytes)?;
    if !form::has_token(&visitor, &bytes) {
        return match current {
            // The page that showed the form again was reloaded.
            Some(current) if !form.unsaved.is_empty() => {
                webhooks::form::edit::resume(&state, &current, form.unsaved.as_bytes()).await
            }
            _ => Err(Error::Csrf(visitor.csrf)),
        };
    }
    let (status, error) = match state.actions.sign_in(&form.email, &form.password, from.ip()).await
    {
        Ok(user) => {
            let visitor = visitor.sign_in(&user, &state.sources).await?;
            return signed_in(&state, visitor, user, &form, is_htmx(&headers)).await;
        }
        Err(SignInError::Wrong) => {
            let message = "The email or the password is wrong. Check both and try again.";
            (StatusCode::UNPROCESSABLE_ENTITY, message.to_owned())
        }
        Err(SignInError::Throttled(wait)) => (StatusCode::TOO_MANY_REQUESTS, throttled(wait)),
        Err(SignInError::Store(error)) => return Err(error.into()),
    };
    let view = if is_htmx(&headers) {
        dialog::form(&visitor.csrf, &form.email, &error)?
    } else {
        login_page(&visitor, form, error).await?
    };
    Ok((status, view).into_response())
}

async fn signed_in(
    state: &WebState,
    visitor: Visitor,
    user: User,
    form: &LoginForm,
    htmx: bool,
) -> Result<Response, Error> {
    if htmx {
        return Ok(Json(SignedInAgain { email: user.email, csrf: visitor.csrf }).into_response());
    }
    if form.unsaved.is_empty() {
        return Ok(Redirect::to(&destination(&form.next)).into_response());
    }
    let current = CurrentUser { user, visitor };
    webhooks::form::edit::resume(state, &current, form.unsaved.as_bytes()).await
}

async fn login_page(visitor: &Visitor, form: LoginForm, error: String) -> Result<Response, Error> {
    let page = Page::outside(visitor, "Sign in").await?;
    let LoginForm { email, next, unsaved, .. } = form;
    page::html(&LoginPage { page, email, next, unsaved, error })
}

/// The sign-in page that keeps a webhook form until its user has signed in again.
pub(in crate::web) async fn keep_unsaved(
    visitor: &Visitor,
    unsaved: String,
) -> Result<Response, Error> {
    let form = LoginForm { unsaved, ..LoginForm::default() };
    let page = login_page(visitor, form, String::new()).await?;
    Ok((StatusCode::UNAUTHORIZED, page).into_response())
}

/// A path of this server, never another site.
fn destination(next: &str) -> String {
    let is_local = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && !next.contains(char::is_control);
    if is_local { next.to_owned() } else { "/webhooks".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_never_leads_to_another_site() {
        assert_eq!(destination("/deliveries?state=failed"), "/deliveries?state=failed");
        for bad in ["", "https://evil.example", "//evil.example", "/\\evil.example", "/\tx"] {
            assert_eq!(destination(bad), "/webhooks", "{bad}");
        }
    }
}
