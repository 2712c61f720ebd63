//! The progress of a sample access request.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use uuid::Uuid;

use super::super::ResultView;
use crate::identity::Permission;
use crate::model::EventId;
use crate::store::deliveries::by_event::{self, EventResult};
use crate::store::sample_requests::{self, StoredSample};
use crate::web::display_time::{DisplayTime, LocalNow};
use crate::web::form::Form;
use crate::web::page::{self, Nav, Page};
use crate::web::session::{CurrentUser, is_htmx};
use crate::web::{Error, WebState};

struct StepView {
    trigger: String,
    due: DisplayTime,
    /// Address of the event; empty until it is sent.
    href: String,
    result: Option<ResultView>,
}

struct SampleView {
    href: String,
    webhook_href: String,
    webhook_name: String,
    requested: DisplayTime,
    who: String,
    steps: Vec<StepView>,
    /// Whether there are events to send.
    is_open: bool,
    /// Whether anything can still change.
    is_running: bool,
    csrf: String,
    can_send: bool,
}

#[derive(Template)]
#[template(path = "events/samples/progress.html")]
struct ProgressPage {
    page: Page,
    sample: SampleView,
}

#[derive(Template)]
#[template(path = "events/samples/progress.html", block = "progress")]
struct ProgressPart {
    sample: SampleView,
}

/// `GET /events/samples/{id}`
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    current: CurrentUser,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let id: Uuid = id.parse().map_err(|_error: uuid::Error| Error::NotFound)?;
    let found = sample_requests::find(&state.db, id).await?.ok_or(Error::NotFound)?;
    let events: Vec<Uuid> =
        found.steps.iter().filter_map(|step| step.event).map(EventId::uuid).collect();
    let mut connection = state.db.acquire().await.map_err(crate::store::Error::from)?;
    let results = by_event::count(&mut connection, &events).await?;
    drop(connection);
    let result = |event| results.get(event).copied().unwrap_or_default();
    let results = found.steps.iter().map(|step| step.event.as_ref().map(result)).collect();
    let sample = SampleView::new(id, found, results, current.now(&state), &current);
    if is_htmx(&headers) {
        return page::html(&ProgressPart { sample });
    }
    let page = Page::new(&current, "Sample access request", Nav::Events).await?;
    page::html(&ProgressPage { page, sample })
}

/// `POST /events/samples/{id}/stop`
pub(in crate::web) async fn stop(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
    _form: Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    let id: Uuid = id.parse().map_err(|_error: uuid::Error| Error::NotFound)?;
    state.actions.stop_sample(id, &current.actor()).await?;
    Ok(Redirect::to(&format!("/events/samples/{id}")).into_response())
}

impl SampleView {
    fn new(
        id: Uuid,
        sample: StoredSample,
        results: Vec<Option<EventResult>>,
        now: LocalNow,
        current: &CurrentUser,
    ) -> Self {
        let is_open = sample.steps.iter().any(|step| step.event.is_none());
        let is_unfinished = results.iter().flatten().any(|result| result.unfinished > 0);
        let steps = sample.steps.into_iter().zip(results).map(|(step, result)| StepView {
            trigger: step.trigger,
            due: DisplayTime::new(step.due_at, now),
            href: step.event.map(|event| format!("/events/{event}")).unwrap_or_default(),
            result: result.map(ResultView::new),
        });
        Self {
            href: format!("/events/samples/{id}"),
            webhook_href: sample.webhook.map(|id| format!("/webhooks/{id}")).unwrap_or_default(),
            webhook_name: sample.webhook_name,
            requested: DisplayTime::new(sample.requested_at, now),
            who: sample.who,
            steps: steps.collect(),
            is_open,
            is_running: is_open || is_unfinished,
            csrf: current.session.csrf.clone(),
            can_send: current.can(Permission::Send),
        }
    }
}
