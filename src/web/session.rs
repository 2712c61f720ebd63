//! The session of a signed-in user: its messages for the next page, and its CSRF token.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::auth::destination::{destination, sign_in_path};
use super::auth::dialog::{self, Confirms};
use super::display_time::LocalNow;
use super::notifications::banner::ProblemBanner;
use super::visitor::Visitor;
use super::{Error, WebState, cookies, csrf};
use crate::identity::{Permission, Role};
use crate::model::{Actor, Origin, Timestamp};
use crate::store::sessions::{self, SessionCredentials, SessionId, SessionKey};
use crate::store::users::{Preferences, User};
use crate::store::{PgPool, notifications};

/// Minimum time between two records of the use of a session. Each record writes to the database.
const USE_INTERVAL: TimeDelta = TimeDelta::minutes(1);
/// How long a password that was entered is enough to change users, secrets and tokens.
const PASSWORD_VALIDITY: TimeDelta = TimeDelta::minutes(15);
/// How long a request with a replaced token is sent again by its browser, which has got the new one meanwhile.
const REPLACEMENT_VALIDITY: TimeDelta = TimeDelta::seconds(10);

/// How long sessions last.
#[derive(Debug, Clone, Copy)]
pub struct SessionLimits {
    /// Maximum time without use.
    pub idle: TimeDelta,
    /// Maximum time in all.
    pub max: TimeDelta,
}

impl SessionLimits {
    /// When a session ends that is used now.
    pub(super) fn end(self, created_at: Timestamp, now: Timestamp) -> Timestamp {
        (now + self.idle).min(created_at + self.max)
    }
}

/// A short message on the next page.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Toast {
    /// Whether it reports an error.
    pub(super) bad: bool,
    pub(super) text: String,
    /// What to do next.
    #[serde(default)]
    pub(super) link: Option<ToastLink>,
}

/// A link in a message.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ToastLink {
    pub(super) href: String,
    pub(super) label: String,
}

/// The session of a signed-in user.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// Token for the forms of this response.
    pub(super) csrf: String,
    csrf_token: [u8; csrf::TOKEN_BYTES],
    id: SessionId,
    key: SessionKey,
    has_toasts: bool,
    credentials: SessionCredentials,
    db: PgPool,
}

impl Session {
    /// Creates the session with this key. The tokens of its forms are derived from the id, so they stay valid when the
    /// cookie changes.
    pub(super) fn new(
        (id, key): (SessionId, SessionKey),
        has_toasts: bool,
        credentials: SessionCredentials,
        state: &WebState,
    ) -> Self {
        let csrf_token = state.csrf_key.token(cookies::SESSION, &id.to_string());
        Self {
            csrf: csrf::mask(&csrf_token, &state.sources.bytes()),
            csrf_token,
            id,
            key,
            has_toasts,
            credentials,
            db: state.db.clone(),
        }
    }

    /// Whether a form contains this session's token.
    pub(super) fn has_token(&self, csrf: &str) -> bool {
        csrf::matches(csrf, &self.csrf_token)
    }

    /// Shows a message on the next page.
    pub(super) async fn notify(&self, text: impl Into<String>) -> Result<(), Error> {
        self.add_toast(Toast { bad: false, text: text.into(), link: None }).await
    }

    /// Shows a message with a link on the next page, until the user closes it.
    pub(super) async fn advise(
        &self,
        text: String,
        (href, label): (&str, &str),
    ) -> Result<(), Error> {
        let link = ToastLink { href: href.to_owned(), label: label.to_owned() };
        self.add_toast(Toast { bad: false, text, link: Some(link) }).await
    }

    async fn add_toast(&self, toast: Toast) -> Result<(), Error> {
        let line = serde_json::to_string(&toast).map_err(|e| Error::Internal(e.to_string()))?;
        Ok(sessions::add_message(&self.db, self.id, &line).await?)
    }

