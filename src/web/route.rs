//! A route with the permission that it requires.

use axum::extract::{FromRequestParts, Request, State};
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{self, MethodRouter};

use super::session::CurrentUser;
use super::{Error, WebState, auth};
use crate::identity::Permission;

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
                let state = (state.clone(), permission);
                self.handler.route_layer(middleware::from_fn_with_state(state, require))
            }
            None => self.handler,
        };
        (path, handler)
    }
}

/// Middleware that rejects users without the permission.
async fn require(
    State((state, permission)): State<(WebState, Permission)>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let current = match CurrentUser::from_request_parts(&mut parts, &state).await {
        Ok(current) => current,
        Err(rejection) => return rejection,
    };
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

/// Returns the error page of a user without the permission.
fn refuse(current: &CurrentUser, permission: Permission) -> Option<Error> {
    let role = current.role();
    if role.allows(permission) {
        return None;
    }
    // Routes of pages require no permission that only tokens have.
    let required = permission.required_role()?;
    Some(Error::Forbidden { role, required })
}
