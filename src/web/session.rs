//! Who is asking, what they were just told, and the token in their forms.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::{Deserialize, Serialize};
use tower_sessions::Session;
use url::form_urlencoded;

use super::{Error, WebState};
use crate::model::{Actor, UserId};
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
    /// The token of their forms.
    pub(super) csrf: String,
}

impl Visitor {
    /// Says something on the next page.
    pub(super) async fn tell(&self, text: impl Into<String>) -> Result<(), Error> {
        self.push(Toast { bad: false, text: text.into() }).await
    }

    /// Says on the next page that something did not work.
    pub(super) async fn warn(&self, text: impl Into<String>) -> Result<(), Error> {
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

    /// Makes this session theirs, under a new id and with a new token.
    pub(super) async fn sign_in(&self, user: &User) -> Result<(), Error> {
        self.session.cycle_id().await?;
        self.session.remove_value(CSRF).await?;
        Ok(self.session.insert(USER_ID, user.id.to_string()).await?)
    }
}

impl FromRequestParts<WebState> for Visitor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, Error> {
        let session = Session::from_request_parts(parts, state)
            .await
            .map_err(|(_, reason)| Error::Internal(reason.to_owned()))?;
        let csrf = if let Some(token) = session.get::<String>(CSRF).await? {
            token
        } else {
            let token = hex::encode(state.sources.bytes::<32>());
            session.insert(CSRF, &token).await?;
            token
        };
        Ok(Self { session, csrf })
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
        match find(parts, state).await.map_err(IntoResponse::into_response)? {
            Some(current) => Ok(current),
            None => Err(to_login(parts)),
        }
    }
}

impl OptionalFromRequestParts<WebState> for CurrentUser {
    type Rejection = Error;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &WebState,
    ) -> Result<Option<Self>, Error> {
        find(parts, state).await
    }
}

async fn find(parts: &mut Parts, state: &WebState) -> Result<Option<CurrentUser>, Error> {
    let visitor = Visitor::from_request_parts(parts, state).await?;
    let id: Option<String> = visitor.session.get(USER_ID).await?;
    let Some(id) = id.and_then(|id| id.parse::<UserId>().ok()) else { return Ok(None) };
    let Some(user) = users::find(&state.db, id).await? else { return Ok(None) };
    let now = state.sources.now().timestamp();
    let seen: i64 = visitor.session.get(SEEN).await?.unwrap_or_default();
    if now - seen > SEEN_EVERY_SECS {
        visitor.session.insert(SEEN, now).await?;
    }
    Ok(Some(CurrentUser { user, visitor }))
}

/// Where to go on after signing in: the page that was asked for, or that htmx was on.
fn to_login(parts: &Parts) -> Response {
    let htmx = is_htmx(&parts.headers);
    let here = if htmx {
        let current = parts.headers.get("hx-current-url").and_then(|url| url.to_str().ok());
        current.and_then(|url| url::Url::parse(url).ok()).map(|url| match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        })
    } else if parts.method == Method::GET {
        parts.uri.path_and_query().map(ToString::to_string)
    } else {
        None
    };
    let login = match here {
        Some(here) if here != "/" => {
            let next: String = form_urlencoded::byte_serialize(here.as_bytes()).collect();
            format!("/login?next={next}")
        }
        _ => "/login".to_owned(),
    };
    if htmx {
        (StatusCode::UNAUTHORIZED, [("HX-Redirect", login)]).into_response()
    } else {
        Redirect::to(&login).into_response()
    }
}

/// Whether htmx asks, and wants a part of the page.
pub(super) fn is_htmx(headers: &HeaderMap) -> bool {
    headers.contains_key("hx-request")
}
