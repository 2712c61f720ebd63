//! Signing in: on the sign-in page, or in a dialog on a page whose session has ended. The sign-in page can keep a webhook
//! form that was submitted after the session had ended.

use std::net::SocketAddr;

use askama::Template;
use axum::extract::{ConnectInfo, OptionalFromRequestParts, Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};

use super::code_page::{self, CodeForm};
use super::destination::{destination, other_tab_path, start_path};
use super::dialog::{self, Confirms};
use super::logout::SignedOut;
use super::{confirm, throttled};
use crate::actions::{AcceptedPassword, SignIn, SignInError};
use crate::model::Origin;
use crate::web::page::{self, Page};
use crate::web::route::set_up_path;
use crate::web::session::{CurrentUser, Toast, is_htmx};
use crate::web::started_session::StartedSession;
use crate::web::visitor::Visitor;
use crate::web::{Error, WebState, cookies, form, started_session, webhooks};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct LoginQuery {
    next: String,
    /// Whether `/setup` led here, because there is an administrator already.
    set_up: bool,
    /// Whether the user has signed out everywhere.
    signed_out: bool,
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
    /// Whether the dialog only confirms the password of a session that goes on.
    confirms: bool,
}

impl From<CodeForm> for LoginForm {
    fn from(form: CodeForm) -> Self {
        let CodeForm { email, next, unsaved, .. } = form;
        Self { email, next, unsaved, ..Self::default() }
    }
}

#[derive(Template)]
#[template(path = "auth/login.html")]
struct LoginPage {
    page: Page,
    email: String,
    next: String,
    unsaved: String,
    error: String,
    /// Whether users may sign in with passwords.
    passwords: bool,
    /// The name of the identity provider, if there is single sign-on.
    single_sign_on: Option<String>,
    /// Address that starts single sign-on, and the one for another tab.
    start: String,
    other_tab: String,
    /// Whether there is no user yet.
    needs_setup: bool,
    /// Whether the browser has just signed out.
    signed_out: Option<SignedOut>,
}

/// What the page needs to go on after signing in again.
#[derive(Debug, Serialize)]
pub(super) struct SignedInAgain {
    email: String,
    csrf: String,
}

impl SignedInAgain {
    pub(super) fn new(current: &CurrentUser) -> Self {
        Self { email: current.user.email.clone(), csrf: current.session.csrf.clone() }
    }
}

/// `GET /login`
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    current: Option<CurrentUser>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(query): Query<LoginQuery>,
) -> Result<Response, Error> {
    if current.is_some() {
        return Ok(Redirect::to(&destination(&query.next)).into_response());
    }
    let needs_setup = state.actions.needs_setup().await?;
    if needs_setup && state.actions.single_sign_on_name().is_none() {
        return Ok(Redirect::to("/setup").into_response());
    }
    let form = LoginForm { next: query.next, ..LoginForm::default() };
    let mut page = Page::outside(&visitor, "Sign in");
    if query.set_up {
        let text = "Gatepost already has an administrator. Sign in.".to_owned();
        page.toasts.push(Toast { bad: true, text, link: None });
    }
    if query.signed_out {
        let text = "You are signed out on all devices.".to_owned();
        page.toasts.push(Toast { bad: false, text, link: None });
    }
    let signed_out = SignedOut::find(&headers, &state);
    let view =
        LoginPage { needs_setup, signed_out, ..LoginPage::new(&state, page, form, String::new()) };
    let mut response = visitor.respond(&headers, &state, page::html(&view)?);
    if signed_out.is_some() {
        cookies::remove(&mut response, &headers, &state.public, cookies::SIGNED_OUT);
    }
    Ok(response)
}

