//! Revokes an API token after a confirmation.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};

use super::{TokenView, parse_id};
use crate::actions::RevokeTokenError;
use crate::store::tokens;
use crate::web::form::Form;
use crate::web::page::{self, Nav, Page};
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState};

#[derive(Template)]
#[template(path = "tokens/revoke.html")]
struct RevokePage {
    page: Page,
    token: TokenView,
}

/// `GET /tokens/{id}/revoke`
pub(in crate::web) async fn confirm(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let token = tokens::find(&state.db, parse_id(&id)?).await?.ok_or(Error::NotFound)?;
    let page = Page::new(&current, format!("Revoke {}", token.name), Nav::Tokens).await?;
    page::html(&RevokePage { page, token: TokenView::new(token, None, current.now(&state)) })
}

/// `POST /tokens/{id}/revoke`
pub(in crate::web) async fn revoke(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
    _form: Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    match state.actions.revoke_token(parse_id(&id)?, &current.actor()).await {
        Ok(name) => {
            current.session.notify(format!("Revoked “{name}”.")).await?;
            Ok(Redirect::to("/tokens").into_response())
        }
        Err(RevokeTokenError::NotFound) => Err(Error::NotFound),
        Err(RevokeTokenError::Store(error)) => Err(error.into()),
    }
}
