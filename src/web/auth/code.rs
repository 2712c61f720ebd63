//! The second step of signing in: the code of an authenticator app, or a recovery code.

use std::net::SocketAddr;

use axum::Extension;
use axum::extract::{ConnectInfo, Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::code_page::{self, CodeForm};
use super::destination::{destination, sign_in_path};
use super::dialog::{self, Confirms};
use super::login::{self, LoginForm};
use super::throttled;
use crate::actions::{CodeSignIn, CodeSignInError, EnteredFactor, SignedInWithCode, UsedFactor};
use crate::model::Origin;
use crate::web::session::{CurrentUser, is_htmx};
use crate::web::visitor::Visitor;
use crate::web::{Error, WebState, cookies, form, started_session};

/// The error for a code that was not accepted.
pub(in crate::web) const WRONG_CODE: &str = "The code is wrong or was used before. Enter the code that your app shows now, or an unused recovery code. If all codes are rejected, check the clock of your device.";
/// The error in the form that asks for a recovery code.
const WRONG_RECOVERY_CODE: &str =
    "The recovery code is wrong or was used before. Enter another one.";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct CodeQuery {
    next: String,
    recovery: bool,
}

/// `GET /login/code`
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    current: Option<CurrentUser>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(query): Query<CodeQuery>,
) -> Result<Response, Error> {
    let CodeQuery { next, recovery } = query;
    if current.is_some() {
        return Ok(Redirect::to(&destination(&next)).into_response());
    }
    let pending = cookies::find(&headers, &state.public, cookies::PENDING).unwrap_or_default();
    let pending = state.actions.find_pending_user(&pending, visitor.browser()).await?;
    let Some((user, _version)) = pending else {
        return Ok(Redirect::to(&sign_in_path(&next)).into_response());
    };
    let form = CodeForm { email: user.email, next, recovery, ..CodeForm::default() };
    Ok(visitor.respond(&headers, &state, code_page::render(&visitor, form, String::new())?))
}

/// `POST /login/code`
pub(in crate::web) async fn submit(
    State(state): State<WebState>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    Extension(origin): Extension<Origin>,
    visitor: Visitor,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Error> {
    let bytes = form::read(request, &state).await?;
    let form: CodeForm = form::parse(&bytes)?;
    if !visitor.has_token(&form::token(&bytes)) {
        if is_htmx(&headers) {
            let error = Error::Csrf(visitor.csrf.clone());
            return Ok(visitor.respond(&headers, &state, error));
        }
        let error = "This form had expired, so you were not signed in. Enter a code again.";
        let page = code_page::render(&visitor, form, error.to_owned())?;
        return Ok(visitor.respond(&headers, &state, (StatusCode::FORBIDDEN, page)));
    }
    let pending = cookies::find(&headers, &state.public, cookies::PENDING).unwrap_or_default();
    let device = cookies::find(&headers, &state.public, cookies::DEVICE);
    let entered =
        EnteredFactor { code: &form.code, from: from.ip(), origin, device: device.as_deref() };
    let request = CodeSignIn { pending: &pending, browser: visitor.browser(), entered };
    let (status, error) = match state.actions.sign_in_with_code(request).await {
        Ok(done) => return signed_in(&state, (&visitor, &headers), from, done, form).await,
        Err(CodeSignInError::Expired) => return start_again(&state, &visitor, &headers, form),
        Err(CodeSignInError::Wrong) => {
            let message = if form.recovery { WRONG_RECOVERY_CODE } else { WRONG_CODE };
            (StatusCode::UNPROCESSABLE_ENTITY, message.to_owned())
        }
        Err(CodeSignInError::Throttled(wait)) => (StatusCode::TOO_MANY_REQUESTS, throttled(wait)),
        Err(CodeSignInError::Store(error)) => return Err(error.into()),
    };
    let view = if is_htmx(&headers) {
        dialog::code_form(&visitor.csrf, &form.email, &error)?
    } else {
        code_page::render(&visitor, form, error)?
    };
    Ok(visitor.respond(&headers, &state, (status, view)))
}

async fn signed_in(
    state: &WebState,
    (visitor, headers): (&Visitor, &HeaderMap),
    from: SocketAddr,
    done: SignedInWithCode,
    form: CodeForm,
) -> Result<Response, Error> {
    let SignedInWithCode { signed_in, factor } = done;
    let started = started_session::start(state, signed_in, headers, from.ip()).await?;
    if let UsedFactor::RecoveryCode(left) = factor {
        let (text, link) = recovery_notice(left);
        started.current.session.advise(text, link).await?;
    }
    let form = LoginForm::from(form);
    let mut response = login::signed_in(state, visitor, headers, started, &form).await?;
    cookies::remove(&mut response, headers, &state.public, cookies::PENDING);
    Ok(response)
}

/// Returns the message after a sign-in with a recovery code, and the link to what to do next.
fn recovery_notice(left: i64) -> (String, (&'static str, &'static str)) {
    if left == 0 {
        let text = "You signed in with your last recovery code. If you have lost your device, ask an administrator to reset your two-factor authentication before you sign out. If you have it,";
        return (text.to_owned(), ("/account/two-factor/recovery-codes", "create new codes"));
    }
    let verb = if left == 1 { "is" } else { "are" };
    let text = format!("You signed in with a recovery code. {left} {verb} left. Lost your device?");
    (text, ("/account/two-factor/off", "Set up two-factor authentication again"))
}

/// Asks for the password again.
fn start_again(
    state: &WebState,
    visitor: &Visitor,
    headers: &HeaderMap,
    form: CodeForm,
) -> Result<Response, Error> {
    let error =
        "You entered your password more than 10 minutes ago, or it has changed. Enter it again.";
    let mut response = if is_htmx(headers) {
        let view = dialog::form(state, &visitor.csrf, (&form.email, error), Confirms::Nothing)?;
        visitor.respond(headers, state, (StatusCode::UNPROCESSABLE_ENTITY, view))
    } else {
        let page = login::login_page(state, visitor, form.into(), error.to_owned())?;
        visitor.respond(headers, state, (StatusCode::FORBIDDEN, page))
    };
    cookies::remove(&mut response, headers, &state.public, cookies::PENDING);
    Ok(response)
}
