//! Ends sessions of the user.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};

use crate::store::sessions::SessionId;
use crate::web::form::Form;
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState, cookies};

/// `POST /account/sessions/{id}/end`
pub(in crate::web) async fn end(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
    headers: HeaderMap,
    _form: Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    let id: SessionId = id.parse().map_err(|_error| Error::NotFound)?;
    if !state.actions.end_sessions(&current.user, Some(id), &current.actor()).await? {
        return Err(Error::NotFound);
    }
    if id == current.session.id() {
        return Ok(signed_out(&state, &headers, "/login"));
    }
    current.session.notify("Signed out the other session.").await?;
    Ok(Redirect::to("/account").into_response())
}

/// `POST /account/sessions/end`: **Sign out everywhere**.
pub(in crate::web) async fn end_all(
    State(state): State<WebState>,
    current: CurrentUser,
    headers: HeaderMap,
    _form: Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    state.actions.end_sessions(&current.user, None, &current.actor()).await?;
    Ok(signed_out(&state, &headers, "/login?signed_out=true"))
}

fn signed_out(state: &WebState, headers: &HeaderMap, href: &str) -> Response {
    let mut response = Redirect::to(href).into_response();
    cookies::remove(&mut response, headers, &state.public, cookies::SESSION);
    response
}
