//! Signing out.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};

use crate::web::form::Form;
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState, cookies};

/// `POST /logout`: ends the session.
pub(in crate::web) async fn submit(
    State(state): State<WebState>,
    current: CurrentUser,
    headers: HeaderMap,
    _form: Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    state.actions.sign_out(current.session.key(), &current.actor()).await?;
    let mut response = Redirect::to("/login").into_response();
    cookies::remove(&mut response, &headers, &state.public, cookies::SESSION);
    Ok(response)
}
