//! Goes on after the user has signed in, or has confirmed who they are, in another tab: nothing that was typed is lost.

use std::borrow::Cow;

use askama::Template;
use axum::Json;
use axum::body::Body;
use axum::extract::{OptionalFromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use url::form_urlencoded;

use crate::web::auth::confirm::section;
use crate::web::auth::destination::other_tab_path;
use crate::web::auth::dialog::{self, Confirms};
use crate::web::auth::login;
use crate::web::page::{self, Page};
use crate::web::route::SET_UP;
use crate::web::session::{CurrentUser, is_htmx};
use crate::web::visitor::Visitor;
use crate::web::{Error, WebState, form, webhooks};

/// The field that tells a form that is sent again from one that is sent for the first time.
const RETRY_FIELD: &str = "confirmed_elsewhere";
const NOT_SIGNED_IN: &str =
    "You have not signed in yet. Sign in in the other tab, then choose Continue.";
const NOT_CONFIRMED: &str =
    "You have not confirmed yet. Sign in in the other tab, then choose Continue.";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct ResumeForm {
    /// Whether the dialog only confirms who the user of the session is.
    confirms: bool,
    /// A webhook form that was sent after its session had ended, URL-encoded.
    unsaved: String,
}

#[derive(Template)]
#[template(path = "auth/single_sign_on/confirm.html")]
struct ConfirmPage<'a> {
    page: Page,
    name: &'a str,
    email: &'a str,
    /// Address of the form that was sent.
    path: String,
    /// Address of the page to return to.
    cancel: String,
    /// The fields of the form.
    fields: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    error: &'static str,
    other_tab: String,
}

/// `POST /login/sso/resume`
pub(in crate::web) async fn submit(
    State(state): State<WebState>,
    visitor: Visitor,
    request: Request,
) -> Result<Response, Error> {
    let (mut parts, body) = request.into_parts();
    let current =
        <CurrentUser as OptionalFromRequestParts<_>>::from_request_parts(&mut parts, &state)
            .await?;
    let bytes = form::read(Request::from_parts(parts.clone(), body), &state).await?;
    if !visitor.has_token(&form::token(&bytes)) {
        return Ok(visitor.respond(&parts.headers, &state, Error::Csrf(visitor.csrf.clone())));
    }
    let input: ResumeForm = form::parse(&bytes)?;
    let now = state.sources.now();
    let is_done =
        |current: &CurrentUser| !input.confirms || current.session.has_recent_password(now);
    match current.filter(is_done) {
        Some(current) if is_htmx(&parts.headers) => {
            Ok(Json(login::SignedInAgain::new(&current)).into_response())
        }
        Some(current) if current.must_set_up_second_factor => {
            Ok(Redirect::to(SET_UP).into_response())
        }
        Some(current) => {
            let notice = webhooks::form::edit::SESSION_CHANGED;
            webhooks::form::edit::resume(&state, &current, input.unsaved.as_bytes(), notice).await
        }
        None if is_htmx(&parts.headers) => {
            let (error, confirms) = if input.confirms {
                (NOT_CONFIRMED, Confirms::Provider)
            } else {
                (NOT_SIGNED_IN, Confirms::Nothing)
            };
            let view = dialog::form(&state, &visitor.csrf, ("", error), confirms)?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, view).into_response())
        }
        None => login::keep_unsaved(&parts.headers, &state, input.unsaved),
    }
}

/// Asks a user without a password to confirm who they are, and passes the request on if they have done so.
pub(in crate::web) async fn confirm(
    state: &WebState,
    current: &CurrentUser,
    (mut parts, bytes): (Parts, Vec<u8>),
    next: Next,
) -> Result<Response, Error> {
    let (retries, fields): (Vec<_>, Vec<_>) =
        form_urlencoded::parse(&bytes).partition(|(name, _)| name == RETRY_FIELD);
    if current.session.has_recent_password(state.sources.now()) {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        parts.headers.remove(header::CONTENT_LENGTH);
        return Ok(next.run(Request::from_parts(parts, Body::from(form))).await);
    }
    let visitor = Visitor::new(&parts.headers, state);
    if is_htmx(&parts.headers) {
        let view =
            dialog::form(state, &visitor.csrf, (&current.user.email, ""), Confirms::Provider)?;
        return Ok(visitor.respond(&parts.headers, state, (StatusCode::UNAUTHORIZED, view)));
    }
    let mut page = Page::outside(&visitor, "Confirm that it is you");
    page.csrf.clone_from(&current.session.csrf);
    let path = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let view = ConfirmPage {
        page,
        cancel: section(&path),
        name: state.actions.single_sign_on_name().unwrap_or_default(),
        email: &current.user.email,
        path,
        fields: fields.into_iter().filter(|(name, _)| name != form::FIELD).collect(),
        error: if retries.is_empty() { "" } else { NOT_CONFIRMED },
        other_tab: other_tab_path(true),
    };
    Ok((StatusCode::UNAUTHORIZED, page::html(&view)?).into_response())
}
