//! Deletes a secret after a confirmation.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::form::{StoredView, UserView};
use super::parse_id;
use crate::actions::DeleteSecretError;
use crate::model::SecretId;
use crate::web::form::Form;
use crate::web::page::{self, Nav, Page};
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState};

#[derive(Template)]
#[template(path = "secrets/delete.html")]
struct DeletePage {
    page: Page,
    id: String,
    name: String,
    /// The webhooks that use the secret, and prevent its deletion.
    users: Vec<UserView>,
}

/// `GET /secrets/{id}/delete`
pub(in crate::web) async fn confirm(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    show(&state, &current, parse_id(&id)?).await
}

async fn show(state: &WebState, current: &CurrentUser, id: SecretId) -> Result<Response, Error> {
    let (stored, _secret) = StoredView::load(state, current, id).await?;
    let page = Page::new(current, format!("Delete {}", stored.name), Nav::Secrets).await?;
    let StoredView { id, name, users, .. } = stored;
    page::html(&DeletePage { page, id, name, users })
}

/// `POST /secrets/{id}/delete`
pub(in crate::web) async fn delete(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
    _form: Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    let id = parse_id(&id)?;
    match state.actions.delete_secret(id, &current.actor()).await {
        Ok(name) => {
            current.session.notify(format!("Deleted “{name}”.")).await?;
            Ok(Redirect::to("/secrets").into_response())
        }
        // The page shows the webhooks.
        Err(DeleteSecretError::InUse(_users)) => {
            Ok((StatusCode::CONFLICT, show(&state, &current, id).await?).into_response())
        }
        Err(DeleteSecretError::NotFound) => Err(Error::NotFound),
        Err(DeleteSecretError::Store(error)) => Err(error.into()),
    }
}
