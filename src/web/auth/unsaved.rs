//! Keeps a webhook form that is sent after its session has ended: the sign-in page carries it along.
//!
//! For browsers that run no scripts. With scripts the user signs in again in place (`static/js/session.js`).

use axum::extract::{OptionalFromRequestParts, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::login;
use crate::web::session::{CurrentUser, is_htmx};
use crate::web::{Error, WebState, form};

/// Middleware of the routes that receive the webhook form.
pub(in crate::web) async fn keep(
    State(state): State<WebState>,
    request: Request,
    next: Next,
) -> Response {
    if request.method() != Method::POST || is_htmx(request.headers()) {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    match <CurrentUser as OptionalFromRequestParts<_>>::from_request_parts(&mut parts, &state).await
    {
        Ok(None) => ask(&state, Request::from_parts(parts, body))
            .await
            .unwrap_or_else(IntoResponse::into_response),
        Ok(Some(_)) | Err(_) => next.run(Request::from_parts(parts, body)).await,
    }
}

async fn ask(state: &WebState, request: Request) -> Result<Response, Error> {
    // There is no token to check: it ended with the session.
    let (visitor, bytes) = form::read(request, state).await?;
    let unsaved = String::from_utf8_lossy(&bytes).into_owned();
    login::keep_unsaved(&visitor, unsaved).await
}
