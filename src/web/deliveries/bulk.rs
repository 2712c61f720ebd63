//! **Redeliver**, **Retry now** and **Cancel** for all deliveries that match the filters of the list: a confirmation, and
//! the progress.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use uuid::Uuid;

use super::filters::ListQuery;
use crate::identity::Permission;
use crate::model::delivery::BulkAction;
use crate::model::{DeliveryId, WebhookId};
use crate::store::delivery_search::DeliveryFilter;
use crate::store::redelivery_batches;
use crate::web::display_time::DisplayTime;
use crate::web::form::Form;
use crate::web::page::{self, Nav, Page};
use crate::web::session::{CurrentUser, is_htmx};
use crate::web::{Error, WebState};

/// The texts of an action.
struct ActionTexts {
    /// The button, and the title of the confirmation before the number.
    verb: &'static str,
    /// The title of the confirmation after the noun.
    suffix: &'static str,
    /// The progress before the noun, and after it.
    doing: (&'static str, &'static str),
    title: &'static str,
    succeeded: &'static str,
    failed: &'static str,
    nothing: &'static str,
    effects: &'static [&'static str],
}

const REDELIVER: ActionTexts = ActionTexts {
    verb: "Redeliver",
    suffix: "",
    doing: ("Sending", "again"),
    title: "Redelivery",
    succeeded: "Delivered",
    failed: "Failed",
    nothing: "No finished delivery matches the filters. Deliveries that are not finished are retried anyway, and deliveries of deleted webhooks cannot be sent again.",
    effects: &[
        "Each is sent once more with the current configuration and secrets of its webhook, also if the webhook is inactive.",
        "The target can recognize each by its webhook-id, which stays the same.",
        "There are no retries, and failures do not affect the circuit breaker.",
        "New deliveries come first, so this can take a while.",
    ],
};

const RETRY: ActionTexts = ActionTexts {
    verb: "Retry",
    suffix: "now",
    doing: ("Retrying", "now"),
    title: "Retry",
    succeeded: "Made due",
    failed: "No longer waiting",
    nothing: "No delivery that waits for its next attempt matches the filters.",
    effects: &[
        "The next attempt of each is due now instead of later.",
        "Further attempts follow the retry schedule of the webhook.",
        "While the circuit breaker of a webhook is open, one delivery is sent as a probe. The others follow when it succeeds.",
    ],
};

const CANCEL: ActionTexts = ActionTexts {
    verb: "Cancel",
    suffix: "",
    doing: ("Cancelling", ""),
    title: "Cancellation",
    succeeded: "Cancelled",
    failed: "Already sent",
    nothing: "No delivery that can be cancelled matches the filters. Deliveries that are being sent or are finished cannot be cancelled.",
    effects: &[
        "They are not sent. You can send them later with Redeliver.",
        "Deliveries that are being sent at this moment are not cancelled.",
        "Your name is shown as the reason.",
    ],
};

fn texts(action: BulkAction) -> &'static ActionTexts {
    match action {
        BulkAction::Redeliver => &REDELIVER,
        BulkAction::Retry => &RETRY,
        BulkAction::Cancel => &CANCEL,
    }
}

/// A button above the list.
pub(super) struct ActionLink {
    pub(super) href: String,
    pub(super) label: &'static str,
}

impl ActionLink {
    pub(super) fn new(action: BulkAction, query: &ListQuery) -> Self {
        let label = match action {
            BulkAction::Redeliver => "Redeliver all that match…",
            BulkAction::Retry => "Retry all now…",
            BulkAction::Cancel => "Cancel all…",
        };
        Self { href: format!("/deliveries/bulk/{action}?{}", query.filters()), label }
    }

    /// Leads to the form that sends past events to a webhook.
    pub(super) fn replay(webhook: WebhookId) -> Self {
        Self { href: format!("/webhooks/{webhook}/replay"), label: "Replay past events…" }
    }
}

#[derive(Template)]
#[template(path = "deliveries/bulk.html")]
struct ConfirmPage {
    page: Page,
    texts: &'static ActionTexts,
    is_cancel: bool,
    /// Query string of the list.
    filters: String,
    /// Address that starts the action on the deliveries that were counted.
    start_href: String,
    count: usize,
    /// How far back was searched, if there may be more.
    searched_to: Option<DisplayTime>,
}

