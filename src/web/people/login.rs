//! Signing in.

use std::net::SocketAddr;

use askama::Template;
use axum::extract::{ConnectInfo, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::throttled;
use crate::actions::SignInError;
use crate::web::form::Form;
use crate::web::page::{self, Page};
use crate::web::session::{CurrentUser, Visitor};
use crate::web::{Error, WebState};

#[derive(Debug, Default, Deserialize)]
pub(in crate::web) struct Asked {
    #[serde(default)]
    next: String,
}

#[derive(Debug, Deserialize)]
pub(in crate::web) struct Credentials {
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    next: String,
}

#[derive(Template)]
#[template(path = "people/login.html")]
struct Login {
    page: Page,
    email: String,
    next: String,
    error: String,
}

/// The form.
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    current: Option<CurrentUser>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Response, Error> {
    if current.is_some() {
        return Ok(Redirect::to(&destination(&asked.next)).into_response());
    }
    if state.actions.needs_setup().await? {
        return Ok(Redirect::to("/setup").into_response());
    }
    let page = Page::outside(&visitor, "Sign in").await?;
    page::html(&Login { page, email: String::new(), next: asked.next, error: String::new() })
}

/// Checks the password.
pub(in crate::web) async fn submit(
    State(state): State<WebState>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    visitor: Visitor,
    Form(typed): Form<Credentials>,
) -> Result<Response, Error> {
    let (status, error) =
        match state.actions.sign_in(&typed.email, &typed.password, from.ip()).await {
            Ok(user) => {
                visitor.sign_in(&user).await?;
                return Ok(Redirect::to(&destination(&typed.next)).into_response());
            }
            Err(SignInError::Wrong) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "Email or password is wrong.".to_owned())
            }
            Err(SignInError::Throttled(wait)) => (StatusCode::TOO_MANY_REQUESTS, throttled(wait)),
            Err(SignInError::Store(error)) => return Err(error.into()),
        };
    let page = Page::outside(&visitor, "Sign in").await?;
    let login = Login { page, email: typed.email, next: typed.next, error };
    Ok((status, page::html(&login)?).into_response())
}

/// A path of ours, never another site.
fn destination(next: &str) -> String {
    let ours = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && !next.contains(char::is_control);
    if ours { next.to_owned() } else { "/webhooks".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_to_another_site() {
        assert_eq!(destination("/deliveries?state=failed"), "/deliveries?state=failed");
        for bad in ["", "https://evil.example", "//evil.example", "/\\evil.example", "/\tx"] {
            assert_eq!(destination(bad), "/webhooks", "{bad}");
        }
    }
}
