//! The first administrator, made by whoever reads the one-time code in the terminal.

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
pub(in crate::web) struct Typed {
    code: String,
    email: String,
    password: String,
    password_again: String,
}

#[derive(Template)]
#[template(path = "auth/setup.html")]
struct SetUp {
    page: Page,
    code: String,
    email: String,
    error: String,
    code_error: String,
    email_error: String,
    password_error: String,
}

impl SetUp {
    fn new(page: Page, typed: Typed) -> Self {
        Self {
            page,
            code: typed.code,
            email: typed.email,
            error: String::new(),
            code_error: String::new(),
            email_error: String::new(),
            password_error: String::new(),
        }
    }

    fn note(&mut self, field: SetUpField, message: String) {
        match field {
            SetUpField::Code => self.code_error = message,
            SetUpField::Email => self.email_error = message,
            SetUpField::Password => self.password_error = message,
        }
    }
}

/// The form.
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    visitor: Visitor,
) -> Result<Response, Error> {
    if !state.actions.needs_setup().await? {
        return Ok(Redirect::to("/login").into_response());
    }
    let page = Page::outside(&visitor, "Set up Gatepost").await?;
    page::html(&SetUp::new(page, Typed::default()))
}

/// Makes the administrator and signs them in.
pub(in crate::web) async fn submit(
    State(state): State<WebState>,
    visitor: Visitor,
    Form(typed): Form<Typed>,
) -> Result<Response, Error> {
    let page = Page::outside(&visitor, "Set up Gatepost").await?;
    if typed.password != typed.password_again {
        let mut form = SetUp::new(page, typed);
        form.note(
            SetUpField::Password,
            "The passwords do not match. Enter the same password twice.".to_owned(),
        );
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page::html(&form)?).into_response());
    }
    let done = state.actions.set_up(typed.code.trim(), typed.email.trim(), &typed.password).await;
    let mut form = SetUp::new(page, typed);
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
        Err(SetUpError::Invalid(mistakes)) => {
            for (field, message) in mistakes {
                form.note(field, message);
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
