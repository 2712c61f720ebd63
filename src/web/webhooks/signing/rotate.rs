//! Replacing the key of a webhook, and revoking the previous one.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::TimeDelta;
use serde::Deserialize;

use super::{OVERLAPS, signing_page};
use crate::actions::{ChangeWebhookError, RotateSigningKeyError, SaveWebhookError};
use crate::model::WebhookId;
use crate::store::{revisions, webhooks};
use crate::web::display_time::DisplayTime;
use crate::web::form::Form;
use crate::web::page::{self, Nav, Page};
use crate::web::session::CurrentUser;
use crate::web::webhooks::parse_id;
use crate::web::{Error, WebState};

#[derive(Debug, Deserialize)]
pub(in crate::web) struct RotateForm {
    overlap_hours: i64,
    /// The revision that the page showed.
    seen: i32,
    #[serde(default)]
    confirmed: bool,
}

/// Asks before a replacement after which receivers can reject requests.
#[derive(Template)]
#[template(path = "webhooks/signing/rotate.html")]
struct ConfirmationPage {
    page: Page,
    id: String,
    name: String,
    overlap_hours: i64,
    seen: i32,
    /// Until when the previous key, which the replacement ends, would sign.
    previous_until: Option<DisplayTime>,
}

/// `GET /webhooks/{id}/signing/rotate`: the address of the page that showed a new key. Leads to the page **Signatures**.
pub(in crate::web) async fn lead_back(Path(id): Path<String>) -> Result<Response, Error> {
    Ok(back(parse_id(&id)?))
}

/// `POST /webhooks/{id}/signing/rotate`. The response contains the new key, which is not shown again.
pub(in crate::web) async fn rotate(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
    Form(form): Form<RotateForm>,
) -> Result<Response, Error> {
    let id = parse_id(&id)?;
    let RotateForm { overlap_hours, seen, confirmed } = form;
    if !OVERLAPS.iter().any(|(hours, _)| *hours == overlap_hours) {
        return Err(Error::Unreadable("unknown time of overlap".to_owned()));
    }
    if revisions::current_number(&state.db, id).await? != seen {
        current.session.notify(STALE).await?;
        return Ok(back(id));
    }
    if !confirmed {
        let page = confirmation(&state, &current, id, &form).await?;
        if let Some(page) = page {
            return page::html(&page);
        }
    }
    let overlap = TimeDelta::hours(overlap_hours);
    match state.actions.rotate_signing_key(id, seen, overlap, &current.actor()).await {
        Ok(new) => signing_page(&state, &current, id, Some(new)).await,
        Err(error) => not_changed(&current, id, error).await,
    }
}

/// `POST /webhooks/{id}/signing/previous/end`
pub(in crate::web) async fn end_previous(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
    _form: Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    let id = parse_id(&id)?;
    match state.actions.end_previous_signing_key(id, &current.actor()).await {
        Ok(()) => {
            let message =
                "Revoked the previous key. Requests are signed only with the current one.";
            current.session.notify(message).await?;
            Ok(back(id))
        }
        Err(error) => not_changed(&current, id, error).await,
    }
}

const STALE: &str = "The key was not replaced, because it was already replaced or the webhook was changed after you opened the page. Check the keys below.";

/// Returns the page that asks for a confirmation. `None` if all receivers accept requests after the replacement.
async fn confirmation(
    state: &WebState,
    current: &CurrentUser,
    id: WebhookId,
    form: &RotateForm,
) -> Result<Option<ConfirmationPage>, Error> {
    let now = current.now(state);
    let keys = match state.actions.signing_keys(id).await {
        Ok(keys) => keys,
        Err(ChangeWebhookError::NotFound) => return Err(Error::NotFound),
        Err(ChangeWebhookError::Store(error)) => return Err(error.into()),
    };
    let previous_until = keys.iter().find_map(|key| key.until.filter(|until| *until > now.time));
    if keys.is_empty() || (form.overlap_hours > 0 && previous_until.is_none()) {
        return Ok(None);
    }
    let name = webhooks::find(&state.db, id).await?.ok_or(Error::NotFound)?.name;
    let page = Page::new(current, format!("Replace the key · {name}"), Nav::Webhooks).await?;
    Ok(Some(ConfirmationPage {
        page,
        id: id.to_string(),
        name,
        overlap_hours: form.overlap_hours,
        seen: form.seen,
        previous_until: previous_until.map(|until| DisplayTime::new(until, now)),
    }))
}

async fn not_changed(
    current: &CurrentUser,
    id: WebhookId,
    error: RotateSigningKeyError,
) -> Result<Response, Error> {
    let message = match error {
        RotateSigningKeyError::Save(SaveWebhookError::NotFound) => return Err(Error::NotFound),
        RotateSigningKeyError::Save(SaveWebhookError::Store(error)) => return Err(error.into()),
        RotateSigningKeyError::NotSigned => {
            "The key was not replaced, because the webhook does not sign requests.".to_owned()
        }
        RotateSigningKeyError::Save(SaveWebhookError::Stale { .. }) => STALE.to_owned(),
        RotateSigningKeyError::Save(SaveWebhookError::Invalid(errors)) => {
            let first = errors.iter().next().map(|error| error.message.clone());
            format!("The key was not replaced: {}", first.unwrap_or_default())
        }
    };
    current.session.notify(&message).await?;
    Ok(back(id))
}

fn back(id: WebhookId) -> Response {
    Redirect::to(&format!("/webhooks/{id}/signing")).into_response()
}
