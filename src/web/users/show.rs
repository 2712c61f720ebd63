//! A user's page.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::{UserView, only_provider, parse_id};
use crate::identity::Role;
use crate::model::UserId;
use crate::store::users::UserStatus;
use crate::store::{second_factors, user_changes};
use crate::web::page::{self, Nav, Page};
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState};

#[derive(Template)]
#[template(path = "users/show.html")]
struct UserPage {
    page: Page,
    user: UserView,
    /// The user's role.
    role: Role,
    /// The name of the identity provider, if users sign in only with it.
    only_provider: Option<String>,
    /// Why the user was not changed; empty if there is no such reason.
    error: String,
}

/// `GET /users/{id}`
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    page(&state, &current, parse_id(&id)?, String::new()).await
}

/// Renders the page, with why the user was not changed.
pub(super) async fn page(
    state: &WebState,
    current: &CurrentUser,
    id: UserId,
    error: String,
) -> Result<Response, Error> {
    let found = user_changes::find(&state.db, id).await?.ok_or(Error::NotFound)?;
    let states = second_factors::list_states(&state.db, &[id], state.policy.second_factor).await?;
    let user = UserView::new(&found, current.user.id, current.now(state))
        .with_second_factor(states.get(&id));
    let page = Page::new(current, user.email.clone(), Nav::Users).await?;
    let only_provider = only_provider(state).map(str::to_owned);
    page::html(&UserPage { page, role: user.role, user, only_provider, error })
}
