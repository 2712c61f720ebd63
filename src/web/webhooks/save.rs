//! Saving the form.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};

use super::form::{self, FormView, StaleView, Subject, Wanted};
use super::parse_id;
use super::typed::Typed;
use crate::actions::{SaveRequest, SaveWebhookError};
use crate::model::WebhookId;
use crate::store::revisions;
use crate::web::form::Form;
use crate::web::moment::Moment;
use crate::web::session::{CurrentUser, is_htmx};
use crate::web::{Error, WebState};

/// `POST /webhooks`
pub(in crate::web) async fn create(
    State(state): State<WebState>,
    current: CurrentUser,
    headers: HeaderMap,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    save(&state, &current, None, &Typed::new(pairs), is_htmx(&headers)).await
}

/// `POST /webhooks/{id}`
pub(in crate::web) async fn update(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
    headers: HeaderMap,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    let id = parse_id(&id)?;
    save(&state, &current, Some(id), &Typed::new(pairs), is_htmx(&headers)).await
}

async fn save(
    state: &WebState,
    current: &CurrentUser,
    id: Option<WebhookId>,
    typed: &Typed,
    htmx: bool,
) -> Result<Response, Error> {
    let draft = typed.draft();
    let subject = Subject { id, ..typed.subject() };
    let Subject { base, seen, .. } = subject;
    let save =
        SaveRequest { id, base, expected_revision: seen, actor: current.actor(), restored: None };
    match state.actions.save_webhook(&save, &draft).await {
        Ok(_) => {
            current.visitor.tell(format!("Saved “{}”.", draft.name.trim())).await?;
            if htmx {
                return Ok([("HX-Redirect", "/webhooks")].into_response());
            }
            Ok(Redirect::to("/webhooks").into_response())
        }
        Err(SaveWebhookError::Invalid(errors)) => {
            let view = form::load(state, current, subject, draft)
                .await?
                .with_errors(&errors, Wanted::Save);
            refused(view, current, htmx).await
        }
        Err(SaveWebhookError::Stale { expected_revision: seen, current_revision: there }) => {
            let subject = Subject { seen: Some(there), ..subject };
            let mut view = form::load(state, current, subject, draft).await?;
            view.stale = stale(state, id, seen, there).await?;
            refused(view, current, htmx).await
        }
        Err(SaveWebhookError::NotFound) => Err(Error::NotFound),
        Err(SaveWebhookError::Store(error)) => Err(error.into()),
    }
}

/// The form with what keeps it from being saved: a part for htmx, the page otherwise.
async fn refused(view: FormView, current: &CurrentUser, htmx: bool) -> Result<Response, Error> {
    let form = if htmx { view.part()? } else { view.page(current).await? };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, form).into_response())
}

/// Who has saved it since, and what that changed.
async fn stale(
    state: &WebState,
    id: Option<WebhookId>,
    seen: i32,
    there: i32,
) -> Result<Option<StaleView>, Error> {
    let Some(id) = id else { return Ok(None) };
    let newest = revisions::list(&state.db, id).await?.into_iter().next();
    Ok(newest.map(|newest| StaleView {
        actor: newest.actor.to_string(),
        when: Moment::new(newest.made_at, state.sources.now()),
        href: format!("/webhooks/{id}/changes?from={seen}&to={there}"),
    }))
}
