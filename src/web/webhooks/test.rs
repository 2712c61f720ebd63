//! Testing the form as it stands.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};

use super::events::GONE;
use super::form::{self, Subject, Wanted};
use super::parse_id;
use super::typed::Typed;
use crate::actions::TestWebhookError;
use crate::model::event::EventChoice;
use crate::model::invocation::Invocation;
use crate::store::{revisions, webhooks};
use crate::web::form::Form;
use crate::web::invocations::troubleshooting;
use crate::web::moment;
use crate::web::page;
use crate::web::session::{CurrentUser, is_htmx};
use crate::web::{Error, WebState};

/// The result line.
#[derive(Debug, Clone)]
pub(super) struct ResultView {
    pub(super) ok: bool,
    /// The invocation's address; empty where nothing was sent.
    pub(super) href: String,
    /// What the target responded, or why nothing was sent.
    pub(super) detail: String,
    /// Address of the tip for the failure; empty if there is none.
    pub(super) tip_href: String,
}

impl ResultView {
    fn new(invocation: &Invocation) -> Self {
        let took = moment::duration(invocation.exchange.timings.total_us);
        Self {
            ok: invocation.succeeded(),
            tip_href: invocation.failure.as_ref().map(troubleshooting::href).unwrap_or_default(),
            href: format!("/invocations/{}", invocation.id),
            detail: match (&invocation.failure, &invocation.exchange.response) {
                (Some(cause), _) => cause.summary(),
                (None, Some(response)) => format!("{} in {took}", response.status),
                (None, None) => took,
            },
        }
    }

    /// Nothing was sent, and why.
    fn unsent(why: &str) -> Self {
        let detail = format!("Nothing was sent: {why}");
        Self { ok: false, href: String::new(), detail, tip_href: String::new() }
    }
}

#[derive(Template)]
#[template(path = "webhooks/_result.html")]
struct ResultPart {
    result: Option<ResultView>,
}

/// `POST /webhooks/test`
pub(in crate::web) async fn test(
    State(state): State<WebState>,
    current: CurrentUser,
    headers: HeaderMap,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    let typed = Typed::new(pairs);
    let draft = typed.draft();
    let subject = typed.subject();
    let htmx = is_htmx(&headers);
    let choice = subject.test_event.unwrap_or(EventChoice::sample_for(&draft.triggers));
    let result = match state.actions.chosen_event(choice).await? {
        None => ResultView::unsent(GONE),
        Some(event) => {
            match state.actions.test_webhook(typed.secrets_from(), &draft, &event).await {
                Ok(invocation) => ResultView::new(&invocation),
                Err(TestWebhookError::Store(error)) => return Err(error.into()),
                Err(TestWebhookError::Invalid(errors)) => {
                    let mut view = form::load(&state, &current, subject, draft)
                        .await?
                        .with_errors(&errors, Wanted::Test);
                    view.result = Some(ResultView::unsent("fix the marked fields."));
                    let status = StatusCode::UNPROCESSABLE_ENTITY;
                    if htmx {
                        let whole = [("HX-Retarget", "#webhook-form"), ("HX-Reswap", "outerHTML")];
                        return Ok((status, whole, view.part()?).into_response());
                    }
                    return Ok((status, view.page(&current).await?).into_response());
                }
            }
        }
    };
    let result = Some(result);
    if htmx {
        return page::html(&ResultPart { result });
    }
    let mut view = form::load(&state, &current, subject, draft).await?;
    view.result = result;
    view.page(&current).await
}

/// `POST /webhooks/{id}/test`: the webhook as it is saved.
pub(in crate::web) async fn test_saved(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
    _form: Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    let id = parse_id(&id)?;
    let draft = webhooks::find(&state.db, id).await?.ok_or(Error::NotFound)?;
    let choice = EventChoice::sample_for(&draft.triggers);
    let event = state.actions.chosen_event(choice).await?.ok_or(Error::NotFound)?;
    match state.actions.test_webhook(Some(id), &draft, &event).await {
        Ok(invocation) => {
            Ok(Redirect::to(&format!("/invocations/{}", invocation.id)).into_response())
        }
        // It could be saved once; the form tells what has changed since.
        Err(TestWebhookError::Invalid(errors)) => {
            let seen = revisions::current_number(&state.db, id).await?;
            let subject = Subject { id: Some(id), seen: Some(seen), ..Subject::default() };
            let view = form::load(&state, &current, subject, draft)
                .await?
                .with_errors(&errors, Wanted::Test);
            let page = view.page(&current).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        Err(TestWebhookError::Store(error)) => Err(error.into()),
    }
}