/// `POST /login`
pub(in crate::web) async fn submit(
    State(state): State<WebState>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    Extension(origin): Extension<Origin>,
    visitor: Visitor,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Error> {
    let (mut parts, body) = request.into_parts();
    let current =
        <CurrentUser as OptionalFromRequestParts<_>>::from_request_parts(&mut parts, &state)
            .await?;
    let bytes = form::read(Request::from_parts(parts, body), &state).await?;
    let form: LoginForm = form::parse(&bytes)?;
    if !visitor.has_token(&form::token(&bytes)) {
        return expired(&visitor, &headers, &state, form);
    }
    if let Some(current) =
        current.filter(|current| form.confirms && current.user.email == form.email)
    {
        return confirm_password(&state, &current, (&visitor, &headers), from, &form).await;
    }
    let device = cookies::find(&headers, &state.public, cookies::DEVICE);
    let attempt = SignIn {
        email: &form.email,
        password: &form.password,
        from: from.ip(),
        origin,
        device: device.as_deref(),
    };
    let (status, error) = match state.actions.sign_in(attempt, visitor.browser()).await {
        Ok(AcceptedPassword::SignedIn(done)) => {
            let started = started_session::start(&state, done, &headers, from.ip()).await?;
            return signed_in(&state, &visitor, &headers, started, &form).await;
        }
        Ok(AcceptedPassword::NeedsCode(pending)) => {
            let LoginForm { email, next, unsaved, .. } = form;
            let form = CodeForm { email, next, unsaved, ..CodeForm::default() };
            return code_page::ask(&state, (&visitor, &headers), form, &pending);
        }
        Err(SignInError::Wrong) => {
            let message = "The email or the password is wrong. Check both and try again.";
            (StatusCode::UNPROCESSABLE_ENTITY, message.to_owned())
        }
        Err(SignInError::Disabled) => {
            let message = "Your account is disabled. Ask an administrator.";
            (StatusCode::FORBIDDEN, message.to_owned())
        }
        Err(error @ SignInError::PasswordsOff) => {
            (StatusCode::FORBIDDEN, format!("You were not signed in: {error}."))
        }
        Err(SignInError::Throttled(wait)) => (StatusCode::TOO_MANY_REQUESTS, throttled(wait)),
        Err(SignInError::Store(error)) => return Err(error.into()),
    };
    let view = if is_htmx(&headers) {
        let confirms = if form.confirms { Confirms::Password } else { Confirms::Nothing };
        dialog::form(&state, &visitor.csrf, (&form.email, &error), confirms)?
    } else {
        login_page(&state, &visitor, form, error)?
    };
    Ok(visitor.respond(&headers, &state, (status, view)))
}

/// Confirms the password of a session that goes on, in the dialog.
async fn confirm_password(
    state: &WebState,
    current: &CurrentUser,
    (visitor, headers): (&Visitor, &HeaderMap),
    from: SocketAddr,
    form: &LoginForm,
) -> Result<Response, Error> {
    let checked = confirm::check_password(state, current, headers, from, &form.password).await?;
    match checked {
        Ok(()) => {
            let renewed = current.session.confirm(state).await?;
            Ok(renewed.respond(go_on(current), headers, state))
        }
        Err((status, error)) => {
            let view =
                dialog::form(state, &visitor.csrf, (&form.email, &error), Confirms::Password)?;
            Ok((status, view).into_response())
        }
    }
}

/// Responds to the dialog's form: the page goes on with the token of this session.
fn go_on(current: &CurrentUser) -> Response {
    Json(SignedInAgain::new(current)).into_response()
}

/// Responds to a form without the visitor's token, for instance because the browser has deleted its cookies. A script
/// gets a new token, with which it sends the form again.
fn expired(
    visitor: &Visitor,
    headers: &HeaderMap,
    state: &WebState,
    form: LoginForm,
) -> Result<Response, Error> {
    if is_htmx(headers) {
        return Ok(visitor.respond(headers, state, Error::Csrf(visitor.csrf.clone())));
    }
    let error = "This form had expired, so you were not signed in. Enter your password again.";
    let page = login_page(state, visitor, form, error.to_owned())?;
    Ok(visitor.respond(headers, state, (StatusCode::FORBIDDEN, page)))
}

/// Responds to a sign-in that has succeeded.
pub(super) async fn signed_in(
    state: &WebState,
    visitor: &Visitor,
    headers: &HeaderMap,
    started: StartedSession,
    form: &LoginForm,
) -> Result<Response, Error> {
    let current = &started.current;
    let response = if is_htmx(headers) {
        go_on(current)
    } else if current.must_set_up_second_factor {
        Redirect::to(&set_up_path(&form.next)).into_response()
    } else if form.unsaved.is_empty() {
        Redirect::to(&destination(&form.next)).into_response()
    } else {
        let (unsaved, notice) = (form.unsaved.as_bytes(), webhooks::form::edit::SESSION_CHANGED);
        webhooks::form::edit::resume(state, current, unsaved, notice).await?
    };
    Ok(started.respond(response, visitor, headers, state))
}

/// The sign-in page after a failed attempt.
pub(super) fn login_page(
    state: &WebState,
    visitor: &Visitor,
    form: LoginForm,
    error: String,
) -> Result<Response, Error> {
    page::html(&LoginPage::new(state, Page::outside(visitor, "Sign in"), form, error))
}

impl LoginPage {
    fn new(state: &WebState, page: Page, form: LoginForm, error: String) -> Self {
        let LoginForm { email, next, unsaved, .. } = form;
        Self {
            page,
            email,
            unsaved,
            error,
            passwords: state.actions.allows_passwords(),
            single_sign_on: state.actions.single_sign_on_name().map(str::to_owned),
            start: start_path(&next),
            other_tab: other_tab_path(false),
            needs_setup: false,
            signed_out: None,
            next,
        }
    }
}

/// The sign-in page that keeps a webhook form until its user has signed in again.
pub(in crate::web) fn keep_unsaved(
    headers: &HeaderMap,
    state: &WebState,
    unsaved: String,
) -> Result<Response, Error> {
    let visitor = Visitor::new(headers, state);
    let form = LoginForm { unsaved, ..LoginForm::default() };
    let page = login_page(state, &visitor, form, String::new())?;
    Ok(visitor.respond(headers, state, (StatusCode::UNAUTHORIZED, page)))
}
