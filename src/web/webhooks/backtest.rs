//! Trying the form on events that were received.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use super::events;
use super::form;
use super::preview::{PreviewView, without_gaps};
use super::typed::Typed;
use crate::actions::{Backtest, BacktestError, Preview};
use crate::model::webhook::{Draft, FieldErrors, SkipReason};
use crate::model::{Timestamp, WebhookId, filter};
use crate::store::events::StoredEvent;
use crate::web::form::Form;
use crate::web::moment::Moment;
use crate::web::page;
use crate::web::session::{CurrentUser, is_htmx};
use crate::web::{Error, WebState};

/// An event that would be sent.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) label: String,
    pub(super) requester: String,
    pub(super) preview: PreviewView,
}

/// What would become of the newest events, ready to print.
#[derive(Debug, Default)]
pub(super) struct BacktestView {
    /// Why nothing was tried.
    pub(super) mistakes: Vec<String>,
    pub(super) tried: usize,
    /// When the oldest came in.
    pub(super) since: Option<Moment>,
    pub(super) sent: usize,
    pub(super) refused: usize,
    /// How many, and why.
    pub(super) reasons: Vec<(usize, String)>,
    /// Which event, and what is wrong.
    pub(super) broken: Vec<(String, String)>,
    pub(super) shown: Vec<Shown>,
}

#[derive(Template)]
#[template(path = "webhooks/_backtest.html")]
struct Part {
    backtest: BacktestView,
}

/// `POST /webhooks/backtest`
pub(in crate::web) async fn run(
    State(state): State<WebState>,
    current: CurrentUser,
    headers: HeaderMap,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    let typed = Typed::new(pairs);
    let draft = typed.draft();
    let backtest = BacktestView::make(&state, typed.secrets_from(), &draft).await?;
    if is_htmx(&headers) {
        return page::html(&Part { backtest });
    }
    let mut view = form::load(&state, &current, typed.subject(), draft).await?;
    view.backtest = Some(backtest);
    view.page(&current).await
}

impl BacktestView {
    /// Tries a draft that need not be complete, as the preview does.
    async fn make(state: &WebState, base: Option<WebhookId>, draft: &Draft) -> Result<Self, Error> {
        let errors = match run_once(state, base, draft).await? {
            Ok(done) => return Ok(Self::new(done, &draft.method, state.sources.now())),
            Err(errors) => errors,
        };
        let (lenient, _) = without_gaps(draft, &errors);
        Ok(match run_once(state, base, &lenient).await? {
            Ok(done) => Self::new(done, &draft.method, state.sources.now()),
            Err(errors) => Self { mistakes: errors.messages(), ..Self::default() },
        })
    }

    fn new(done: Backtest, method: &str, now: Timestamp) -> Self {
        let mut reasons: Vec<(usize, String)> =
            done.refused.iter().map(|(refusal, count)| (*count, in_words(refusal))).collect();
        reasons.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        let shown = |(event, preview): (StoredEvent, Preview)| Shown {
            label: events::label(&event, now),
            requester: event.requester,
            preview: PreviewView::rendered(method, &preview, Vec::new()),
        };
        Self {
            mistakes: Vec::new(),
            tried: done.tried,
            since: done.oldest.map(|event| Moment::new(event.received_at, now)),
            sent: done.sent,
            refused: done.refused.values().sum(),
            reasons,
            broken: done
                .broken
                .into_iter()
                .map(|(event, why)| (events::label(&event, now), why))
                .collect(),
            shown: done.shown.into_iter().map(shown).collect(),
        }
    }

    /// How many were tried, in words.
    pub(super) fn of_all(&self) -> String {
        match self.tried {
            1 => "Of the 1 stored event".to_owned(),
            crate::actions::MAX_BACKTEST_EVENTS => format!("Of the newest {} events", self.tried),
            tried => format!("Of the {tried} stored events"),
        }
    }
}

async fn run_once(
    state: &WebState,
    base: Option<WebhookId>,
    draft: &Draft,
) -> Result<Result<Backtest, FieldErrors>, Error> {
    match state.actions.backtest(base, draft).await {
        Ok(done) => Ok(Ok(done)),
        Err(BacktestError::Invalid(errors)) => Ok(Err(errors)),
        Err(BacktestError::Store(error)) => Err(error.into()),
        Err(BacktestError::Stopping) => Err(Error::Internal("the backtest was stopped".to_owned())),
    }
}

fn in_words(refusal: &SkipReason) -> String {
    match refusal {
        SkipReason::Trigger(trigger) => format!("Trigger {trigger} is not selected"),
        SkipReason::Filter(field) => format!("Filter {} does not match", field.label()),
        SkipReason::NoSingleGroup(fields) => {
            let labels: Vec<&str> = fields.iter().copied().map(filter::Field::label).collect();
            format!("No single access group matches all of {}", labels.join(", "))
        }
    }
}