/// A batch, ready to print.
struct BatchView {
    id: String,
    csrf: String,
    texts: &'static ActionTexts,
    /// Address of the list that it was made from.
    list_href: String,
    who: String,
    requested: DisplayTime,
    total: i64,
    succeeded: i64,
    failed: i64,
    stopped: i64,
    open: i64,
    is_stopped: bool,
    can_stop: bool,
}

#[derive(Template)]
#[template(path = "deliveries/batch.html")]
struct BatchPage {
    page: Page,
    batch: BatchView,
}

#[derive(Template)]
#[template(path = "deliveries/batch.html", block = "progress")]
struct BatchProgress {
    batch: BatchView,
}

/// `GET /deliveries/bulk/{action}`
pub(in crate::web) async fn confirm(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(action): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Response, Error> {
    let action = BulkAction::from_name(&action).ok_or(Error::NotFound)?;
    let text = query.text();
    // The list shows what is wrong with the filters.
    let Ok(filter) = query.parse(&text) else {
        return Ok(Redirect::to(&query.href(None)).into_response());
    };
    // What is created later is not included: the count would be wrong.
    let next = DeliveryId::from(state.sources.uuid());
    let filter = DeliveryFilter { after: Some(next), ..filter };
    let selected = redelivery_batches::select(&state.db, filter, action).await?;
    let now = current.now(&state);
    page::html(&ConfirmPage {
        page: Page::new(&current, texts(action).title, Nav::Deliveries).await?,
        texts: texts(action),
        is_cancel: action == BulkAction::Cancel,
        filters: query.filters(),
        start_href: format!("/deliveries/bulk/{action}?{}", query.filters_after(next)),
        count: selected.ids.len(),
        searched_to: selected.searched_to.map(|time| DisplayTime::new(time, now)),
    })
}

/// `POST /deliveries/bulk/{action}`
pub(in crate::web) async fn start(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(action): Path<String>,
    Query(query): Query<ListQuery>,
    _form: Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    let action = BulkAction::from_name(&action).ok_or(Error::NotFound)?;
    let text = query.text();
    let Ok(filter) = query.parse(&text) else {
        return Ok(Redirect::to(&query.href(None)).into_response());
    };
    let actor = current.actor();
    let id = state.actions.start_batch(action, filter, &query.filters(), &actor).await?;
    Ok(Redirect::to(&format!("/deliveries/batches/{id}")).into_response())
}

/// `GET /deliveries/batches/{id}`
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    current: CurrentUser,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let id: Uuid = id.parse().map_err(|_error: uuid::Error| Error::NotFound)?;
    let found = redelivery_batches::find(&state.db, id).await?.ok_or(Error::NotFound)?;
    let texts = texts(found.action);
    let batch = BatchView {
        id: id.to_string(),
        csrf: current.session.csrf.clone(),
        texts,
        list_href: format!("/deliveries?{}", found.filters),
        who: found.who,
        requested: DisplayTime::new(found.requested_at, current.now(&state)),
        total: found.total,
        succeeded: found.succeeded,
        failed: found.failed,
        stopped: found.total - found.succeeded - found.failed - found.open,
        open: found.open,
        is_stopped: found.stopped_at.is_some(),
        can_stop: found.open > 0 && found.stopped_at.is_none() && current.can(Permission::Send),
    };
    if is_htmx(&headers) {
        return page::html(&BatchProgress { batch });
    }
    let page = Page::new(&current, texts.title, Nav::Deliveries).await?;
    page::html(&BatchPage { page, batch })
}

/// `POST /deliveries/batches/{id}/stop`
pub(in crate::web) async fn stop(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
    _form: Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    let id: Uuid = id.parse().map_err(|_error: uuid::Error| Error::NotFound)?;
    if !state.actions.stop_batch(id, &current.actor()).await? {
        return Err(Error::NotFound);
    }
    Ok(Redirect::to(&format!("/deliveries/batches/{id}")).into_response())
}
