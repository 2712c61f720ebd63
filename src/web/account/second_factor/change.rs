//! Turns the user's second factor off, and creates new recovery codes. Both ask for a code.

use std::net::SocketAddr;

use askama::Template;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::recovery_codes::{self, RENEWED};
use crate::actions::{EnteredFactor, SecondFactorError};
use crate::store::second_factors;
use crate::web::auth::code::WRONG_CODE;
use crate::web::auth::throttled;
use crate::web::form::Form;
use crate::web::page::{self, Page};
use crate::web::route::SET_UP;
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState, cookies};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct CodeForm {
    code: String,
}

/// What a code confirms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Disable,
    Renew,
}

impl Change {
    fn turns_off(self) -> bool {
        self == Self::Disable
    }

    fn title(self, is_required: bool) -> &'static str {
        match self {
            Self::Disable if is_required => "Set up two-factor authentication again?",
            Self::Disable => "Turn off two-factor authentication?",
            Self::Renew => "Create new recovery codes?",
        }
    }

    fn href(self) -> &'static str {
        match self {
            Self::Disable => "/account/two-factor/off",
            Self::Renew => "/account/two-factor/recovery-codes",
        }
    }
}

#[derive(Template)]
#[template(path = "account/second_factor/confirm.html")]
struct ConfirmPage {
    page: Page,
    change: Change,
    /// Whether the user must have a second factor, so that turning it off leads to the set-up.
    is_required: bool,
    title: &'static str,
    error: String,
}

/// `GET /account/two-factor/off`
pub(in crate::web) async fn ask_to_disable(
    State(state): State<WebState>,
    current: CurrentUser,
) -> Result<Response, Error> {
    ask(&state, &current, Change::Disable).await
}

/// `GET /account/two-factor/recovery-codes`
pub(in crate::web) async fn ask_to_renew(
    State(state): State<WebState>,
    current: CurrentUser,
) -> Result<Response, Error> {
    ask(&state, &current, Change::Renew).await
}

/// `POST /account/two-factor/off`
pub(in crate::web) async fn disable(
    State(state): State<WebState>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    current: CurrentUser,
    headers: HeaderMap,
    Form(form): Form<CodeForm>,
) -> Result<Response, Error> {
    let device = cookies::find(&headers, &state.public, cookies::DEVICE);
    let entered = entered(&form, from, &current, device.as_deref());
    match state.actions.disable_second_factor(&current.user, entered).await {
        Ok(()) if is_required(&state, &current).await? => Ok(Redirect::to(SET_UP).into_response()),
        Ok(()) => {
            current.session.notify("Two-factor authentication is off.").await?;
            Ok(Redirect::to("/account").into_response())
        }
        Err(error) => reject(&state, &current, Change::Disable, error).await,
    }
}

/// `POST /account/two-factor/recovery-codes`
pub(in crate::web) async fn renew(
    State(state): State<WebState>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    current: CurrentUser,
    headers: HeaderMap,
    Form(form): Form<CodeForm>,
) -> Result<Response, Error> {
    let device = cookies::find(&headers, &state.public, cookies::DEVICE);
    let entered = entered(&form, from, &current, device.as_deref());
    match state.actions.renew_recovery_codes(&current.user, entered).await {
        Ok(codes) => recovery_codes::show(&current, &codes, RENEWED).await,
        Err(error) => reject(&state, &current, Change::Renew, error).await,
    }
}

fn entered<'a>(
    form: &'a CodeForm,
    from: SocketAddr,
    current: &CurrentUser,
    device: Option<&'a str>,
) -> EnteredFactor<'a> {
    EnteredFactor { code: &form.code, from: from.ip(), origin: current.origin, device }
}

async fn ask(state: &WebState, current: &CurrentUser, change: Change) -> Result<Response, Error> {
    if !second_factors::exists(&state.db, current.user.id).await? {
        return Ok(Redirect::to("/account").into_response());
    }
    render(state, current, change, String::new()).await
}

/// Shows the page again, with why the code was not accepted.
async fn reject(
    state: &WebState,
    current: &CurrentUser,
    change: Change,
    error: SecondFactorError,
) -> Result<Response, Error> {
    let (status, message) = match error {
        SecondFactorError::Wrong => (StatusCode::UNPROCESSABLE_ENTITY, WRONG_CODE.to_owned()),
        SecondFactorError::Throttled(wait) => (StatusCode::TOO_MANY_REQUESTS, throttled(wait)),
        // Another tab was faster.
        SecondFactorError::Off => return Ok(Redirect::to("/account").into_response()),
        SecondFactorError::Store(error) => return Err(error.into()),
    };
    Ok((status, render(state, current, change, message).await?).into_response())
}

async fn render(
    state: &WebState,
    current: &CurrentUser,
    change: Change,
    error: String,
) -> Result<Response, Error> {
    let is_required = is_required(state, current).await?;
    let title = change.title(is_required);
    let page = Page::new(current, title, None).await?;
    page::html(&ConfirmPage { page, change, is_required, title, error })
}

/// Whether the user must have a second factor.
async fn is_required(state: &WebState, current: &CurrentUser) -> Result<bool, Error> {
    let requirement = state.policy.second_factor;
    Ok(second_factors::is_required(&state.db, current.user.id, requirement).await?)
}
