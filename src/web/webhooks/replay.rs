//! **Replay**: sends the stored events of a range of time to one webhook. A dry run comes first.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DurationRound, TimeDelta};
use serde::Deserialize;

use super::form::{PreviewView, describe_skip};
use super::parse_id;
use crate::actions::{MAX_DRY_RUN_EVENTS, PlannedRequest, ReplayError, ReplayPlan};
use crate::model::webhook::Draft;
use crate::model::{Timestamp, WebhookId};
use crate::store::replays::ReplayRange;
use crate::store::webhooks;
use crate::web::form::Form;
use crate::web::list_filters::{FilterError, parse_times};
use crate::web::page::{self, Nav, Page};
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState};

/// The length of the range that the page proposes, in hours.
const DEFAULT_HOURS: i64 = 24;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct ReplayForm {
    from: String,
    to: String,
    /// `all` for events that do not match too.
    events: String,
    /// `true` for events that the webhook has received too.
    repeat: String,
}

#[derive(Template)]
#[template(path = "webhooks/replay.html")]
struct ReplayPage {
    page: Page,
    id: String,
    name: String,
    is_active: bool,
    form: ReplayForm,
    errors: Vec<FilterError>,
    /// Why the replay was not planned or started; empty if it was.
    problem: String,
    plan: Option<PlanView>,
}

/// The result of the dry run, ready to print.
struct PlanView {
    total: i64,
    evaluated: usize,
    sent: usize,
    repeated: usize,
    /// Skip reasons, each with its number of events, most frequent first.
    skipped: Vec<(usize, String)>,
    broken: usize,
    broken_because: String,
    requests: Vec<RequestView>,
}

struct RequestView {
    event_type: String,
    request: String,
    preview: PreviewView,
}

/// `GET /webhooks/{id}/replay`
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
    Query(mut form): Query<ReplayForm>,
) -> Result<Response, Error> {
    let id = parse_id(&id)?;
    let draft = webhooks::find(&state.db, id).await?.ok_or(Error::NotFound)?;
    if form.from.is_empty() && form.to.is_empty() {
        form.propose_range(state.sources.now());
        return render(&current, id, &draft, form, Outcome::default()).await;
    }
    let range = match form.range(id) {
        Ok(range) => range,
        Err(errors) => {
            return render(&current, id, &draft, form, Outcome { errors, ..<_>::default() }).await;
        }
    };
    match state.actions.plan_replay(&range).await {
        Ok(plan) => {
            let method = draft.method.clone();
            let view = state.actions.run_blocking(move || PlanView::new(plan, &method)).await;
            let outcome = Outcome { plan: Some(view), ..<_>::default() };
            render(&current, id, &draft, form, outcome).await
        }
        Err(error) => render(&current, id, &draft, form, Outcome::refused(error)?).await,
    }
}

/// `POST /webhooks/{id}/replay`
pub(in crate::web) async fn start(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
    Form(form): Form<ReplayForm>,
) -> Result<Response, Error> {
    let id = parse_id(&id)?;
    let draft = webhooks::find(&state.db, id).await?.ok_or(Error::NotFound)?;
    let outcome = match form.range(id) {
        Err(errors) => Outcome { errors, ..<_>::default() },
        Ok(range) => match state.actions.start_replay(&range, &current.actor()).await {
            Ok(replay) => {
                let address = format!("/webhooks/{id}/replays/{replay}");
                return Ok(Redirect::to(&address).into_response());
            }
            Err(error) => Outcome::refused(error)?,
        },
    };
    render(&current, id, &draft, form, outcome).await
}

/// What the page shows below the form.
#[derive(Default)]
struct Outcome {
    errors: Vec<FilterError>,
    problem: String,
    plan: Option<PlanView>,
}

impl Outcome {
    fn refused(error: ReplayError) -> Result<Self, Error> {
        match error {
            ReplayError::NotFound => Err(Error::NotFound),
            ReplayError::Store(error) => Err(error.into()),
            refused @ (ReplayError::Inactive
            | ReplayError::Invalid(_)
            | ReplayError::Empty
            | ReplayError::TooMany
            | ReplayError::Stopping) => {
                Ok(Self { problem: refused.to_string(), ..Self::default() })
            }
        }
    }
}

async fn render(
    current: &CurrentUser,
    id: WebhookId,
    draft: &Draft,
    form: ReplayForm,
    outcome: Outcome,
) -> Result<Response, Error> {
    let Outcome { errors, problem, plan } = outcome;
    let is_valid = errors.is_empty() && problem.is_empty();
    let page = page::html(&ReplayPage {
        page: Page::new(current, format!("Replay · {}", draft.name), Nav::Webhooks).await?,
        id: id.to_string(),
        name: draft.name.clone(),
        is_active: draft.active,
        form,
        errors,
        problem,
        plan,
    })?;
    let status = if is_valid { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, page).into_response())
}

impl ReplayForm {
    fn propose_range(&mut self, now: Timestamp) {
        let now = now.duration_trunc(TimeDelta::minutes(1)).unwrap_or(now);
        let text = |time: Timestamp| time.format("%Y-%m-%dT%H:%M").to_string();
        self.from = text(now - TimeDelta::hours(DEFAULT_HOURS));
        self.to = text(now);
    }

    fn range(&self, webhook: WebhookId) -> Result<ReplayRange, Vec<FilterError>> {
        let (from, until) = parse_times(&self.from, &self.to)?;
        let missing = |field| FilterError {
            field,
            message: "Enter a date and a time in UTC, such as 2026-11-27T09:30.".to_owned(),
        };
        match (from, until) {
            (Some(from), Some(until)) => Ok(ReplayRange {
                webhook,
                from,
                until,
                ignores_filters: self.sends_all(),
                repeats: self.repeats(),
            }),
            (from, until) => {
                Err([from.is_none().then_some("from"), until.is_none().then_some("to")]
                    .into_iter()
                    .flatten()
                    .map(missing)
                    .collect())
            }
        }
    }

    fn sends_all(&self) -> bool {
        self.events == "all"
    }

    fn repeats(&self) -> bool {
        self.repeat == "true"
    }
}

impl ReplayPage {
    fn error(&self, field: &str) -> Option<&str> {
        let error = self.errors.iter().find(|error| error.field == field);
        error.map(|error| error.message.as_str())
    }
}

impl PlanView {
    fn new(plan: ReplayPlan, method: &str) -> Self {
        let mut skipped: Vec<(usize, String)> =
            plan.skipped.iter().map(|(reason, count)| (*count, describe_skip(reason))).collect();
        skipped.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        let request = |planned: PlannedRequest| RequestView {
            event_type: planned.event_type,
            request: planned.request,
            preview: PreviewView::rendered(method, &planned.preview, Vec::new()),
        };
        let (broken, broken_because) = plan.broken.unwrap_or_default();
        Self {
            total: plan.total,
            evaluated: plan.evaluated,
            sent: plan.sent,
            repeated: plan.repeated,
            skipped,
            broken,
            broken_because,
            requests: plan.shown.into_iter().map(request).collect(),
        }
    }

    /// Number of events that do not match.
    fn not_matching(&self) -> usize {
        self.skipped.iter().map(|(count, _)| count).sum()
    }

    /// Whether all events were evaluated.
    fn is_complete(&self) -> bool {
        self.evaluated < MAX_DRY_RUN_EVENTS
            || i64::try_from(self.evaluated).is_ok_and(|evaluated| evaluated >= self.total)
    }

    /// Whether there may be something to send.
    fn can_start(&self) -> bool {
        self.sent + self.broken > 0 || !self.is_complete()
    }
}
