//! Sends all finished deliveries again that match the filters of the list: a confirmation, and the progress.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use uuid::Uuid;

use super::filters::ListQuery;
use crate::model::DeliveryId;
use crate::store::delivery_search::DeliveryFilter;
use crate::store::redelivery_batches;
use crate::web::display_time::DisplayTime;
use crate::web::form::Form;
use crate::web::page::{self, Nav, Page};
use crate::web::session::{CurrentUser, is_htmx};
use crate::web::{Error, WebState};

#[derive(Template)]
#[template(path = "deliveries/redeliver_all.html")]
struct ConfirmPage {
    page: Page,
    /// Query string of the list.
    filters: String,
    /// The same for the deliveries that were counted.
    start_filters: String,
    count: usize,
    /// How far back was searched, if there may be more.
    searched_to: Option<DisplayTime>,
}

/// A batch, ready to print.
struct BatchView {
    id: String,
    csrf: String,
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
}

#[derive(Template)]
#[template(path = "deliveries/redelivery_batch.html")]
struct BatchPage {
    page: Page,
    batch: BatchView,
}

#[derive(Template)]
#[template(path = "deliveries/redelivery_batch.html", block = "progress")]
struct BatchProgress {
    batch: BatchView,
}

/// `GET /deliveries/redeliver`
pub(in crate::web) async fn confirm(
    State(state): State<WebState>,
    current: CurrentUser,
    Query(query): Query<ListQuery>,
) -> Result<Response, Error> {
    let text = query.text();
    // The list shows what is wrong with the filters.
    let Ok(filter) = query.parse(&text) else {
        return Ok(Redirect::to(&query.href(None)).into_response());
    };
    // What is created later is not included: the count would be wrong.
    let next = DeliveryId::from(state.sources.uuid());
    let filter = DeliveryFilter { after: Some(next), ..filter };
    let selected = redelivery_batches::select(&state.db, filter).await?;
    let now = state.sources.now();
    let page = Page::new(&current, "Redeliver", Nav::Deliveries).await?;
    page::html(&ConfirmPage {
        page,
        filters: query.filters(),
        start_filters: query.filters_after(next),
        count: selected.ids.len(),
        searched_to: selected.searched_to.map(|time| DisplayTime::new(time, now)),
    })
}

/// `POST /deliveries/redeliver`
pub(in crate::web) async fn start(
    State(state): State<WebState>,
    current: CurrentUser,
    Query(query): Query<ListQuery>,
    _form: Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    let text = query.text();
    let Ok(filter) = query.parse(&text) else {
        return Ok(Redirect::to(&query.href(None)).into_response());
    };
    let id = state.actions.redeliver_all(filter, &query.filters(), &current.actor()).await?;
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
    let batch = BatchView {
        id: id.to_string(),
        csrf: current.session.csrf.clone(),
        list_href: format!("/deliveries?{}", found.filters),
        who: found.who,
        requested: DisplayTime::new(found.requested_at, state.sources.now()),
        total: found.total,
        succeeded: found.succeeded,
        failed: found.failed,
        stopped: found.total - found.succeeded - found.failed - found.open,
        open: found.open,
        is_stopped: found.stopped_at.is_some(),
    };
    if is_htmx(&headers) {
        return page::html(&BatchProgress { batch });
    }
    let page = Page::new(&current, "Redelivery", Nav::Deliveries).await?;
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
    if !state.actions.stop_redeliveries(id, &current.actor()).await? {
        return Err(Error::NotFound);
    }
    Ok(Redirect::to(&format!("/deliveries/batches/{id}")).into_response())
}
