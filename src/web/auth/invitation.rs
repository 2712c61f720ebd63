//! The page of an invitation, on which an invited user enters the code, and then sets the password.
//!
//! The code is in the fragment of the link, which browsers do not send: it is in no log of a proxy and in no referrer. A script
//! moves it into the form.

use std::net::SocketAddr;

use askama::Template;
use axum::Extension;
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::actions::AcceptInvitationError;
use crate::model::Origin;
use crate::web::page::{self, Page};
use crate::web::visitor::Visitor;
use crate::web::{Error, WebState, form, started_session};

/// The path of the page. The code follows after `#`.
pub(in crate::web) const PATH: &str = "/invitation";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct InvitationForm {
    code: String,
    /// `None` on the page that asks for the code.
    password: Option<String>,
    password_again: String,
}

#[derive(Template)]
#[template(path = "auth/invitation_code.html")]
struct CodePage {
    page: Page,
}

#[derive(Template)]
#[template(path = "auth/invitation.html")]
struct InvitationPage {
    page: Page,
    email: String,
    code: String,
    error: String,
}

#[derive(Template)]
#[template(path = "auth/invitation_ended.html")]
struct EndedPage {
    page: Page,
    message: &'static str,
    /// Whether the code may have a mistake.
    can_enter_code: bool,
    /// Whether the user can sign in.
    can_sign_in: bool,
}

/// `GET /invitation`: asks for the code. Opening the link does not use it, because mail programs open links, too.
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    visitor: Visitor,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let response = if state.actions.allows_passwords() {
        let page = Page::outside(&visitor, "Accept your invitation");
        page::html(&CodePage { page })?
    } else {
        ended(&visitor, AcceptInvitationError::PasswordsOff)?
    };
    Ok(visitor.respond(&headers, &state, response))
}

/// `GET /invitations/{code}`: the links of versions that had the code in the path. Can be removed when those have expired.
pub(in crate::web) async fn show_old(Path(code): Path<String>) -> Redirect {
    let is_code = code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    Redirect::to(&if is_code { format!("{PATH}#{code}") } else { PATH.to_owned() })
}

/// `POST /invitation`: checks the code, or sets the password and signs the user in.
pub(in crate::web) async fn submit(
    State(state): State<WebState>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Error> {
    let visitor = Visitor::new(&headers, &state);
    let bytes = form::read(request, &state).await?;
    let input: InvitationForm = form::parse(&bytes)?;
    let code = input.code.trim().to_owned();
    let email = match state.actions.find_invited_user(&code).await {
        Ok(user) => user.email,
        Err(error) => return Ok(visitor.respond(&headers, &state, ended(&visitor, error)?)),
    };
    let Some(password) = input.password else {
        let page = password_page(&visitor, email, code, String::new())?;
        return Ok(visitor.respond(&headers, &state, page));
    };
    let (status, error) = if !visitor.has_token(&form::token(&bytes)) {
        let message = "This form had expired, so the password was not set. Enter it again.";
        (StatusCode::FORBIDDEN, message.to_owned())
    } else if password != input.password_again {
        let message = "The passwords do not match. Enter the same password twice.";
        (StatusCode::UNPROCESSABLE_ENTITY, message.to_owned())
    } else {
        match state.actions.accept_invitation(&code, &password, origin).await {
            Ok(done) => {
                let started = started_session::start(&state, done, &headers, from.ip()).await?;
                started.current.session.notify("Your password is set. Welcome.").await?;
                let response = Redirect::to("/webhooks").into_response();
                return Ok(started.respond(response, &visitor, &headers, &state));
            }
            Err(AcceptInvitationError::Password(message)) => {
                (StatusCode::UNPROCESSABLE_ENTITY, message)
            }
            Err(error) => return Ok(visitor.respond(&headers, &state, ended(&visitor, error)?)),
        }
    };
    let page = password_page(&visitor, email, code, error)?;
    Ok(visitor.respond(&headers, &state, (status, page)))
}

fn password_page(
    visitor: &Visitor,
    email: String,
    code: String,
    error: String,
) -> Result<Response, Error> {
    let page = Page::outside(visitor, "Set your password");
    page::html(&InvitationPage { page, email, code, error })
}

/// The page of an invitation that cannot be accepted.
fn ended(visitor: &Visitor, error: AcceptInvitationError) -> Result<Response, Error> {
    let can_sign_in = matches!(
        error,
        AcceptInvitationError::Unknown
            | AcceptInvitationError::Used
            | AcceptInvitationError::PasswordsOff
    );
    let can_enter_code = matches!(error, AcceptInvitationError::Unknown);
    let (status, title, message) = match error {
        AcceptInvitationError::Unknown => (
            StatusCode::NOT_FOUND,
            "The invitation is invalid",
            "The code has been used, was replaced by a newer one, or is incomplete. If you have set a password with it, sign in. Otherwise, ask an administrator for a new link.",
        ),
        AcceptInvitationError::Used => (
            StatusCode::GONE,
            "The invitation has been used",
            "A password has been set with it. Sign in with that password. If it was not you, tell an administrator.",
        ),
        AcceptInvitationError::Expired => (
            StatusCode::GONE,
            "The invitation has expired",
            "Invitations are valid for 72 hours. Ask an administrator for a new one.",
        ),
        AcceptInvitationError::PasswordsOff => (
            StatusCode::GONE,
            "You do not need a password",
            "Users sign in only with single sign-on here. Sign in with the account that has this email address.",
        ),
        AcceptInvitationError::Password(message) => return Err(Error::Unreadable(message)),
        AcceptInvitationError::Store(error) => return Err(error.into()),
    };
    let page = Page::outside(visitor, title);
    Ok((status, page::html(&EndedPage { page, message, can_enter_code, can_sign_in })?)
        .into_response())
}
