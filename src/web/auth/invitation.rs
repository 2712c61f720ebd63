//! The page of a one-time link, on which an invited user sets the password.

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

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct PasswordForm {
    password: String,
    password_again: String,
}

#[derive(Template)]
#[template(path = "auth/invitation.html")]
struct InvitationPage {
    page: Page,
    email: String,
    token: String,
    error: String,
}

#[derive(Template)]
#[template(path = "auth/invitation_ended.html")]
struct EndedPage {
    page: Page,
    message: &'static str,
    /// Whether the user can sign in.
    can_sign_in: bool,
}

/// `GET /invitations/{token}`. Opening the link does not use it, because mail programs open links, too.
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    Path(token): Path<String>,
    visitor: Visitor,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let response = match state.actions.find_invited_user(&token).await {
        Ok(user) => password_page(&visitor, user.email, token, String::new())?,
        Err(error) => ended(&visitor, error)?,
    };
    Ok(visitor.respond(&headers, &state, response))
}

/// `POST /invitations/{token}`: sets the password and signs the user in.
pub(in crate::web) async fn submit(
    State(state): State<WebState>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    Extension(origin): Extension<Origin>,
    Path(token): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Error> {
    let visitor = Visitor::new(&headers, &state);
    let bytes = form::read(request, &state).await?;
    let input: PasswordForm = form::parse(&bytes)?;
    let email = match state.actions.find_invited_user(&token).await {
        Ok(user) => user.email,
        Err(error) => return Ok(visitor.respond(&headers, &state, ended(&visitor, error)?)),
    };
    let (status, error) = if !visitor.has_token(&form::token(&bytes)) {
        let message = "This form had expired, so the password was not set. Enter it again.";
        (StatusCode::FORBIDDEN, message.to_owned())
    } else if input.password != input.password_again {
        let message = "The passwords do not match. Enter the same password twice.";
        (StatusCode::UNPROCESSABLE_ENTITY, message.to_owned())
    } else {
        match state.actions.accept_invitation(&token, &input.password, origin).await {
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
    let page = password_page(&visitor, email, token, error)?;
    Ok(visitor.respond(&headers, &state, (status, page)))
}

fn password_page(
    visitor: &Visitor,
    email: String,
    token: String,
    error: String,
) -> Result<Response, Error> {
    let page = Page::outside(visitor, "Set your password");
    page::html(&InvitationPage { page, email, token, error })
}

/// The page of a link that cannot be used.
fn ended(visitor: &Visitor, error: AcceptInvitationError) -> Result<Response, Error> {
    let can_sign_in = matches!(
        error,
        AcceptInvitationError::Unknown
            | AcceptInvitationError::Used
            | AcceptInvitationError::PasswordsOff
    );
    let (status, title, message) = match error {
        AcceptInvitationError::Unknown => (
            StatusCode::NOT_FOUND,
            "The link is invalid",
            "It has been used, was replaced by a newer one, or is incomplete. If you have set a password with it, sign in. Otherwise, ask an administrator for a new link.",
        ),
        AcceptInvitationError::Used => (
            StatusCode::GONE,
            "The link has been used",
            "A password has been set with it. Sign in with that password. If it was not you, tell an administrator.",
        ),
        AcceptInvitationError::Expired => (
            StatusCode::GONE,
            "The link has expired",
            "Links are valid for 72 hours. Ask an administrator for a new one.",
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
    Ok((status, page::html(&EndedPage { page, message, can_sign_in })?).into_response())
}
