//! Testing the form as it stands.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};

use super::form::{self, Subject, Wanted};
use super::parse_id;
use super::typed::Typed;
use crate::actions::TestWebhookError;
use crate::model::Trigger;
use crate::model::invocation::Invocation;
use crate::store::webhooks;
use crate::web::form::Form;
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
    /// A few words more.
    pub(super) detail: String,
}

impl ResultView {
    fn new(invocation: &Invocation) -> Self {
        let took = moment::duration(invocation.transcript.timings.total_us);
        Self {
            ok: invocation.succeeded(),
            href: format!("/invocations/{}", invocation.id),
            detail: match (&invocation.failure, &invocation.transcript.response) {
                (Some(cause), _) => cause.short(),
                (None, Some(response)) => format!("{} in {took}", response.status),
                (None, None) => took,
            },
        }
    }

    fn mistakes() -> Self {
        Self {
            ok: false,
            href: String::new(),
            detail: "Nothing was sent: see the marked fields.".to_owned(),
        }
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
    let trigger = typed.trigger("test_trigger");
    let htmx = is_htmx(&headers);
    let subject = Subject { id: typed.id(), base: typed.copied_from() };
    match state.actions.test_webhook(typed.secrets_from(), &draft, trigger).await {
        Ok(invocation) => {
            let result = Some(ResultView::new(&invocation));
            if htmx {
                return page::html(&ResultPart { result });
            }
            let mut view = form::load(&state, &current, subject, draft).await?;
            view.result = result;
            view.test_triggers = form::choose_one(trigger);
            view.page(&current).await
        }
        Err(TestWebhookError::Invalid(errors)) => {
            let mut view = form::load(&state, &current, subject, draft)
                .await?
                .with_errors(&errors, Wanted::Test);
            view.result = Some(ResultView::mistakes());
            view.test_triggers = form::choose_one(trigger);
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            if htmx {
                let whole = [("HX-Retarget", "#webhook-form"), ("HX-Reswap", "outerHTML")];
                return Ok((status, whole, view.part()?).into_response());
            }
            Ok((status, view.page(&current).await?).into_response())
        }
        Err(TestWebhookError::Store(error)) => Err(error.into()),
    }
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
    let trigger = draft.triggers.iter().find_map(|word| Trigger::from_word(word));
    let trigger = trigger.unwrap_or(Trigger::Created);
    match state.actions.test_webhook(Some(id), &draft, trigger).await {
        Ok(invocation) => {
            Ok(Redirect::to(&format!("/invocations/{}", invocation.id)).into_response())
        }
        // It could be saved once; the form tells what has changed since.
        Err(TestWebhookError::Invalid(errors)) => {
            let subject = Subject { id: Some(id), base: None };
            let view = form::load(&state, &current, subject, draft)
                .await?
                .with_errors(&errors, Wanted::Test);
            let page = view.page(&current).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        Err(TestWebhookError::Store(error)) => Err(error.into()),
    }
}
