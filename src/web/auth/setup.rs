//! Creates the first administrator, with the one-time code that the server prints in its terminal.

use std::net::SocketAddr;

use askama::Template;
use axum::Extension;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::throttled;
use crate::actions::{SetUpError, SetUpField};
use crate::model::Origin;
use crate::web::page::{self, Page};
use crate::web::started_session::StartedSession;
use crate::web::visitor::Visitor;
use crate::web::{Error, WebState, form, started_session};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct SetUpForm {
    code: String,
    email: String,
    password: String,
    password_again: String,
}

#[derive(Template)]
#[template(path = "auth/setup.html")]
struct SetUpPage {
    page: Page,
    code: String,
    email: String,
    error: String,
    code_error: String,
    email_error: String,
    password_error: String,
}

impl SetUpPage {
    fn new(visitor: &Visitor, input: SetUpForm) -> Self {
        Self {
            page: Page::outside(visitor, "Set up Gatepost"),
            code: input.code,
            email: input.email,
            error: String::new(),
            code_error: String::new(),
            email_error: String::new(),
            password_error: String::new(),
        }
    }

    fn add_error(&mut self, field: SetUpField, message: String) {
        match field {
            SetUpField::Code => self.code_error = message,
            SetUpField::Email => self.email_error = message,
            SetUpField::Password => self.password_error = message,
        }
    }

    /// Shows why nothing was created. Returns the status of the response.
    fn add_rejection(&mut self, rejection: Rejection) -> StatusCode {
        let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
        match rejection {
            Rejection::Expired => {
                let message =
                    "This form had expired, so nothing was created. Enter the passwords again.";
                message.clone_into(&mut self.error);
                StatusCode::FORBIDDEN
            }
            Rejection::PasswordsDiffer => {
                let message = "The passwords do not match. Enter the same password twice.";
                self.add_error(SetUpField::Password, message.to_owned());
                unprocessable
            }
            Rejection::SetUp(SetUpError::Throttled(wait)) => {
                self.error = throttled(wait);
                StatusCode::TOO_MANY_REQUESTS
            }
            Rejection::SetUp(SetUpError::Invalid(errors)) => {
                for (field, message) in errors {
                    self.add_error(field, message);
                }
                unprocessable
            }
            Rejection::SetUp(error @ (SetUpError::Done | SetUpError::Store(_))) => {
                self.error = error.to_string();
                unprocessable
            }
        }
    }
}

/// Why the form is shown again.
enum Rejection {
    Expired,
    PasswordsDiffer,
    SetUp(SetUpError),
}

/// `GET /setup`
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    visitor: Visitor,
    headers: HeaderMap,
) -> Result<Response, Error> {
    if !state.actions.allows_passwords() || !state.actions.needs_setup().await? {
        return Ok(Redirect::to("/login").into_response());
    }
    let page = SetUpPage::new(&visitor, SetUpForm::default());
    Ok(visitor.respond(&headers, &state, page::html(&page)?))
}

/// `POST /setup`: creates the administrator and signs them in.
pub(in crate::web) async fn submit(
    State(state): State<WebState>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    Extension(origin): Extension<Origin>,
    visitor: Visitor,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Error> {
    if !state.actions.allows_passwords() {
        return Ok(Redirect::to("/login").into_response());
    }
    let bytes = form::read(request, &state).await?;
    let input: SetUpForm = form::parse(&bytes)?;
    let has_token = visitor.has_token(&form::token(&bytes));
    let SetUpForm { code, email, password, password_again } = &input;
    let outcome = if !has_token {
        Err(Rejection::Expired)
    } else if password != password_again {
        Err(Rejection::PasswordsDiffer)
    } else {
        let done = state.actions.set_up(code, email, password, (from.ip(), origin)).await;
        done.map_err(Rejection::SetUp)
    };
    let mut form = SetUpPage::new(&visitor, input);
    let status = match outcome {
        Ok(done) => {
            let started = started_session::start(&state, done, &headers, from.ip()).await?;
            return signed_in(&state, &visitor, &headers, started).await;
        }
        Err(Rejection::SetUp(SetUpError::Done)) => {
            return Ok(Redirect::to("/login?set_up=true").into_response());
        }
        Err(Rejection::SetUp(SetUpError::Store(error))) => return Err(error.into()),
        Err(rejection) => form.add_rejection(rejection),
    };
    Ok(visitor.respond(&headers, &state, (status, page::html(&form)?)))
}

async fn signed_in(
    state: &WebState,
    visitor: &Visitor,
    headers: &HeaderMap,
    started: StartedSession,
) -> Result<Response, Error> {
    started.current.session.notify("Gatepost is set up. Add your first webhook.").await?;
    let response = Redirect::to("/webhooks").into_response();
    Ok(started.respond(response, visitor, headers, state))
}
