//! Keeps a webhook form whose session has ended or has changed, or whose user has another role now: without a session,
//! the sign-in page carries it along; otherwise it is shown again.
//!
//! For browsers that run no scripts. With scripts the user signs in again in place (`static/js/session.js`).

use axum::body::Body;
use axum::extract::{OptionalFromRequestParts, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::login;
use crate::identity::{Permission, Role};
use crate::web::session::{CurrentUser, is_htmx};
use crate::web::webhooks::form::edit::SESSION_CHANGED;
use crate::web::{Error, WebState, form, webhooks};

/// Middleware of the routes that receive the webhook form.
pub(in crate::web) async fn keep(
    State(state): State<WebState>,
    request: Request,
    next: Next,
) -> Response {
    if request.method() != Method::POST || is_htmx(request.headers()) {
        return next.run(request).await;
    }
    check(&state, request, next).await.unwrap_or_else(IntoResponse::into_response)
}

async fn check(state: &WebState, request: Request, next: Next) -> Result<Response, Error> {
    let (mut parts, body) = request.into_parts();
    let current =
        <CurrentUser as OptionalFromRequestParts<_>>::from_request_parts(&mut parts, state).await?;
    let bytes = form::read(Request::from_parts(parts.clone(), body), state).await?;
    match current {
        None => {
            let unsaved = String::from_utf8_lossy(&bytes).into_owned();
            login::keep_unsaved(&parts.headers, state, unsaved)
        }
        // The route refuses the request.
        Some(current) if current.must_set_up_second_factor => {
            Ok(next.run(Request::from_parts(parts, Body::from(bytes))).await)
        }
        Some(current) if !current.session.has_token(&form::token(&bytes)) => {
            let page = webhooks::form::edit::resume(state, &current, &bytes, SESSION_CHANGED);
            Ok((StatusCode::FORBIDDEN, page.await?).into_response())
        }
        Some(current) if !current.can(Permission::EditWebhooks) => {
            let notice = format!(
                "Your role is now {}, so nothing has been saved. Copy what you need, or ask an administrator for the \
                 role {}, and then save the form.",
                current.role(),
                Role::Editor
            );
            let page = webhooks::form::edit::resume(state, &current, &bytes, &notice).await?;
            Ok((StatusCode::FORBIDDEN, page).into_response())
        }
        Some(_) => Ok(next.run(Request::from_parts(parts, Body::from(bytes))).await),
    }
}
