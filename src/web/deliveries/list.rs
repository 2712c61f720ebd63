//! The list of deliveries, with its filters and its search.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use futures_util::future::try_join;

use super::DeliveryView;
use super::bulk::ActionLink;
use super::filters::{ListQuery, STATUSES, is_filtered};
use super::webhook_filter::{self, WebhookField};
use crate::identity::Permission;
use crate::model::delivery::{BulkAction, DeliveryState};
use crate::store::{delivery_search, redelivery_batches, webhooks};
use crate::web::components::SelectOption;
use crate::web::display_time::DisplayTime;
use crate::web::list_filters::{ContinuedSearch, FilterError};
use crate::web::page::{self, Nav, Page};
use crate::web::session::{CurrentUser, is_htmx};
use crate::web::{Error, WebState};

/// Maximum number of rows on a page.
const PAGE_ROWS: usize = 50;

#[derive(Default)]
struct TableView {
    rows: Vec<DeliveryView>,
    /// Address of the next page; empty on the last one.
    older: String,
    /// Address of the first page; empty on it.
    newest: String,
    /// The rest of a search that stopped before it had read all deliveries.
    search: Option<ContinuedSearch>,
    filtered: bool,
    /// The number of rows that the page had before, if the rows continue a search.
    rows_before: Option<usize>,
    /// Actions on all matching deliveries; empty without filters, or if the user may not send.
    actions: Vec<ActionLink>,
    /// Whether there are no deliveries at all.
    is_blank: bool,
    errors: Vec<FilterError>,
}

impl TableView {
    /// Whether the page has rows.
    fn found_any(&self) -> bool {
        self.rows_before.is_some_and(|count| count > 0) || !self.rows.is_empty()
    }

    fn has_error(&self, field: &str) -> bool {
        self.errors.iter().any(|error| error.field == field)
    }
}

#[derive(Template)]
#[template(path = "deliveries/list.html")]
struct ListPage {
    page: Page,
    query: ListQuery,
    places: [SelectOption; 2],
    states: Vec<SelectOption>,
    webhook: WebhookField,
    triggers: Vec<SelectOption>,
    table: TableView,
}

#[derive(Template)]
#[template(path = "deliveries/list.html", block = "table")]
struct ListTable {
    table: TableView,
}

#[derive(Template)]
#[template(path = "deliveries/_rows.html")]
struct ListRows {
    table: TableView,
}

/// `GET /deliveries`
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    current: CurrentUser,
    headers: HeaderMap,
    Query(mut query): Query<ListQuery>,
) -> Result<Response, Error> {
    let is_htmx = is_htmx(&headers);
    let unknown_webhook = webhook_filter::resolve(&state, &mut query).await?;
    let address = query.webhook_name.is_some().then(|| query.href(query.after.parse().ok()));
    if let Some(address) = &address
        && unknown_webhook.is_none()
        && !is_htmx
    {
        return Ok(Redirect::to(address).into_response());
    }
    let found = query.found.filter(|_| is_htmx);
    let mut table = load(&state, &current, &query, found).await?;
    if let Some(error) = unknown_webhook {
        table.errors.push(error);
    }
    let is_valid = table.errors.is_empty();
    let code = if is_valid { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let html = if found.is_some() {
        page::html(&ListRows { table })?
    } else if is_htmx {
        page::html(&ListTable { table })?
    } else {
        let page = Page::new(&current, "Deliveries", Nav::Deliveries).await?;
        let webhook = webhook_filter::load(&state, &query).await?;
        let (places, states, triggers) = (query.places(), query.states(), query.triggers());
        page::html(&ListPage { page, query, places, states, webhook, triggers, table })?
    };
    let mut response = (code, html).into_response();
    // The address that a script shows contains the id instead of the name.
    if is_htmx && let Some(address) = address {
        let address = HeaderValue::try_from(address).unwrap_or(HeaderValue::from_static("false"));
        response.headers_mut().insert("hx-push-url", address);
    }
    Ok(response)
}

/// Loads a page, or the rows that a page with some `found` rows still lacks.
async fn load(
    state: &WebState,
    current: &CurrentUser,
    query: &ListQuery,
    found: Option<usize>,
) -> Result<TableView, Error> {
    let text = query.text();
    let filter = match query.parse(&text) {
        Ok(filter) => filter,
        Err(errors) => return Ok(TableView { errors, filtered: true, ..TableView::default() }),
    };
    let shown = found.unwrap_or_default();
    let limit = PAGE_ROWS.saturating_sub(shown).max(1);
    let filtered = is_filtered(&filter);
    let can_send = current.can(Permission::Send);
    let offers_actions = can_send && filtered && found.is_none();
    // Finished deliveries that match are on this page or on a later one, which then has the link.
    let unfinished = async {
        if offers_actions {
            redelivery_batches::list_unfinished(&state.db, filter).await
        } else {
            Ok(Vec::new())
        }
    };
    let searching = delivery_search::list(&state.db, filter, limit);
    let (found_now, unfinished) = try_join(searching, unfinished).await?;
    let now = current.now(state);
    let rows: Vec<DeliveryView> =
        found_now.deliveries.iter().map(|delivery| DeliveryView::new(delivery, now)).collect();
    let older = found_now.next.map(|id| query.href(Some(id))).unwrap_or_default();
    let search = found_now.searched_to.map(|time| {
        let shown = shown + rows.len();
        ContinuedSearch::new(older.clone(), shown, DisplayTime::new(time, now))
    });
    let mut actions = Vec::new();
    if offers_actions {
        let found: Vec<DeliveryState> =
            unfinished.iter().chain(&found_now.deliveries).map(|one| one.state).collect();
        let applicable = BulkAction::ALL
            .into_iter()
            .filter(|action| found.iter().any(|state| action.applies_to(*state)));
        actions.extend(applicable.map(|action| ActionLink::new(action, query)));
    }
    if can_send
        && let Some(webhook) = filter.webhook
        && webhooks::find_name(&state.db, webhook).await?.is_some()
    {
        actions.push(ActionLink::replay(webhook));
    }
    Ok(TableView {
        older: if search.is_some() { String::new() } else { older },
        newest: if filter.after.is_some() { query.href(None) } else { String::new() },
        search,
        rows_before: found,
        actions,
        filtered,
        is_blank: rows.is_empty() && !filtered && filter.after.is_none(),
        rows,
        errors: Vec::new(),
    })
}
