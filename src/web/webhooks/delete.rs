//! Deletes a webhook after a confirmation.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};

use super::parse_id;
use crate::actions::ChangeWebhookError;
use crate::store::{deliveries, webhooks};
use crate::web::form::Form;
use crate::web::page::{self, Nav, Page};
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState};

#[derive(Template)]
#[template(path = "webhooks/delete.html")]
struct DeletePage {
    page: Page,
    id: String,
    name: String,
    /// Number of deliveries that will not be sent.
    waiting: i64,
}

/// `GET /webhooks/{id}/delete`
pub(in crate::web) async fn confirm(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let id = parse_id(&id)?;
    let draft = webhooks::find(&state.db, id).await?.ok_or(Error::NotFound)?;
    let waiting = deliveries::count_unfinished(&state.db, id).await?;
    let page = Page::new(&current, format!("Delete {}", draft.name), Nav::Webhooks).await?;
    page::html(&DeletePage { page, id: id.to_string(), name: draft.name, waiting })
}

/// `POST /webhooks/{id}/delete`
pub(in crate::web) async fn delete(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
    _form: Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    match state.actions.delete_webhook(parse_id(&id)?, &current.actor()).await {
        Ok(()) => {
            current.session.notify("Deleted.").await?;
            Ok(Redirect::to("/webhooks").into_response())
        }
        Err(ChangeWebhookError::NotFound) => Err(Error::NotFound),
        Err(ChangeWebhookError::Store(error)) => Err(error.into()),
    }
}
