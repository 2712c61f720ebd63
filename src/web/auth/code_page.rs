//! The page that asks for the second factor after a correct password. The sign-in is in a cookie meanwhile.

use askama::Template;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use url::form_urlencoded;

use super::destination::sign_in_path;
use super::dialog;
use crate::web::page::{self, Page};
use crate::web::session::is_htmx;
use crate::web::visitor::Visitor;
use crate::web::{Error, WebState, cookies};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct CodeForm {
    pub(super) code: String,
    /// The address that was entered with the password. Only shown.
    pub(super) email: String,
    /// Where to go after signing in.
    pub(super) next: String,
    /// A webhook form that was sent after its session had ended, URL-encoded.
    pub(super) unsaved: String,
    /// Whether the user has asked for the field of recovery codes, whose keyboard has letters on phones.
    pub(super) recovery: bool,
}

#[derive(Template)]
#[template(path = "auth/code.html")]
struct CodePage {
    page: Page,
    email: String,
    next: String,
    unsaved: String,
    error: String,
    is_recovery: bool,
    /// The page with the other field.
    other_href: String,
    /// The sign-in page.
    sign_in_href: String,
}

/// Asks for the code of a sign-in whose password was correct.
pub(super) fn ask(
    state: &WebState,
    (visitor, headers): (&Visitor, &HeaderMap),
    form: CodeForm,
    pending: &str,
) -> Result<Response, Error> {
    let mut response = if is_htmx(headers) {
        dialog::code_form(&visitor.csrf, &form.email, "")?
    } else if form.unsaved.is_empty() {
        Redirect::to(&href(&form.next, false)).into_response()
    } else {
        // The form is too long for an address.
        render(visitor, form, String::new())?
    };
    cookies::set_pending(&mut response, headers, &state.public, pending);
    Ok(response)
}

/// Renders the page, with why the code was not accepted.
pub(super) fn render(visitor: &Visitor, form: CodeForm, error: String) -> Result<Response, Error> {
    let CodeForm { email, next, unsaved, recovery: is_recovery, .. } = form;
    let page = Page::outside(visitor, "Two-factor authentication");
    let other_href = href(&next, !is_recovery);
    let sign_in_href = sign_in_path(&next);
    page::html(&CodePage {
        page,
        email,
        next,
        unsaved,
        error,
        is_recovery,
        other_href,
        sign_in_href,
    })
}

fn href(next: &str, is_recovery: bool) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("next", next);
    if is_recovery {
        query.append_pair("recovery", "true");
    }
    format!("/login/code?{}", query.finish())
}
