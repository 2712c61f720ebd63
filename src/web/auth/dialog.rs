//! The form of the dialog in which a user signs in again, because the session has ended or the password must be confirmed
//! (`static/js/session.js`).

use askama::Template;
use axum::response::{Html, IntoResponse, Response};

use crate::web::Error;

#[derive(Template)]
#[template(path = "auth/sign_in_again.html")]
struct SignInAgainView<'a> {
    csrf: &'a str,
    email: &'a str,
    error: &'a str,
    /// Whether the session goes on, and only the password is confirmed.
    confirms: bool,
}

/// Renders the form, after a failed attempt with its email and its error.
pub(in crate::web) fn form(
    csrf: &str,
    email: &str,
    error: &str,
    confirms: bool,
) -> Result<Response, Error> {
    Ok(Html(SignInAgainView { csrf, email, error, confirms }.render()?).into_response())
}

#[derive(Template)]
#[template(path = "auth/code_again.html")]
struct CodeAgainView<'a> {
    csrf: &'a str,
    email: &'a str,
    error: &'a str,
}

/// Renders the form for the code that follows a correct password.
pub(super) fn code_form(csrf: &str, email: &str, error: &str) -> Result<Response, Error> {
    Ok(Html(CodeAgainView { csrf, email, error }.render()?).into_response())
}
