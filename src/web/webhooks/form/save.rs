//! Saving the form.

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};

use super::input::Subject;
use super::page::{self, ConflictView, FormAction};
use super::submission::Submission;
use crate::actions::{SaveRequest, SaveWebhookError};
use crate::model::WebhookId;
use crate::store::revisions;
use crate::web::display_time::DisplayTime;
use crate::web::session::CurrentUser;
use crate::web::webhooks::parse_id;
use crate::web::{Error, WebState};

/// `POST /webhooks`
pub(in crate::web) async fn create(submission: Submission) -> Result<Response, Error> {
    save(&submission, None).await
}

/// `POST /webhooks/{id}`
pub(in crate::web) async fn update(
    Path(id): Path<String>,
    submission: Submission,
) -> Result<Response, Error> {
    save(&submission, Some(parse_id(&id)?)).await
}

async fn save(submission: &Submission, id: Option<WebhookId>) -> Result<Response, Error> {
    let Submission { state, current, input, is_htmx } = submission;
    let draft = input.draft();
    let subject = Subject { id, ..input.subject() };
    let Subject { base, expected_revision, .. } = subject;
    let (actor, choices) = (current.actor(), input.choices());
    let ambiguous = input.ambiguous_secrets();
    if !ambiguous.is_empty() {
        let form = page::load(state, current, subject, draft, choices).await?;
        return submission.reject(form.with_errors(&ambiguous, FormAction::Save)).await;
    }
    let request = SaveRequest { id, base, expected_revision, choices, actor, restored: None };
    match state.actions.save_webhook(&request, &draft).await {
        Ok(_) => {
            current.session.notify(format!("Saved “{}”.", draft.name.trim())).await?;
            if *is_htmx {
                return Ok([("HX-Redirect", "/webhooks")].into_response());
            }
            Ok(Redirect::to("/webhooks").into_response())
        }
        Err(SaveWebhookError::Invalid(errors)) => {
            let form = page::load(state, current, subject, draft, input.choices()).await?;
            submission.reject(form.with_errors(&errors, FormAction::Save)).await
        }
        Err(SaveWebhookError::Stale { expected_revision, current_revision }) => {
            let subject = Subject { expected_revision: Some(current_revision), ..subject };
            let mut form = page::load(state, current, subject, draft, input.choices()).await?;
            form.conflict =
                conflict(state, current, id, expected_revision, current_revision).await?;
            submission.reject(form).await
        }
        Err(SaveWebhookError::NotFound) => Err(Error::NotFound),
        Err(SaveWebhookError::Store(error)) => Err(error.into()),
    }
}

/// Describes the change that another user saved since the form was opened.
async fn conflict(
    state: &WebState,
    current: &CurrentUser,
    id: Option<WebhookId>,
    expected_revision: i32,
    current_revision: i32,
) -> Result<Option<ConflictView>, Error> {
    let Some(id) = id else { return Ok(None) };
    let newest = revisions::list(&state.db, id).await?.into_iter().next();
    Ok(newest.map(|newest| ConflictView {
        actor: newest.actor.to_string(),
        saved: DisplayTime::new(newest.made_at, current.now(state)),
        href: format!("/webhooks/{id}/changes?from={expected_revision}&to={current_revision}"),
    }))
}
