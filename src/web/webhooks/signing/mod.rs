//! The page **Signatures** of a webhook: its keys, their replacement, and code that verifies signatures.

mod snippets;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::TimeDelta;
use serde::Deserialize;

use super::parse_id;
use crate::actions::{ChangeWebhookError, RotateSigningKeyError, SaveWebhookError, SigningKeyInfo};
use crate::model::WebhookId;
use crate::model::secret::SecretValue;
use crate::model::signature::SignatureScheme;
use crate::store::webhooks;
use crate::web::components::SelectOption;
use crate::web::display_time::DisplayTime;
use crate::web::form::Form;
use crate::web::page::{self, Nav, Page};
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState};
use snippets::Snippet;

/// How long the previous key signs too: value in hours, and label.
const OVERLAPS: [(i64, &str); 5] =
    [(1, "1 hour"), (24, "1 day"), (168, "7 days"), (720, "30 days"), (0, "Not at all")];
const DEFAULT_OVERLAP_HOURS: i64 = 24;

#[derive(Debug, Deserialize)]
pub(in crate::web) struct RotateForm {
    overlap_hours: i64,
}

#[derive(Template)]
#[template(path = "webhooks/signing/show.html")]
struct SigningPage {
    page: Page,
    id: String,
    name: String,
    /// Empty if requests are not signed.
    scheme: &'static str,
    /// Empty for a shared key.
    public_key: String,
    /// Whether there is a key that can be used.
    has_key: bool,
    previous: Option<PreviousView>,
    /// A key that was generated just now; empty if none was.
    new_key: String,
    overlaps: Vec<SelectOption>,
    snippets: Vec<Snippet>,
}

struct PreviousView {
    public_key: String,
    until: DisplayTime,
    is_over: bool,
}

/// `GET /webhooks/{id}/signing`
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    signing_page(&state, &current, parse_id(&id)?, None).await
}

/// `POST /webhooks/{id}/signing/rotate`. The response contains the new key, which is not shown again.
pub(in crate::web) async fn rotate(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
    Form(form): Form<RotateForm>,
) -> Result<Response, Error> {
    let id = parse_id(&id)?;
    if !OVERLAPS.iter().any(|(hours, _)| *hours == form.overlap_hours) {
        return Err(Error::Unreadable("unknown time of overlap".to_owned()));
    }
    let overlap = TimeDelta::hours(form.overlap_hours);
    match state.actions.rotate_signing_key(id, overlap, &current.actor()).await {
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
            current.session.notify("Only the current key signs now.").await?;
            Ok(Redirect::to(&format!("/webhooks/{id}/signing")).into_response())
        }
        Err(error) => not_changed(&current, id, error).await,
    }
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
        RotateSigningKeyError::Save(SaveWebhookError::Stale { .. }) => {
            "The key was not replaced, because the webhook was changed meanwhile. Try again."
                .to_owned()
        }
        RotateSigningKeyError::Save(SaveWebhookError::Invalid(errors)) => {
            let first = errors.iter().next().map(|error| error.message.clone());
            format!("The key was not replaced: {}", first.unwrap_or_default())
        }
    };
    current.session.notify(&message).await?;
    Ok(Redirect::to(&format!("/webhooks/{id}/signing")).into_response())
}

async fn signing_page(
    state: &WebState,
    current: &CurrentUser,
    id: WebhookId,
    new: Option<SecretValue>,
) -> Result<Response, Error> {
    let draft = webhooks::find(&state.db, id).await?.ok_or(Error::NotFound)?;
    let keys = match state.actions.signing_keys(id).await {
        Ok(keys) => keys,
        Err(ChangeWebhookError::NotFound) => return Err(Error::NotFound),
        Err(ChangeWebhookError::Store(error)) => return Err(error.into()),
    };
    let scheme = draft.signing.scheme.parse::<SignatureScheme>().ok();
    let now = current.now(state);
    let public = |key: &SigningKeyInfo| key.public_key.clone().unwrap_or_default();
    let newest = keys.iter().find(|key| key.until.is_none());
    let public_key = newest.map(public).unwrap_or_default();
    let previous = keys.iter().find_map(|key| {
        let until = key.until?;
        let (public_key, is_over) = (public(key), until <= now.time);
        Some(PreviousView { public_key, until: DisplayTime::new(until, now), is_over })
    });
    let option = |(hours, label): (i64, &'static str)| {
        SelectOption::new(hours.to_string(), label, hours == DEFAULT_OVERLAP_HOURS)
    };
    let page = Page::new(current, format!("Signatures · {}", draft.name), Nav::Webhooks).await?;
    page::html(&SigningPage {
        page,
        id: id.to_string(),
        name: draft.name,
        scheme: match scheme {
            None => "",
            Some(SignatureScheme::V1) => "HMAC-SHA256",
            Some(SignatureScheme::V1a) => "Ed25519",
        },
        has_key: newest.is_some(),
        previous,
        new_key: new.map(|new| new.expose().to_owned()).unwrap_or_default(),
        overlaps: OVERLAPS.into_iter().map(option).collect(),
        snippets: scheme.map(|scheme| snippets::of(scheme, &public_key)).unwrap_or_default(),
        public_key,
    })
}
