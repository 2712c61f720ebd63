//! Asks for the password again before users, secrets and tokens are changed. Everything that was sent is kept.
//!
//! With scripts, the user enters the password in a dialog, and the request is sent again (`static/js/session.js`). Without
//! scripts, a page carries the fields of the form along, and sends them with the password.

use std::net::SocketAddr;

use askama::Template;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use url::form_urlencoded;

use super::dialog::{self, Confirms};
use super::{single_sign_on, throttled};
use crate::actions::{SignIn, SignInError};
use crate::web::page::{self, Page};
use crate::web::session::{CurrentUser, Session, is_htmx};
use crate::web::visitor::Visitor;
use crate::web::{Error, WebState, cookies, form};

/// The field with the password, which no other form has.
const FIELD: &str = "confirmed_password";

#[derive(Template)]
#[template(path = "auth/confirm.html")]
struct ConfirmPage {
    page: Page,
    /// Address of the form that was sent.
    path: String,
    /// Address of the page to return to.
    cancel: String,
    email: String,
    /// The fields of the form.
    fields: Vec<(String, String)>,
    error: String,
}

/// Passes a request on if the user has entered the password recently, or sends it along.
pub(in crate::web) async fn check(
    state: &WebState,
    current: &CurrentUser,
    request: Request,
    next: Next,
) -> Result<Response, Error> {
    let now = state.sources.now();
    if current.session.has_recent_password(now) {
        return Ok(next.run(request).await);
    }
    let (mut parts, body) = request.into_parts();
    let bytes = form::read(Request::from_parts(parts.clone(), body), state).await?;
    if !current.session.has_token(&form::token(&bytes)) {
        return Err(Error::Csrf(current.session.csrf.clone()));
    }
    if confirms_at_provider(state, &current.session) {
        return single_sign_on::resume::confirm(state, current, (parts, bytes.into()), next).await;
    }
    if is_htmx(&parts.headers) {
        let visitor = Visitor::new(&parts.headers, state);
        let view =
            dialog::form(state, &visitor.csrf, (&current.user.email, ""), Confirms::Password)?;
        return Ok(visitor.respond(&parts.headers, state, (StatusCode::UNAUTHORIZED, view)));
    }
    let (passwords, fields): (Vec<_>, Vec<_>) =
        form_urlencoded::parse(&bytes).into_owned().partition(|(name, _)| name == FIELD);
    let Some(ConnectInfo(from)) = parts.extensions.get::<ConnectInfo<SocketAddr>>().copied() else {
        return Err(Error::Internal("the address of the client is unknown".to_owned()));
    };
    let (status, error) = match passwords.first() {
        None => (StatusCode::UNAUTHORIZED, String::new()),
        Some((_, password)) => match check_password(state, current, &parts.headers, from, password)
            .await?
        {
            Ok(()) => {
                let form =
                    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
                parts.headers.remove(header::CONTENT_LENGTH);
                let headers = parts.headers.clone();
                let response = next.run(Request::from_parts(parts, Body::from(form))).await;
                // After the change, which may take a while: other tabs get no new token before this response.
                return Ok(match current.session.confirm(state).await {
                    Ok(renewed) => renewed.respond(response, &headers, state),
                    Err(error) => {
                        tracing::warn!(%error, "could not record that a password was confirmed");
                        response
                    }
                });
            }
            Err(rejection) => rejection,
        },
    };
    let path = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let mut page = Page::outside(&Visitor::new(&parts.headers, state), "Confirm your password");
    page.csrf.clone_from(&current.session.csrf);
    let fields = fields.into_iter().filter(|(name, _)| name != form::FIELD).collect();
    let email = current.user.email.clone();
    let cancel = section(&path);
    let view = page::html(&ConfirmPage { page, path, cancel, email, fields, error })?;
    Ok((status, view).into_response())
}

/// Returns the address of the section of a form, such as `/users`. The address of the form may have no page.
pub(in crate::web) fn section(path: &str) -> String {
    let first = path.split(['/', '?']).find(|part| !part.is_empty());
    format!("/{}", first.unwrap_or_default())
}

/// Whether a user confirms a change at the identity provider, as they have signed in.
fn confirms_at_provider(state: &WebState, session: &Session) -> bool {
    let is_possible = state.actions.single_sign_on_name().is_some();
    let has_password = session.has_password() && state.actions.allows_passwords();
    !has_password || (session.is_from_provider() && is_possible)
}

/// Checks the password of a user, and limits the attempts. Returns why it was rejected.
pub(in crate::web) async fn check_password(
    state: &WebState,
    current: &CurrentUser,
    headers: &HeaderMap,
    from: SocketAddr,
    password: &str,
) -> Result<Result<(), (StatusCode, String)>, Error> {
    let device = cookies::find(headers, &state.public, cookies::DEVICE);
    let attempt = SignIn {
        email: &current.user.email,
        password,
        from: from.ip(),
        origin: current.origin,
        device: device.as_deref(),
    };
    match state.actions.confirm_password(attempt).await {
        Ok(()) => Ok(Ok(())),
        Err(SignInError::Wrong) => {
            let message = "This is not your password. Check it and try again.".to_owned();
            Ok(Err((StatusCode::UNPROCESSABLE_ENTITY, message)))
        }
        Err(error @ (SignInError::PasswordsOff | SignInError::Disabled)) => {
            Ok(Err((StatusCode::FORBIDDEN, format!("Nothing was changed: {error}."))))
        }
        Err(SignInError::Throttled(wait)) => {
            Ok(Err((StatusCode::TOO_MANY_REQUESTS, throttled(wait))))
        }
        Err(SignInError::Store(error)) => Err(error.into()),
    }
}
