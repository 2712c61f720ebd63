//! The list of deliveries, with its filters and its search.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use url::form_urlencoded;

use super::DeliveryView;
use crate::model::delivery::DeliveryState;
use crate::model::{DeliveryId, WebhookId};
use crate::store::{deliveries, webhooks};
use crate::web::components::SelectOption;
use crate::web::page::{self, Nav, Page};
use crate::web::session::{CurrentUser, is_htmx};
use crate::web::{Error, WebState};

/// Maximum number of rows on a page.
const PAGE_ROWS: usize = 50;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct ListQuery {
    q: String,
    state: String,
    webhook: String,
    after: String,
}

struct TableView {
    rows: Vec<DeliveryView>,
    /// Address of the next page; empty on the last one.
    older: String,
    /// Address of the first page; empty on it.
    newest: String,
    /// Whether a search stopped before it had read all deliveries. `older` continues it.
    is_cut: bool,
    filtered: bool,
    /// Address that sends all matching deliveries again; empty without filters.
    redeliver_href: String,
    /// Whether there are no deliveries at all.
    is_blank: bool,
}

#[derive(Template)]
#[template(path = "deliveries/list.html")]
struct ListPage {
    page: Page,
    q: String,
    states: Vec<SelectOption>,
    webhooks: Vec<SelectOption>,
    table: TableView,
}

#[derive(Template)]
#[template(path = "deliveries/list.html", block = "table")]
struct ListTable {
    table: TableView,
}

/// `GET /deliveries`
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    current: CurrentUser,
    headers: HeaderMap,
    Query(params): Query<ListQuery>,
) -> Result<Response, Error> {
    let text = params.text();
    let query = params.query(&text);
    let table = load(&state, &params, &query).await?;
    if is_htmx(&headers) {
        return page::html(&ListTable { table });
    }
    let states = DeliveryState::ALL
        .into_iter()
        .map(|state| SelectOption::new(state.as_str(), state.label(), query.state == Some(state)));
    let webhooks = webhooks::list(&state.db).await?.into_iter().map(|(id, draft)| {
        SelectOption::new(id.to_string(), draft.name, query.webhook == Some(id))
    });
    let page = Page::new(&current, "Deliveries", Nav::Deliveries).await?;
    let (states, webhooks) = (states.collect(), webhooks.collect());
    page::html(&ListPage { page, q: params.q, states, webhooks, table })
}

async fn load(
    state: &WebState,
    params: &ListQuery,
    query: &deliveries::Query<'_>,
) -> Result<TableView, Error> {
    let found = deliveries::list(&state.db, query).await?;
    let now = state.sources.now();
    let shown = found.iter().take(PAGE_ROWS);
    let rows: Vec<DeliveryView> = shown.map(|delivery| DeliveryView::new(delivery, now)).collect();
    let search_end = if query.text.is_empty() || found.len() > PAGE_ROWS {
        None
    } else {
        deliveries::search_end(&state.db, query).await?
    };
    let last_row = found.get(PAGE_ROWS - 1).filter(|_| found.len() > PAGE_ROWS);
    let older = last_row.map(|delivery| delivery.id).or(search_end);
    let filtered = query.state.is_some() || query.webhook.is_some() || !query.text.is_empty();
    Ok(TableView {
        older: older.map(|id| params.href(Some(id))).unwrap_or_default(),
        newest: if query.after.is_some() { params.href(None) } else { String::new() },
        is_cut: search_end.is_some(),
        redeliver_href: if filtered && !rows.is_empty() {
            format!("/deliveries/redeliver?{}", params.filters())
        } else {
            String::new()
        },
        filtered,
        is_blank: rows.is_empty() && !filtered && query.after.is_none(),
        rows,
    })
}

impl ListQuery {
    /// The text to search for, without characters that cannot be stored.
    pub(super) fn text(&self) -> String {
        self.q.trim().replace('\0', "")
    }

    /// The filters. `text` is from [`ListQuery::text`].
    pub(super) fn query<'a>(&self, text: &'a str) -> deliveries::Query<'a> {
        deliveries::Query {
            id: None,
            state: DeliveryState::from_name(&self.state),
            webhook: self.webhook.parse::<WebhookId>().ok(),
            after: self.after.parse().ok(),
            text,
            limit: i64::try_from(PAGE_ROWS + 1).unwrap_or(i64::MAX),
        }
    }

    /// The query string of the filters, without the page.
    pub(super) fn filters(&self) -> String {
        self.query_string("")
    }

    fn href(&self, after: Option<DeliveryId>) -> String {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        format!("/deliveries?{}", self.query_string(&after))
    }

    fn query_string(&self, after: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in [
            ("q", self.q.as_str()),
            ("state", self.state.as_str()),
            ("webhook", self.webhook.as_str()),
            ("after", after),
        ] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }
}
