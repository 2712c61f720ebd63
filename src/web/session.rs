//! The session of a signed-in user: its messages for the next page, and its CSRF token.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use super::auth::dialog;
use super::visitor::Visitor;
use super::{Error, WebState, cookies, csrf};
use crate::actions::SignedIn;
use crate::model::{Actor, Origin, Timestamp};
use crate::store::PgPool;
use crate::store::sessions::{self, SessionKey};
use crate::store::users::User;

/// A session ends after this time without use.
const LIFETIME: TimeDelta = TimeDelta::days(7);
/// Minimum time between two updates of the end of a session. Each update writes to the database.
const EXTENSION_INTERVAL: TimeDelta = TimeDelta::hours(1);

/// A short message on the next page.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Toast {
    /// Whether it reports an error.
    pub(super) bad: bool,
    pub(super) text: String,
}

/// The session of a signed-in user.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// Token for the forms of this response.
    pub(super) csrf: String,
    token: [u8; csrf::TOKEN_BYTES],
    key: SessionKey,
    has_toasts: bool,
    db: PgPool,
}

impl Session {
    fn new(cookie: &str, has_toasts: bool, state: &WebState) -> Self {
        let token = state.csrf_key.token(cookies::SESSION, cookie);
        Self {
            csrf: csrf::mask(&token, &state.sources.bytes()),
            token,
            key: SessionKey::new(cookie),
            has_toasts,
            db: state.db.clone(),
        }
    }

    /// Whether a form contains this session's token.
    pub(super) fn has_token(&self, csrf: &str) -> bool {
        csrf::matches(csrf, &self.token)
    }

    /// Shows a message on the next page.
    pub(super) async fn notify(&self, text: impl Into<String>) -> Result<(), Error> {
        let toast = Toast { bad: false, text: text.into() };
        let line = serde_json::to_string(&toast).map_err(|e| Error::Internal(e.to_string()))?;
        Ok(sessions::add_message(&self.db, &self.key, &line).await?)
    }

    /// Takes the messages for this page.
    pub(super) async fn toasts(&self) -> Result<Vec<Toast>, Error> {
        if !self.has_toasts {
            return Ok(Vec::new());
        }
        let lines = sessions::take_messages(&self.db, &self.key).await?;
        Ok(lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }

    /// Identifies the session.
    pub(super) fn key(&self) -> &SessionKey {
        &self.key
    }

    /// Whether the session has not ended. Does not record a use.
    pub(super) async fn is_active(&self, now: Timestamp) -> Result<bool, Error> {
        Ok(sessions::find(&self.db, &self.key, now).await?.is_some())
    }

    /// Ends the session.
    pub(super) async fn end(&self) -> Result<(), Error> {
        Ok(sessions::delete(&self.db, &self.key).await?)
    }
}

/// A signed-in user. Requests without one are answered with the sign-in page or its form.
#[derive(Debug, Clone)]
pub(super) struct CurrentUser {
    pub(super) user: User,
    pub(super) session: Session,
    /// Where the request comes from.
    origin: Origin,
}

impl CurrentUser {
    /// The actor of this user's changes.
    pub(super) fn actor(&self) -> Actor {
        Actor::person(self.user.email.clone(), self.origin)
    }

    /// Whether the user may change secrets and other objects of all webhooks.
    pub(super) fn is_admin(&self) -> bool {
        self.user.role == "admin"
    }

    /// Rejects users who are no administrators.
    pub(super) fn require_admin(&self) -> Result<(), Error> {
        if self.is_admin() { Ok(()) } else { Err(Error::NotAdministrator) }
    }

    /// Finds the user of a request, and records the use of the session.
    async fn find(headers: &HeaderMap, state: &WebState) -> Result<Option<Self>, Error> {
        let Some(cookie) = cookies::find(headers, &state.public, cookies::SESSION) else {
            return Ok(None);
        };
        let (key, now) = (SessionKey::new(&cookie), state.sources.now());
        let Some(found) = sessions::find(&state.db, &key, now).await? else { return Ok(None) };
        // A page that updates itself is not used, and does not take the messages from the next page.
        let is_live = is_live(headers);
        if !is_live && found.expires_at < now + LIFETIME - EXTENSION_INTERVAL {
            sessions::extend(&state.db, &key, now + LIFETIME).await?;
        }
        let session = Session::new(&cookie, found.has_messages && !is_live, state);
        Ok(Some(Self { user: found.user, session, origin: Origin::default() }))
    }
}

/// A session that has just started, and the cookies that its browser gets.
#[derive(Debug)]
pub(super) struct StartedSession {
    pub(super) current: CurrentUser,
    cookie: String,
    device: String,
}

/// Starts a session.
pub(super) async fn start(state: &WebState, done: SignedIn) -> Result<StartedSession, Error> {
    let SignedIn { user, device } = done;
    let cookie = hex::encode(state.sources.bytes::<32>());
    let session = Session::new(&cookie, false, state);
    let expires_at = state.sources.now() + LIFETIME;
    sessions::insert(&state.db, &session.key, user.id, expires_at).await?;
    Ok(StartedSession {
        current: CurrentUser { user, session, origin: Origin::default() },
        cookie,
        device,
    })
}

impl StartedSession {
    /// Adds the cookies to a response.
    pub(super) fn respond(
        self,
        mut response: Response,
        visitor: &Visitor,
        request: &HeaderMap,
        state: &WebState,
    ) -> Response {
        for (name, value) in [(cookies::SESSION, &self.cookie), (cookies::DEVICE, &self.device)] {
            cookies::set(&mut response, request, &state.public, name, value);
        }
        visitor.keep(&mut response, request, state);
        response
    }
}

impl FromRequestParts<WebState> for CurrentUser {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, Response> {
        let found = <Self as OptionalFromRequestParts<_>>::from_request_parts(parts, state).await;
        match found.map_err(IntoResponse::into_response)? {
            Some(current) => Ok(current),
            None => Err(request_sign_in(parts, state).unwrap_or_else(IntoResponse::into_response)),
        }
    }
}

impl OptionalFromRequestParts<WebState> for CurrentUser {
    type Rejection = Error;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &WebState,
    ) -> Result<Option<Self>, Error> {
        // Middleware, a handler and its form need the user of the same request.
        if let Some(known) = parts.extensions.get::<Option<Self>>() {
            return Ok(known.clone());
        }
        let origin = parts.extensions.get::<Origin>().copied().unwrap_or_default();
        let found = Self::find(&parts.headers, state).await?;
        let found = found.map(|current| Self { origin, ..current });
        parts.extensions.insert(found.clone());
        Ok(found)
    }
}

/// Responds to a request without a user: htmx gets the form of the sign-in dialog, a page redirects to the sign-in page
/// and back.
fn request_sign_in(parts: &Parts, state: &WebState) -> Result<Response, Error> {
    if is_htmx(&parts.headers) {
        let visitor = Visitor::new(&parts.headers, state);
        let form = dialog::form(&visitor.csrf, "", "")?;
        return Ok(visitor.respond(&parts.headers, state, (StatusCode::UNAUTHORIZED, form)));
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

/// Whether `static/js/live.js` sent the request on its own, without an action of the user.
pub(super) fn is_live(headers: &HeaderMap) -> bool {
    headers.contains_key("gatepost-live")
        || headers.get(header::ACCEPT).is_some_and(|accept| accept == "text/event-stream")
}
