//! The list of users, with its search.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;

use super::UserView;
use crate::identity::Role;
use crate::store::{second_factors, user_changes};
use crate::web::list_filters::query_string;
use crate::web::page::{self, Nav, Page};
use crate::web::session::{CurrentUser, is_htmx};
use crate::web::{Error, WebState};

/// Maximum number of rows on a page.
const PAGE_ROWS: usize = 50;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct ListQuery {
    q: String,
    /// Email address of the last row of the page before, in lower case.
    after: String,
}

struct TableView {
    rows: Vec<UserView>,
    /// Address of the next page; empty on the last one.
    next: String,
    /// Address of the first page; empty on it.
    first: String,
}

#[derive(Template)]
#[template(path = "users/list.html")]
struct ListPage {
    page: Page,
    q: String,
    /// Whether users can be invited, who set a password.
    invites: bool,
    table: TableView,
    requirements: Vec<RequirementView>,
    /// Whether strict mode requires a second factor of all users, so that there is no choice.
    required_for_all: bool,
    /// The name of the identity provider, if there is single sign-on.
    single_sign_on: Option<String>,
}

/// Whether a role requires a second factor.
struct RequirementView {
    role: Role,
    is_required: bool,
}

#[derive(Template)]
#[template(path = "users/list.html", block = "table")]
struct ListTable {
    table: TableView,
}

/// `GET /users`
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    current: CurrentUser,
    headers: HeaderMap,
    Query(query): Query<ListQuery>,
) -> Result<Response, Error> {
    let table = load(&state, &current, &query).await?;
    if is_htmx(&headers) {
        return page::html(&ListTable { table });
    }
    let page = Page::new(&current, "Users", Nav::Users).await?;
    let required = second_factors::list_required_roles(&state.db).await?;
    let required_for_all = state.policy.second_factor.is_for_all();
    let is_required = |role: Role| required.iter().any(|name| name == role.as_str());
    let requirements =
        Role::ALL.map(|role| RequirementView { role, is_required: is_required(role) });
    let (requirements, invites) = (requirements.into(), state.actions.allows_passwords());
    let single_sign_on = state.actions.single_sign_on_name().map(str::to_owned);
    page::html(&ListPage {
        page,
        q: query.q,
        invites,
        table,
        requirements,
        required_for_all,
        single_sign_on,
    })
}

async fn load(
    state: &WebState,
    current: &CurrentUser,
    query: &ListQuery,
) -> Result<TableView, Error> {
    let search = query.q.trim().replace('\0', "");
    let after = query.after.replace('\0', "");
    let after = Some(after.as_str()).filter(|after| !after.is_empty());
    let limit = i64::try_from(PAGE_ROWS + 1).unwrap_or(i64::MAX);
    let found = user_changes::list(&state.db, &search, after, limit).await?;
    let has_more = found.len() > PAGE_ROWS;
    let last = found.get(PAGE_ROWS - 1).filter(|_| has_more);
    let next = last.map(|last| query.href(&last.user.email.to_lowercase())).unwrap_or_default();
    let first = if after.is_some() { query.href("") } else { String::new() };
    let now = current.now(state);
    let ids: Vec<_> = found.iter().map(|details| details.user.id).collect();
    let states = second_factors::list_states(&state.db, &ids, state.policy.second_factor).await?;
    let rows = found.iter().take(PAGE_ROWS).map(|details| {
        let view = UserView::new(details, current.user.id, now);
        view.with_second_factor(states.get(&details.user.id))
    });
    Ok(TableView { rows: rows.collect(), next, first })
}

impl ListQuery {
    fn href(&self, after: &str) -> String {
        format!("/users?{}", query_string([("q", self.q.as_str()), ("after", after)]))
    }
}
