//! Changes the role of a user, ends sessions, and disables and enables users.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::{parse_id, show};
use crate::actions::{ChangeUserError, UserChange, UserRef};
use crate::identity::{Permission, Role};
use crate::web::form::Form;
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState};

/// Why the last active administrator was not changed.
const LAST_ADMINISTRATOR: &str = "Nothing was changed: this is the last active administrator. Make another user an administrator first.";

#[derive(Debug, Deserialize)]
pub(in crate::web) struct RoleForm {
    role: String,
}

/// `POST /users/{id}/role`
pub(in crate::web) async fn role(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
    Form(form): Form<RoleForm>,
) -> Result<Response, Error> {
    let role: Role = form.role.parse().map_err(Error::Unreadable)?;
    change(&state, &current, &id, UserChange::Role(role)).await
}

/// `POST /users/{id}/sessions/end`
pub(in crate::web) async fn end_sessions(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
    _form: Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    if parse_id(&id)? == current.user.id {
        // Users end their own sessions there.
        return Ok(Redirect::to("/account").into_response());
    }
    change(&state, &current, &id, UserChange::EndSessions).await
}

/// `POST /users/{id}/disable`
pub(in crate::web) async fn disable(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
    _form: Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    change(&state, &current, &id, UserChange::Disable).await
}

/// `POST /users/{id}/enable`
pub(in crate::web) async fn enable(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
    _form: Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    change(&state, &current, &id, UserChange::Enable).await
}

/// Makes a change and shows the users, or the user's page with why it was not made.
pub(super) async fn change(
    state: &WebState,
    current: &CurrentUser,
    id: &str,
    change: UserChange,
) -> Result<Response, Error> {
    let id = parse_id(id)?;
    match state.actions.change_user(UserRef::Id(id), change, &current.actor()).await {
        Ok(before) => {
            let email = before.user.email;
            let done = match change {
                UserChange::Role(role) => format!("{email} is now {}.", with_article(role)),
                UserChange::EndSessions => format!("Signed {email} out everywhere."),
                UserChange::Disable => format!("Disabled {email}."),
                UserChange::Enable => format!("Enabled {email}."),
                UserChange::Delete => format!("Deleted {email}."),
            };
            current.session.notify(done).await?;
            let may_stay = match change {
                UserChange::Role(role) => {
                    id != current.user.id || role.allows(Permission::ManageUsers)
                }
                UserChange::EndSessions
                | UserChange::Disable
                | UserChange::Enable
                | UserChange::Delete => true,
            };
            Ok(Redirect::to(if may_stay { "/users" } else { "/webhooks" }).into_response())
        }
        Err(ChangeUserError::LastAdministrator) => {
            let page = show::page(state, current, id, LAST_ADMINISTRATOR.to_owned()).await?;
            Ok((StatusCode::CONFLICT, page).into_response())
        }
        Err(ChangeUserError::NotFound) => Err(Error::NotFound),
        Err(ChangeUserError::Store(error)) => Err(error.into()),
    }
}

fn with_article(role: Role) -> String {
    let article = if role == Role::Viewer { "a" } else { "an" };
    format!("{article} {role}")
}
