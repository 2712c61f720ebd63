//! Changes the user's own password.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::show::{self, PasswordErrors};
use crate::actions::SetPasswordError;
use crate::web::auth::confirm;
use crate::web::form::Form;
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct PasswordForm {
    current_password: String,
    password: String,
    password_again: String,
}

/// `POST /account/password`
pub(in crate::web) async fn change(
    State(state): State<WebState>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    current: CurrentUser,
    headers: HeaderMap,
    Form(form): Form<PasswordForm>,
) -> Result<Response, Error> {
    let checked =
        confirm::check_password(&state, &current, &headers, from, &form.current_password).await?;
    let (status, errors) = if let Err((status, message)) = checked {
        (status, PasswordErrors { current: message, ..PasswordErrors::default() })
    } else {
        match set(&state, &current, &form).await? {
            Ok(()) => {
                let renewed = current.session.confirm(&state).await?;
                let done = "Your password is changed, and all other sessions have ended.";
                current.session.notify(done).await?;
                return Ok(renewed.respond(Redirect::to("/account"), &headers, &state));
            }
            Err(message) => {
                let errors = PasswordErrors { new: message, ..PasswordErrors::default() };
                (StatusCode::UNPROCESSABLE_ENTITY, errors)
            }
        }
    };
    Ok((status, show::page(&state, &current, errors).await?).into_response())
}

/// Sets the new password, or returns why not.
async fn set(
    state: &WebState,
    current: &CurrentUser,
    form: &PasswordForm,
) -> Result<Result<(), String>, Error> {
    if form.password != form.password_again {
        let message = "The passwords do not match. Enter the same password twice.";
        return Ok(Err(message.to_owned()));
    }
    let CurrentUser { user, session, .. } = current;
    let changed =
        state.actions.change_password(user, &form.password, session.id(), &current.actor()).await;
    match changed {
        Ok(()) => Ok(Ok(())),
        Err(SetPasswordError::Store(error)) => Err(error.into()),
        Err(error) => Ok(Err(error.to_string())),
    }
}
