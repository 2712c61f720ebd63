//! A route with the permission that it requires.

use axum::extract::{FromRequestParts, Request, State};
use axum::handler::Handler;
use axum::http::Method;
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{self, MethodRouter};

use super::auth::destination::encode;
use super::session::CurrentUser;
use super::{Error, WebState, auth, session};
use crate::identity::Permission;

/// The only routes for users who must set up a second factor.
const OPEN_BEFORE_SET_UP: [&str; 2] = [SET_UP, "/logout"];
/// The page on which users set up a second factor.
pub(super) const SET_UP: &str = "/account/two-factor/new";

/// Returns the address of that page, which then leads to `next`.
pub(super) fn set_up_path(next: &str) -> String {
    if next.is_empty() {
        return SET_UP.to_owned();
    }
    format!("{SET_UP}?next={}", encode(next))
}

/// A route and what it requires.
#[derive(Debug, Clone)]
pub struct RouteRule {
    /// `GET` or `POST`.
    pub method: Method,
    /// The path, with parameters in braces.
    pub path: &'static str,
    /// The permission of signed-in users. `None` if the route is open to visitors.
    pub permission: Option<Permission>,
}

/// A route with its handler.
pub(super) struct Route {
    pub(super) rule: RouteRule,
    pub(super) handler: MethodRouter<WebState>,
}

/// A route of `GET` requests.
pub(super) fn get<H, T>(path: &'static str, permission: Permission, handler: H) -> Route
where
    H: Handler<T, WebState>,
    T: 'static,
{
    Route::new(Method::GET, path, Some(permission), routing::get(handler))
}

/// A route of `POST` requests.
pub(super) fn post<H, T>(path: &'static str, permission: Permission, handler: H) -> Route
where
    H: Handler<T, WebState>,
    T: 'static,
{
    Route::new(Method::POST, path, Some(permission), routing::post(handler))
}

/// A route that is open to visitors.
pub(super) fn open(method: Method, path: &'static str, handler: MethodRouter<WebState>) -> Route {
    Route::new(method, path, None, handler)
}

impl Route {
    fn new(
        method: Method,
        path: &'static str,
        permission: Option<Permission>,
        handler: MethodRouter<WebState>,
    ) -> Self {
        Self { rule: RouteRule { method, path, permission }, handler }
    }

    /// Returns the handler, which only users with the permission reach.
    pub(super) fn guarded(self, state: &WebState) -> (&'static str, MethodRouter<WebState>) {
        let RouteRule { path, permission, .. } = self.rule;
        let handler = match permission {
            Some(permission) => {
                let guard = Guard { state: state.clone(), path, permission };
                self.handler.route_layer(middleware::from_fn_with_state(guard, require))
            }
            None => self.handler,
        };
        (path, handler)
    }
}

/// What the middleware of a route needs.
#[derive(Clone)]
struct Guard {
    state: WebState,
    path: &'static str,
    permission: Permission,
}

/// Middleware that rejects users without the permission, and users who must set up a second factor.
async fn require(
    State(Guard { state, path, permission }): State<Guard>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let current = match CurrentUser::from_request_parts(&mut parts, &state).await {
        Ok(current) => current,
        Err(rejection) => return rejection,
    };
    if current.must_set_up_second_factor && !OPEN_BEFORE_SET_UP.contains(&path) {
        return lead_to_set_up(&parts);
    }
    if let Some(error) = refuse(&current, permission) {
        return error.into_response();
    }
    let is_change = parts.method == Method::POST;
    let request = Request::from_parts(parts, body);
    if is_change && permission.requires_recent_password() {
        let done = auth::confirm::check(&state, &current, request, next).await;
        return done.unwrap_or_else(IntoResponse::into_response);
    }
    next.run(request).await
}

/// Responds to a user who must set up a second factor. A form and a part of a page are refused, so that the page with what
/// the user typed stays open.
fn lead_to_set_up(parts: &Parts) -> Response {
    let is_page = parts.method == Method::GET
        && !session::is_htmx(&parts.headers)
        && !session::accepts_events(&parts.headers);
    if is_page {
        let next = parts.uri.path_and_query().map_or("", PathAndQuery::as_str);
        Redirect::to(&set_up_path(next)).into_response()
    } else {
        Error::SecondFactorMissing.into_response()
    }
}

/// Returns the error page of a user without the permission.
fn refuse(current: &CurrentUser, permission: Permission) -> Option<Error> {
    let role = current.role();
    if role.allows(permission) {
        return None;
    }
    // Routes of pages require no permission that only tokens have.
    let required = permission.required_role()?;
    Some(Error::Forbidden { user: current.user.email.clone(), role, required })
}
