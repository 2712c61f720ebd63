//! **Test**: sends one request for the form as it is, or for a saved webhook.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::event_menu::EVENT_REMOVED;
use super::input::Subject;
use super::page::{self, FormAction};
use super::results::TestResultView;
use super::submission::Submission;
use crate::actions::{Entered, TestWebhookError};
use crate::identity::Work;
use crate::model::event::EventChoice;
use crate::model::secret::SecretChoices;
use crate::model::webhook::{Draft, FieldErrors};
use crate::store::{revisions, webhooks};
use crate::web::form::Form;
use crate::web::session::CurrentUser;
use crate::web::webhooks::parse_id;
use crate::web::{Error, WebState, work_limit};

#[derive(Template)]
#[template(path = "webhooks/form/_result.html")]
struct TestResultPart {
    result: Option<TestResultView>,
}

/// `POST /webhooks/test`
pub(in crate::web) async fn test(submission: Submission) -> Result<Response, Error> {
    let Submission { state, input, .. } = &submission;
    let (draft, subject) = (input.draft(), input.subject());
    let choice = subject.test_event.unwrap_or(EventChoice::sample_for(&draft.triggers));
    let ambiguous = input.ambiguous_secrets();
    if !ambiguous.is_empty() {
        return reject(&submission, draft, &ambiguous).await;
    }
    let part = |result| TestResultPart { result };
    if let Some(refused) = submission.start(Work::Test) {
        let result = Some(TestResultView::refused(&refused.message));
        let shown = submission.respond(draft, result, part, |form, result| form.result = result);
        return Ok(refused.mark(shown.await?));
    }
    let result = match state.actions.chosen_event(choice).await? {
        None => TestResultView::not_sent(EVENT_REMOVED),
        Some(event) => {
            match state.actions.test_webhook(input.id(), input.entered(), &event).await {
                Ok(invocation) => TestResultView::new(&invocation),
                Err(TestWebhookError::Store(error)) => return Err(error.into()),
                Err(TestWebhookError::Invalid(errors)) => {
                    return reject(&submission, draft, &errors).await;
                }
            }
        }
    };
    submission.respond(draft, Some(result), part, |form, result| form.result = result).await
}

/// Responds with the errors that prevent the test.
async fn reject(
    submission: &Submission,
    draft: Draft,
    errors: &FieldErrors,
) -> Result<Response, Error> {
    let Submission { state, current, input, .. } = submission;
    let form = page::load(state, current, input.subject(), draft, input.choices()).await?;
    let mut form = form.with_errors(errors, FormAction::Test);
    form.result = Some(TestResultView::not_sent("fix the marked fields."));
    submission.reject(form).await
}

/// `POST /webhooks/{id}/test`: sends a test of a saved webhook.
pub(in crate::web) async fn test_saved(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
    _form: Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    let id = parse_id(&id)?;
    let draft = webhooks::find(&state.db, id).await?.ok_or(Error::NotFound)?;
    if let Err(refused) = work_limit::start(&state, &current, Work::Test) {
        let error = Error::Limited(refused.message.clone());
        return Ok(refused.mark(error.into_response()));
    }
    let choice = EventChoice::sample_for(&draft.triggers);
    let event = state.actions.chosen_event(choice).await?.ok_or(Error::NotFound)?;
    let entered = Entered { webhook: Some(id), draft: draft.clone(), ..Entered::default() };
    match state.actions.test_webhook(Some(id), entered, &event).await {
        Ok(invocation) => {
            Ok(Redirect::to(&format!("/invocations/{}", invocation.id)).into_response())
        }
        // The webhook was valid when it was saved, but the rules can change. The form shows the errors.
        Err(TestWebhookError::Invalid(errors)) => {
            let revision = revisions::current_number(&state.db, id).await?;
            let subject = Subject::existing(id, revision);
            let form = page::load(&state, &current, subject, draft, SecretChoices::new()).await?;
            let form = form.with_errors(&errors, FormAction::Test).page(&current).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, form).into_response())
        }
        Err(TestWebhookError::Store(error)) => Err(error.into()),
    }
}