    /// Takes the messages for this page.
    pub(super) async fn toasts(&self) -> Result<Vec<Toast>, Error> {
        if !self.has_toasts {
            return Ok(Vec::new());
        }
        let lines = sessions::take_messages(&self.db, self.id).await?;
        Ok(lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }

    /// Reads which webhooks have a problem.
    pub(super) async fn problems(&self) -> Result<ProblemBanner, Error> {
        Ok(ProblemBanner::new(&notifications::problems(&self.db).await?))
    }

    /// Identifies the session.
    pub(super) fn id(&self) -> SessionId {
        self.id
    }

    /// Whether the session has not ended. Does not record a use.
    pub(super) async fn is_active(&self, state: &WebState) -> Result<bool, Error> {
        let (passwords, now) = (state.actions.allows_passwords(), state.sources.now());
        Ok(sessions::is_active(&self.db, self.id, passwords, now).await?)
    }

    /// Whether the user has a password.
    pub(super) fn has_password(&self) -> bool {
        self.credentials.has_password
    }

    /// Whether the user has signed in at the identity provider.
    pub(super) fn is_from_provider(&self) -> bool {
        self.credentials.is_from_provider
    }

    /// Whether the user has entered the password, or credentials at the identity provider, recently.
    pub(super) fn has_recent_password(&self, now: Timestamp) -> bool {
        now - self.credentials.entered_at <= PASSWORD_VALIDITY
    }

    /// Records that the user has confirmed the password, and replaces the session's token, so that no one else goes on with
    /// the old one. If another tab does the same at this moment, the browser gets the new token from its response.
    pub(super) async fn confirm(&self, state: &WebState) -> Result<RenewedToken, Error> {
        let cookie = hex::encode(state.sources.bytes::<32>());
        let (new, now) = (SessionKey::new(&cookie), state.sources.now());
        let is_renewed = sessions::renew(&self.db, &self.key, &new, now).await?;
        Ok(RenewedToken(is_renewed.then_some(cookie)))
    }
}

/// The new token of a session, for its browser.
#[derive(Debug)]
#[must_use = "without the new token, the browser is signed out"]
pub(super) struct RenewedToken(Option<String>);

impl RenewedToken {
    /// Adds the cookie to a response.
    pub(super) fn respond(
        self,
        response: impl IntoResponse,
        request: &HeaderMap,
        state: &WebState,
    ) -> Response {
        let mut response = response.into_response();
        if let Some(cookie) = self.0 {
            cookies::set(&mut response, request, &state.public, cookies::SESSION, &cookie);
        }
        response
    }
}

/// A signed-in user. Requests without one are answered with the sign-in page or its form.
#[derive(Debug, Clone)]
pub(super) struct CurrentUser {
    pub(super) user: User,
    pub(super) preferences: Preferences,
    pub(super) session: Session,
    /// Where the request comes from.
    pub(super) origin: Origin,
    /// Whether the user must set up a second factor before anything else.
    pub(super) must_set_up_second_factor: bool,
}

impl CurrentUser {
    /// The actor of this user's changes.
    pub(super) fn actor(&self) -> Actor {
        Actor::person(self.user.email.clone(), self.origin)
    }

    /// The current time, in the user's time zone.
    pub(super) fn now(&self, state: &WebState) -> LocalNow {
        LocalNow::new(state.sources.now(), &self.preferences.time_zone)
    }

    /// The user's role.
    pub(super) fn role(&self) -> Role {
        Role::from_stored(&self.user.role)
    }

    /// Whether the user has a permission.
    pub(super) fn can(&self, permission: Permission) -> bool {
        self.role().allows(permission)
    }

    /// Finds the user of a request, and records the use of the session.
    async fn find(parts: &Parts, state: &WebState) -> Result<Option<Self>, Error> {
        let headers = &parts.headers;
        let Some(cookie) = cookies::find(headers, &state.public, cookies::SESSION) else {
            return Ok(None);
        };
        let (key, now) = (SessionKey::new(&cookie), state.sources.now());
        let (passwords, requirement) =
            (state.actions.allows_passwords(), state.policy.second_factor);
        let found = sessions::find(&state.db, &key, passwords, requirement, now).await?;
        let Some(found) = found else {
            let here = parts.uri.path_and_query().map_or("", PathAndQuery::as_str);
            let since = now - REPLACEMENT_VALIDITY;
            if destination(here) == here
                && sessions::was_replaced_since(&state.db, &key, since).await?
            {
                return Err(Error::TokenReplaced(here.to_owned()));
            }
            return Ok(None);
        };
        // A page that updates itself is not used, and does not take the messages from the next page.
        let is_live = is_live(headers);
        if !is_live && now - found.last_used_at >= USE_INTERVAL {
            let end = state.session_limits.end(found.created_at, now);
            let client = parts.extensions.get::<ConnectInfo<SocketAddr>>();
            let address = client.map(|from| from.ip().to_canonical().to_string());
            let address = address.unwrap_or_default();
            sessions::record_use(&state.db, found.id, now, end, &address).await?;
        }
        let has_toasts = found.has_messages && !is_live;
        let session = Session::new((found.id, key), has_toasts, found.credentials, state);
        let origin = parts.extensions.get::<Origin>().copied().unwrap_or_default();
        Ok(Some(Self {
            user: found.user,
            preferences: found.preferences,
            session,
            origin,
            must_set_up_second_factor: found.must_set_up_second_factor,
        }))
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
        let found = Self::find(parts, state).await?;
        parts.extensions.insert(found.clone());
        Ok(found)
    }
}

/// Responds to a request without a user: htmx gets the form of the sign-in dialog, a page redirects to the sign-in page
/// and back.
fn request_sign_in(parts: &Parts, state: &WebState) -> Result<Response, Error> {
    if accepts_events(&parts.headers) {
        return Ok((StatusCode::UNAUTHORIZED, "Sign in first.\n").into_response());
    }
    if is_htmx(&parts.headers) {
        let visitor = Visitor::new(&parts.headers, state);
        let form = dialog::form(state, &visitor.csrf, ("", ""), Confirms::Nothing)?;
        return Ok(visitor.respond(&parts.headers, state, (StatusCode::UNAUTHORIZED, form)));
    }
    let here = parts.uri.path_and_query().map(ToString::to_string);
    let login = match here.filter(|here| parts.method == Method::GET && here != "/") {
        Some(here) => sign_in_path(&here),
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
    headers.contains_key("gatepost-live") || accepts_events(headers)
}

/// Whether the response should be a stream of events.
pub(super) fn accepts_events(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).is_some_and(|accept| accept == "text/event-stream")
}
