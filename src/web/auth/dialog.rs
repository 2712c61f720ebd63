//! The form of the dialog in which a user signs in again, because the session has ended or the password must be confirmed
//! (`static/js/session.js`).

use askama::Template;
use axum::response::{Html, IntoResponse, Response};

use super::destination::other_tab_path;
use crate::web::{Error, WebState};

#[derive(Template)]
#[template(path = "auth/sign_in_again.html")]
struct SignInAgainView<'a> {
    csrf: &'a str,
    email: &'a str,
    error: &'a str,
    /// Whether the session goes on, and the user only confirms who they are.
    confirms: bool,
    /// Whether a password can be entered.
    passwords: bool,
    /// The name of the identity provider, if the user can sign in with it.
    single_sign_on: Option<&'a str>,
    other_tab: String,
}

/// What the user of a session confirms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) enum Confirms {
    /// Nothing: the session has ended.
    Nothing,
    /// The password.
    Password,
    /// Who they are, at the identity provider.
    Provider,
}

/// Renders the form, after a failed attempt with its email and its error.
pub(in crate::web) fn form(
    state: &WebState,
    csrf: &str,
    (email, error): (&str, &str),
    confirms: Confirms,
) -> Result<Response, Error> {
    let actions = &state.actions;
    let (passwords, provider) = (actions.allows_passwords(), actions.single_sign_on_name());
    let (passwords, single_sign_on) = match confirms {
        Confirms::Nothing => (passwords, provider),
        Confirms::Password => (true, None),
        Confirms::Provider => (false, provider),
    };
    let confirms = confirms != Confirms::Nothing;
    let other_tab = other_tab_path(confirms);
    let view =
        SignInAgainView { csrf, email, error, confirms, passwords, single_sign_on, other_tab };
    Ok(Html(view.render()?).into_response())
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
