//! Restores an earlier revision after a confirmation.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::history::DifferenceView;
use super::parse_id;
use crate::actions::SaveWebhookError;
use crate::model::WebhookId;
use crate::store::{revisions, webhooks};
use crate::web::form::Form;
use crate::web::page::{self, Nav, Page};
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState};

#[derive(Debug, Deserialize)]
pub(in crate::web) struct RestoreForm {
    /// The current revision when the confirmation was shown.
    #[serde(rename = "seen")]
    expected_revision: i32,
}

#[derive(Template)]
#[template(path = "webhooks/restore.html")]
struct RestorePage {
    page: Page,
    id: String,
    name: String,
    number: i32,
    current_revision: i32,
    differences: Vec<DifferenceView>,
    /// Why it was not restored; empty before the first attempt.
    errors: Vec<String>,
}

/// `GET /webhooks/{id}/revisions/{number}/restore`
pub(in crate::web) async fn confirm(
    State(state): State<WebState>,
    current: CurrentUser,
    Path((id, number)): Path<(String, i32)>,
) -> Result<Response, Error> {
    show(&state, &current, parse_id(&id)?, number, Vec::new()).await
}

/// `POST /webhooks/{id}/revisions/{number}/restore`
pub(in crate::web) async fn restore(
    State(state): State<WebState>,
    current: CurrentUser,
    Path((id, number)): Path<(String, i32)>,
    Form(form): Form<RestoreForm>,
) -> Result<Response, Error> {
    let id = parse_id(&id)?;
    let restored = state
        .actions
        .restore_webhook(id, number, Some(form.expected_revision), &current.actor())
        .await;
    let errors = match restored {
        Ok(()) => {
            current.session.notify(format!("Restored revision {number}.")).await?;
            return Ok(Redirect::to(&format!("/webhooks/{id}")).into_response());
        }
        Err(SaveWebhookError::NotFound) => return Err(Error::NotFound),
        Err(SaveWebhookError::Store(error)) => return Err(error.into()),
        Err(SaveWebhookError::Stale { .. }) => vec![
            "Another user has saved this webhook in the meantime. Check the changes below again."
                .to_owned(),
        ],
        Err(SaveWebhookError::Invalid(errors)) => errors.messages(),
    };
    let page = show(&state, &current, id, number, errors).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

async fn show(
    state: &WebState,
    current: &CurrentUser,
    id: WebhookId,
    number: i32,
    errors: Vec<String>,
) -> Result<Response, Error> {
    let current_revision = revisions::current_number(&state.db, id).await?;
    let draft = webhooks::find(&state.db, id).await?.ok_or(Error::NotFound)?;
    let differences = state.actions.compare_with_revision(id, number).await?;
    let differences = DifferenceView::all(differences.ok_or(Error::NotFound)?);
    let title = format!("Restore revision {number} · {}", draft.name);
    page::html(&RestorePage {
        page: Page::new(current, title, Nav::Webhooks).await?,
        id: id.to_string(),
        name: draft.name,
        number,
        current_revision,
        differences,
        errors,
    })
}
