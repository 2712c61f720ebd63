//! Creates the first administrator, with the one-time code that the server prints in its terminal.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::throttled;
use crate::actions::{SetUpError, SetUpField};
use crate::web::form::Form;
use crate::web::page::{self, Page};
use crate::web::session::Visitor;
use crate::web::{Error, WebState};

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
    fn new(page: Page, input: SetUpForm) -> Self {
        Self {
            page,
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
}

/// `GET /setup`
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    visitor: Visitor,
) -> Result<Response, Error> {
    if !state.actions.needs_setup().await? {
        return Ok(Redirect::to("/login").into_response());
    }
    let page = Page::outside(&visitor, "Set up Gatepost").await?;
    page::html(&SetUpPage::new(page, SetUpForm::default()))
}

/// `POST /setup`: creates the administrator and signs them in.
pub(in crate::web) async fn submit(
    State(state): State<WebState>,
    visitor: Visitor,
    Form(input): Form<SetUpForm>,
) -> Result<Response, Error> {
    let page = Page::outside(&visitor, "Set up Gatepost").await?;
    if input.password != input.password_again {
        let mut form = SetUpPage::new(page, input);
        form.add_error(
            SetUpField::Password,
            "The passwords do not match. Enter the same password twice.".to_owned(),
        );
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page::html(&form)?).into_response());
    }
    let done = state.actions.set_up(input.code.trim(), input.email.trim(), &input.password).await;
    let mut form = SetUpPage::new(page, input);
    let status = match done {
        Ok(user) => {
            let visitor = visitor.sign_in(&user, &state.sources).await?;
            visitor.notify("Gatepost is set up. Add your first webhook.").await?;
            return Ok(Redirect::to("/webhooks").into_response());
        }
        Err(SetUpError::Done) => {
            visitor.notify_error("Gatepost already has an administrator. Sign in.").await?;
            return Ok(Redirect::to("/login").into_response());
        }
        Err(SetUpError::Invalid(errors)) => {
            for (field, message) in errors {
                form.add_error(field, message);
            }
            StatusCode::UNPROCESSABLE_ENTITY
        }
        Err(SetUpError::Throttled(wait)) => {
            form.error = throttled(wait);
            StatusCode::TOO_MANY_REQUESTS
        }
        Err(SetUpError::Store(error)) => return Err(error.into()),
    };
    Ok((status, page::html(&form)?).into_response())
}
