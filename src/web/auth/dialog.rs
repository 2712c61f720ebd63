//! The form of the dialog in which a user whose session has ended signs in again (`static/js/session.js`).

use askama::Template;
use axum::response::{Html, IntoResponse, Response};

use crate::web::Error;

#[derive(Template)]
#[template(path = "auth/sign_in_again.html")]
struct SignInAgainView<'a> {
    csrf: &'a str,
    email: &'a str,
    error: &'a str,
}

/// Renders the form, after a failed attempt with its email and its error.
pub(in crate::web) fn form(csrf: &str, email: &str, error: &str) -> Result<Response, Error> {
    Ok(Html(SignInAgainView { csrf, email, error }.render()?).into_response())
}
