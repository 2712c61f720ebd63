//! Single sign-on: to the identity provider and back.

pub(in crate::web) mod failure;
pub(in crate::web) mod resume;

use std::net::SocketAddr;

use askama::Template;
use axum::Extension;
use axum::extract::{ConnectInfo, OptionalFromRequestParts, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::actions::{Callback, Purpose, SingleSignOn, SingleSignOnError, SingleSignOnOutcome};
use crate::model::Origin;
use crate::web::auth::destination::{DONE, START, short_destination, sign_in_path, start_path};
use crate::web::page::{self, Page};
use crate::web::session::CurrentUser;
use crate::web::visitor::Visitor;
use crate::web::{Error, WebState, cookies, started_session};
use failure::Failure;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct StartQuery {
    /// Where to go after signing in.
    next: String,
    /// Whether the user of the session confirms who they are.
    confirm: bool,
    /// Whether the user signs in with another account than the one that is signed in at the provider.
    other_account: bool,
}

#[derive(Template)]
#[template(path = "auth/single_sign_on/done.html")]
struct DonePage {
    page: Page,
}

/// `GET /login/sso`: sends the browser to the identity provider. A link on another site leads only to the sign-in page,
/// because with a session at the provider, the user would be signed in without having asked for it.
pub(in crate::web) async fn start(
    State(state): State<WebState>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(query): Query<StartQuery>,
) -> Result<Response, Error> {
    let purpose = match (query.confirm, query.other_account) {
        (true, _) => Purpose::Confirm,
        (false, true) => Purpose::OtherAccount,
        (false, false) => Purpose::SignIn,
    };
    let next = short_destination(&query.next);
    if is_from_another_site(&headers) {
        return Ok(Redirect::to(&sign_in_path(&next)).into_response());
    }
    let cookie = cookies::find(&headers, &state.public, cookies::SINGLE_SIGN_ON);
    match state.actions.start_single_sign_on(purpose, &next, cookie.as_deref()).await {
        Ok(started) => {
            let mut response = Redirect::to(started.url.as_str()).into_response();
            keep_cookie(&mut response, &headers, &state, &started.cookie);
            Ok(response)
        }
        Err(error) => {
            let page = Failure::new(&state, error, &start_path(&next))?.page(&state, &visitor)?;
            Ok(visitor.respond(&headers, &state, page))
        }
    }
}

fn is_from_another_site(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    matches!(site, Some(b"cross-site" | b"same-site"))
}

/// `GET /login/sso/callback`: the identity provider sends the browser back here.
pub(in crate::web) async fn callback(
    State(state): State<WebState>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    Extension(origin): Extension<Origin>,
    Query(callback): Query<Callback>,
    request: Request,
) -> Result<Response, Error> {
    let (mut parts, _body) = request.into_parts();
    let current =
        <CurrentUser as OptionalFromRequestParts<_>>::from_request_parts(&mut parts, &state)
            .await?;
    let (headers, visitor) = (&parts.headers, Visitor::new(&parts.headers, &state));
    let cookie = cookies::find(headers, &state.public, cookies::SINGLE_SIGN_ON);
    let request = SingleSignOn {
        callback: &callback,
        cookie: cookie.as_deref(),
        from: from.ip(),
        origin,
        current: current.as_ref().map(|current| current.user.id),
    };
    let mut response = match (state.actions.finish_single_sign_on(request).await, current) {
        (Ok(SingleSignOnOutcome::SignedIn { done, next }), _) => {
            let started = started_session::start(&state, done, headers, from.ip()).await?;
            let response = Redirect::to(&short_destination(&next)).into_response();
            started.respond(response, &visitor, headers, &state)
        }
        (Ok(SingleSignOnOutcome::Confirmed), Some(current)) => {
            let renewed = current.session.confirm(&state).await?;
            renewed.respond(Redirect::to(DONE), headers, &state)
        }
        // The session has ended in the meantime.
        (Ok(SingleSignOnOutcome::Confirmed), None) => Redirect::to("/login").into_response(),
        // The browser can try again with the same address, once the wait is over.
        (Err(error @ SingleSignOnError::Throttled(_)), _) => {
            let page = Failure::new(&state, error, START)?.page(&state, &visitor)?;
            return Ok(visitor.respond(headers, &state, page));
        }
        (Err(error), _) => {
            let failure = Failure::new(&state, error, START)?;
            let response = failure.redirect(&state, &visitor, headers)?;
            visitor.respond(headers, &state, response)
        }
    };
    // Each sign-in is finished once. Other tabs may be signing in, too.
    let others = cookie.map(|all| state.actions.remove_single_sign_on(&all, &callback.state));
    keep_cookie(&mut response, headers, &state, &others.unwrap_or_default());
    Ok(response)
}

/// Sets the cookie with the sign-ins in progress, or removes it if there are none.
fn keep_cookie(response: &mut Response, request: &HeaderMap, state: &WebState, value: &str) {
    let (name, max_age) = (cookies::SINGLE_SIGN_ON, cookies::SINGLE_SIGN_ON_MAX_AGE);
    if value.is_empty() {
        cookies::remove(response, request, &state.public, name);
    } else {
        cookies::set_for(response, request, &state.public, (name, value), max_age);
    }
}

/// `GET /login/sso/done`: what the other tab shows.
pub(in crate::web) async fn done(visitor: Visitor) -> Result<Response, Error> {
    page::html(&DonePage { page: Page::outside(&visitor, "Continue in the other tab") })
}
