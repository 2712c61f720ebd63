//! Resets the second factor of a user, and chooses the roles that require one.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::{UserView, parse_id};
use crate::actions::{RequireSecondFactorError, ResetSecondFactorError, UserRef};
use crate::identity::Role;
use crate::store::{second_factors, user_changes};
use crate::web::form::Form;
use crate::web::page::{self, Nav, Page};
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState};

#[derive(Template)]
#[template(path = "users/second_factor.html")]
struct ResetPage {
    page: Page,
    user: UserView,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct RequirementForm {
    /// The roles that require a second factor.
    role: Vec<String>,
}

/// `GET /users/{id}/two-factor/reset`
pub(in crate::web) async fn confirm(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let id = parse_id(&id)?;
    let found = user_changes::find(&state.db, id).await?.ok_or(Error::NotFound)?;
    let states = second_factors::list_states(&state.db, &[id], state.policy.second_factor).await?;
    let user = UserView::new(&found, current.user.id, current.now(&state))
        .with_second_factor(states.get(&id));
    if user.is_self || !user.second_factor.is_on {
        return Ok(Redirect::to(&format!("/users/{id}")).into_response());
    }
    let title = format!("Reset two-factor authentication of {}", user.email);
    let page = Page::new(&current, title, Nav::Users).await?;
    page::html(&ResetPage { page, user })
}

/// `POST /users/{id}/two-factor/reset`
pub(in crate::web) async fn reset(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
    _form: Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    let id = parse_id(&id)?;
    if id == current.user.id {
        // The page Account asks for a code.
        return Ok(Redirect::to("/account").into_response());
    }
    let message = match state.actions.reset_second_factor(UserRef::Id(id), &current.actor()).await {
        Ok(email) => format!("Reset the two-factor authentication of {email}."),
        Err(ResetSecondFactorError::Off) => "Two-factor authentication was already off.".to_owned(),
        Err(ResetSecondFactorError::NotFound) => return Err(Error::NotFound),
        Err(ResetSecondFactorError::Store(error)) => return Err(error.into()),
    };
    current.session.notify(message).await?;
    Ok(Redirect::to(&format!("/users/{id}")).into_response())
}

/// `POST /users/two-factor`
pub(in crate::web) async fn require(
    State(state): State<WebState>,
    current: CurrentUser,
    Form(form): Form<RequirementForm>,
) -> Result<Response, Error> {
    let roles: Result<Vec<Role>, String> = form.role.iter().map(|role| role.parse()).collect();
    let roles = roles.map_err(Error::Unreadable)?;
    let message = match state.actions.require_second_factor(&roles, &current.actor()).await {
        Ok(()) => "Saved the roles that require two-factor authentication.",
        // A form that was opened before strict mode was turned on.
        Err(RequireSecondFactorError::RequiredForAll) => {
            "Nothing was changed: strict mode requires two-factor authentication for all roles."
        }
        Err(RequireSecondFactorError::Store(error)) => return Err(error.into()),
    };
    current.session.notify(message).await?;
    Ok(Redirect::to("/users").into_response())
}
