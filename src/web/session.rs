//! Who is asking, what they were just told, and the token in their forms.

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

/// The cookie's name.
pub(super) const COOKIE: &str = "gatepost_session";
/// A session ends after so long without use.
pub(super) const LIFETIME: time::Duration = time::Duration::days(7);

const CSRF: &str = "csrf";
const TOASTS: &str = "toasts";
const SEEN: &str = "seen";
/// How often use is noted, in seconds: each note is a write.
const SEEN_EVERY_SECS: i64 = 3600;

/// A word on the next page.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Toast {
    /// Whether it tells of a fault.
    pub(super) bad: bool,
    /// What it says.
    pub(super) text: String,
}

/// Anybody, signed in or not.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    pub(super) session: Session,
    /// Token for the forms of this response.
    pub(super) csrf: String,
    token: [u8; csrf::TOKEN_BYTES],
}

impl Visitor {
    /// Whether a form contains this session's token.
    pub(super) fn sent(&self, csrf: &str) -> bool {
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

    /// What is to be said now; it is said once.
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

/// Whoever is signed in; others are sent to sign in.
#[derive(Debug, Clone)]
pub(super) struct CurrentUser {
    pub(super) user: User,
    pub(super) visitor: Visitor,
}

impl CurrentUser {
    /// Who does what they ask for.
    pub(super) fn actor(&self) -> Actor {
        Actor::Person(self.user.email.clone())
    }
}

impl FromRequestParts<WebState> for CurrentUser {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, Response> {
        let visitor = Visitor::from_request_parts(parts, state);
        let visitor = visitor.await.map_err(IntoResponse::into_response)?;
        match find(&visitor, state).await.map_err(IntoResponse::into_response)? {
            Some(user) => Ok(Self { user, visitor }),
            None => Err(refuse(parts, &visitor).unwrap_or_else(IntoResponse::into_response)),
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
        let user = find(&visitor, state).await?;
        Ok(user.map(|user| Self { user, visitor }))
    }
}

/// Finds the user of a session, and records its use.
async fn find(visitor: &Visitor, state: &WebState) -> Result<Option<User>, Error> {
    let id: Option<String> = visitor.session.get(USER_ID).await?;
    let Some(id) = id.and_then(|id| id.parse::<UserId>().ok()) else { return Ok(None) };
    let Some(user) = users::find(&state.db, id).await? else { return Ok(None) };
    let now = state.sources.now().timestamp();
    let seen: i64 = visitor.session.get(SEEN).await?.unwrap_or_default();
    if now - seen > SEEN_EVERY_SECS {
        visitor.session.insert(SEEN, now).await?;
    }
    Ok(Some(user))
}

/// Asks for signing in: a script gets the form for its dialog, a page leads to the sign-in page and back.
fn refuse(parts: &Parts, visitor: &Visitor) -> Result<Response, Error> {
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

/// Whether a script asks, which wants a part of the page.
pub(super) fn is_htmx(headers: &HeaderMap) -> bool {
    headers.contains_key("hx-request")
}
