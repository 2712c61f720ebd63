//! The session: its user, its messages for the next page, and its CSRF token.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::{Deserialize, Serialize};
use tower_sessions::Session;
use url::form_urlencoded;

use super::auth::dialog;
use super::{Error, WebState, csrf};
use crate::model::{Actor, Sources, UserId};
use crate::store::sessions::USER_ID;
use crate::store::users::{self, User};

/// Name of the session cookie.
pub(super) const COOKIE: &str = "gatepost_session";
/// A session ends after this time without use.
pub(super) const LIFETIME: time::Duration = time::Duration::days(7);

/// Keys of the session's values.
const CSRF: &str = "csrf";
const TOASTS: &str = "toasts";
const LAST_USED: &str = "seen";
/// Minimum time between two updates of the last use, in seconds. Each update writes to the database.
const LAST_USED_INTERVAL_SECS: i64 = 3600;

/// A short message on the next page.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Toast {
    /// Whether it reports an error.
    pub(super) bad: bool,
    pub(super) text: String,
}

/// A visitor with a session, signed in or not.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    pub(super) session: Session,
    /// Token for the forms of this response.
    pub(super) csrf: String,
    token: [u8; csrf::TOKEN_BYTES],
}

impl Visitor {
    /// Whether a form contains this session's token.
    pub(super) fn has_token(&self, csrf: &str) -> bool {
        csrf::matches(csrf, &self.token)
    }

    /// Shows a message on the next page.
    pub(super) async fn notify(&self, text: impl Into<String>) -> Result<(), Error> {
        self.push(Toast { bad: false, text: text.into() }).await
    }

    /// Shows an error message on the next page.
    pub(super) async fn notify_error(&self, text: impl Into<String>) -> Result<(), Error> {
        self.push(Toast { bad: true, text: text.into() }).await
    }

    async fn push(&self, toast: Toast) -> Result<(), Error> {
        let mut toasts: Vec<Toast> = self.session.get(TOASTS).await?.unwrap_or_default();
        toasts.push(toast);
        Ok(self.session.insert(TOASTS, toasts).await?)
    }

    /// Takes the messages for this page.
    pub(super) async fn toasts(&self) -> Result<Vec<Toast>, Error> {
        Ok(self.session.remove(TOASTS).await?.unwrap_or_default())
    }

    /// Signs a user in, under a new session id and with a new token, which the returned visitor has.
    pub(super) async fn sign_in(self, user: &User, sources: &Sources) -> Result<Self, Error> {
        self.session.cycle_id().await?;
        self.session.insert(USER_ID, user.id.to_string()).await?;
        Self::with_new_token(self.session, sources).await
    }

    async fn with_new_token(session: Session, sources: &Sources) -> Result<Self, Error> {
        let token = sources.bytes();
        session.insert(CSRF, hex::encode(token)).await?;
        Ok(Self::new(session, token, sources))
    }

    fn new(session: Session, token: [u8; csrf::TOKEN_BYTES], sources: &Sources) -> Self {
        Self { session, csrf: csrf::mask(&token, &sources.bytes()), token }
    }
}

impl FromRequestParts<WebState> for Visitor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, Error> {
        let session = Session::from_request_parts(parts, state)
            .await
            .map_err(|(_, reason)| Error::Internal(reason.to_owned()))?;
        let mut token = [0; csrf::TOKEN_BYTES];
        let stored = session.get::<String>(CSRF).await?.unwrap_or_default();
        if hex::decode_to_slice(stored, &mut token).is_err() {
            return Self::with_new_token(session, &state.sources).await;
        }
        Ok(Self::new(session, token, &state.sources))
    }
}

/// A signed-in user. Requests without one are answered with the sign-in page or its form.
#[derive(Debug, Clone)]
pub(super) struct CurrentUser {
    pub(super) user: User,
    pub(super) visitor: Visitor,
}

impl CurrentUser {
    /// The actor of this user's changes.
    pub(super) fn actor(&self) -> Actor {
        Actor::Person(self.user.email.clone())
    }
}

impl FromRequestParts<WebState> for CurrentUser {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, Response> {
        let visitor = Visitor::from_request_parts(parts, state);
        let visitor = visitor.await.map_err(IntoResponse::into_response)?;
        match find_user(&visitor, state).await.map_err(IntoResponse::into_response)? {
            Some(user) => Ok(Self { user, visitor }),
            None => {
                Err(request_sign_in(parts, &visitor).unwrap_or_else(IntoResponse::into_response))
            }
        }
    }
}

impl OptionalFromRequestParts<WebState> for CurrentUser {
    type Rejection = Error;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &WebState,
    ) -> Result<Option<Self>, Error> {
        let visitor = Visitor::from_request_parts(parts, state).await?;
        let user = find_user(&visitor, state).await?;
        Ok(user.map(|user| Self { user, visitor }))
    }
}

/// Finds the user of a session, and records its use.
async fn find_user(visitor: &Visitor, state: &WebState) -> Result<Option<User>, Error> {
    let id: Option<String> = visitor.session.get(USER_ID).await?;
    let Some(id) = id.and_then(|id| id.parse::<UserId>().ok()) else { return Ok(None) };
    let Some(user) = users::find(&state.db, id).await? else { return Ok(None) };
    let now = state.sources.now().timestamp();
    let last_used: i64 = visitor.session.get(LAST_USED).await?.unwrap_or_default();
    if now - last_used > LAST_USED_INTERVAL_SECS {
        visitor.session.insert(LAST_USED, now).await?;
    }
    Ok(Some(user))
}

/// Responds to a request without a user: htmx gets the form of the sign-in dialog, a page redirects to the sign-in page
/// and back.
fn request_sign_in(parts: &Parts, visitor: &Visitor) -> Result<Response, Error> {
    if is_htmx(&parts.headers) {
        let form = dialog::form(&visitor.csrf, "", "")?;
        return Ok((StatusCode::UNAUTHORIZED, form).into_response());
    }
    let here = parts.uri.path_and_query().map(ToString::to_string);
    let login = match here.filter(|here| parts.method == Method::GET && here != "/") {
        Some(here) => {
            let next: String = form_urlencoded::byte_serialize(here.as_bytes()).collect();
            format!("/login?next={next}")
        }
        None => "/login".to_owned(),
    };
    Ok(Redirect::to(&login).into_response())
}

/// Whether htmx sent the request, and expects a part of the page.
pub(super) fn is_htmx(headers: &HeaderMap) -> bool {
    headers.contains_key("hx-request")
}
