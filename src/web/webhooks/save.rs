//! Saving the form.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::form::{self, Subject, Wanted};
use super::parse_id;
use super::typed::Typed;
use crate::actions::SaveWebhookError;
use crate::model::WebhookId;
use crate::web::form::Form;
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState};

/// `POST /webhooks`
pub(in crate::web) async fn create(
    State(state): State<WebState>,
    current: CurrentUser,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    save(&state, &current, None, &Typed::new(pairs)).await
}

/// `POST /webhooks/{id}`
pub(in crate::web) async fn update(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    let id = parse_id(&id)?;
    save(&state, &current, Some(id), &Typed::new(pairs)).await
}

async fn save(
    state: &WebState,
    current: &CurrentUser,
    id: Option<WebhookId>,
    typed: &Typed,
) -> Result<Response, Error> {
    let draft = typed.draft();
    let base = typed.copied_from();
    match state.actions.save_webhook(id, base, &draft).await {
        Ok(_) => {
            current.visitor.tell(format!("Saved “{}”.", draft.name.trim())).await?;
            Ok(Redirect::to("/webhooks").into_response())
        }
        Err(SaveWebhookError::Invalid(errors)) => {
            let subject = Subject { id, ..typed.subject() };
            let view = form::load(state, current, subject, draft)
                .await?
                .with_errors(&errors, Wanted::Save);
            let page = view.page(current).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        Err(SaveWebhookError::NotFound) => Err(Error::NotFound),
        Err(SaveWebhookError::Store(error)) => Err(error.into()),
    }
}
