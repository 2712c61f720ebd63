//! Deletes a user after a confirmation.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::{UserView, change, parse_id};
use crate::actions::UserChange;
use crate::store::user_changes;
use crate::web::form::Form;
use crate::web::page::{self, Nav, Page};
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState};

#[derive(Template)]
#[template(path = "users/delete.html")]
struct DeletePage {
    page: Page,
    user: UserView,
}

/// `GET /users/{id}/delete`
pub(in crate::web) async fn confirm(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let found = user_changes::find(&state.db, parse_id(&id)?).await?.ok_or(Error::NotFound)?;
    let user = UserView::new(&found, current.user.id, current.now(&state));
    let page = Page::new(&current, format!("Delete {}", user.email), Nav::Users).await?;
    page::html(&DeletePage { page, user })
}

/// `POST /users/{id}/delete`
pub(in crate::web) async fn delete(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
    _form: Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    change::change(&state, &current, &id, UserChange::Delete).await
}
