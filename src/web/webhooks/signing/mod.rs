//! The page **Signatures** of a webhook: its keys, and code that verifies signatures.

mod rotate;
mod snippets;

pub(in crate::web) use rotate::{end_previous, lead_back, rotate};

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::parse_id;
use crate::actions::{ChangeWebhookError, SigningKeyInfo};
use crate::model::WebhookId;
use crate::model::secret::{SecretName, SecretValue};
use crate::model::signature::SignatureScheme;
use crate::store::{revisions, webhooks};
use crate::web::components::SelectOption;
use crate::web::display_time::DisplayTime;
use crate::web::page::{self, Nav, Page};
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState};
use snippets::Snippet;

/// How long the current key also signs after it was replaced: value in hours, and label.
const OVERLAPS: [(i64, &str); 5] =
    [(0, "Not at all"), (1, "1 hour"), (24, "1 day"), (168, "7 days"), (720, "30 days")];
const DEFAULT_OVERLAP_HOURS: i64 = 24;

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
    /// The current key. `None` if there is none that can be used.
    key: Option<KeyView>,
    previous: Option<PreviousView>,
    /// A key that was generated just now; empty if none was.
    new_key: String,
    overlaps: Vec<SelectOption>,
    /// The revision of the webhook.
    revision: i32,
    snippets: Vec<Snippet>,
}

/// The secret with the current key.
struct KeyView {
    secret: String,
    changed: Option<DisplayTime>,
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

async fn signing_page(
    state: &WebState,
    current: &CurrentUser,
    id: WebhookId,
    new: Option<SecretValue>,
) -> Result<Response, Error> {
    // Read before the webhook, so that a change in between is noticed when the key is replaced.
    let revision = revisions::current_number(&state.db, id).await?;
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
    let key = match (newest, SecretName::in_reference(&draft.signing.key)) {
        (Some(_), Some(name)) => {
            let usable = state.actions.usable_secrets(Some(id)).await?;
            let secret = usable.iter().find(|secret| secret.name == name);
            let changed = secret.map(|secret| DisplayTime::new(secret.updated_at, now));
            Some(KeyView { secret: name.to_string(), changed })
        }
        _ => None,
    };
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
        key,
        previous,
        new_key: new.map(|new| new.expose().to_owned()).unwrap_or_default(),
        overlaps: OVERLAPS.into_iter().map(option).collect(),
        revision,
        snippets: scheme.map(|scheme| snippets::of(scheme, &public_key)).unwrap_or_default(),
        public_key,
    })
}
