//! Invites users, and shows their one-time links.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::{only_provider, parse_id, show};
use crate::actions::{Invitation, InviteUserError};
use crate::identity::Role;
use crate::store::user_changes;
use crate::web::auth::invitation;
use crate::web::display_time::DisplayTime;
use crate::web::form::Form;
use crate::web::page::{self, Nav, Page};
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState};

#[derive(Debug, Deserialize)]
#[serde(default)]
pub(in crate::web) struct InviteForm {
    email: String,
    role: String,
}

impl Default for InviteForm {
    fn default() -> Self {
        Self { email: String::new(), role: Role::Viewer.as_str().to_owned() }
    }
}

#[derive(Template)]
#[template(path = "users/new.html")]
struct InvitePage {
    page: Page,
    email: String,
    role: Role,
    error: String,
    /// The page of the user who has this email address; empty if there is none.
    taken_href: String,
}

#[derive(Template)]
#[template(path = "users/no_invitation.html")]
struct NoInvitationPage<'a> {
    page: Page,
    /// The name of the identity provider.
    provider: &'a str,
}

#[derive(Template)]
#[template(path = "users/invited.html")]
struct InvitedPage {
    page: Page,
    email: String,
    role: Role,
    link: String,
    /// The code in the link, for browsers that run no scripts.
    code: String,
    /// Why the link was not mailed; empty if there is no mail server.
    mail_error: String,
    end: DisplayTime,
}

/// `GET /users/new`
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    current: CurrentUser,
) -> Result<Response, Error> {
    if let Some(provider) = only_provider(&state) {
        return no_invitation_page(&current, provider).await;
    }
    form_page(&current, InviteForm::default(), (String::new(), String::new())).await
}

/// `POST /users`
pub(in crate::web) async fn submit(
    State(state): State<WebState>,
    current: CurrentUser,
    headers: HeaderMap,
    Form(form): Form<InviteForm>,
) -> Result<Response, Error> {
    let role: Role = form.role.parse().map_err(Error::Unreadable)?;
    if let Some(provider) = only_provider(&state) {
        let page = no_invitation_page(&current, provider).await?;
        return Ok((StatusCode::CONFLICT, page).into_response());
    }
    let mut taken_href = String::new();
    let message = match state.actions.invite_user(&form.email, role, &current.actor()).await {
        Ok(invitation) => return link_page(&state, &current, &headers, invitation).await,
        Err(error @ InviteUserError::InvalidEmail) => error.to_string(),
        Err(InviteUserError::EmailTaken) => {
            let found = user_changes::find_by_email(&state.db, form.email.trim()).await?;
            taken_href = found.map(|user| format!("/users/{}", user.user.id)).unwrap_or_default();
            "There is already a user with this email address.".to_owned()
        }
        Err(InviteUserError::NotFound | InviteUserError::NotInvited) => {
            return Err(Error::NotFound);
        }
        Err(InviteUserError::Store(error)) => return Err(error.into()),
    };
    let page = form_page(&current, form, (message, taken_href)).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

/// `POST /users/{id}/invitation`
pub(in crate::web) async fn renew(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
    headers: HeaderMap,
    _form: Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    let id = parse_id(&id)?;
    if let Some(provider) = only_provider(&state) {
        let message = format!(
            "No link was created: password sign-in is off. The user signs in with {provider}."
        );
        let page = show::page(&state, &current, id, message).await?;
        return Ok((StatusCode::CONFLICT, page).into_response());
    }
    match state.actions.renew_invitation(id, &current.actor()).await {
        Ok(invitation) => link_page(&state, &current, &headers, invitation).await,
        Err(InviteUserError::NotInvited) => {
            let message = "No link was created: only users who have not accepted their invitation can get a new one.";
            let page = show::page(&state, &current, id, message.to_owned()).await?;
            Ok((StatusCode::CONFLICT, page).into_response())
        }
        Err(InviteUserError::Store(error)) => Err(error.into()),
        Err(_) => Err(Error::NotFound),
    }
}

/// Renders the page for an installation in which users sign in only with the identity provider.
async fn no_invitation_page(current: &CurrentUser, provider: &str) -> Result<Response, Error> {
    let page = Page::new(current, "Invite user", Nav::Users).await?;
    page::html(&NoInvitationPage { page, provider })
}

async fn form_page(
    current: &CurrentUser,
    form: InviteForm,
    (error, taken_href): (String, String),
) -> Result<Response, Error> {
    let page = Page::new(current, "Invite user", Nav::Users).await?;
    let role = Role::from_stored(&form.role);
    page::html(&InvitePage { page, email: form.email, role, error, taken_href })
}

/// Mails a link, or shows it if that is not possible. It cannot be shown again.
async fn link_page(
    state: &WebState,
    current: &CurrentUser,
    headers: &HeaderMap,
    invitation: Invitation,
) -> Result<Response, Error> {
    let Invitation { user, token, expires_at } = invitation;
    let code = token.reveal().to_owned();
    let page = state.public.link(headers, invitation::PATH);
    let link = format!("{page}#{code}");
    let mailed = state.actions.mail_invitation(&user.email, (&link, &code), expires_at).await;
    let mail_error = match mailed {
        Ok(true) => {
            current.session.notify(format!("Mailed an invitation to {}.", user.email)).await?;
            return Ok(Redirect::to("/users").into_response());
        }
        Ok(false) => String::new(),
        Err(error) => {
            tracing::warn!(error = ?error, "could not mail an invitation");
            error.to_string()
        }
    };
    let page = Page::new(current, format!("Invitation of {}", user.email), Nav::Users).await?;
    page::html(&InvitedPage {
        page,
        role: Role::from_stored(&user.role),
        email: user.email,
        link,
        code,
        mail_error,
        end: DisplayTime::new(expires_at, current.now(state)),
    })
}
