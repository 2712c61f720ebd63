//! The form's page: empty, from a preset, as a copy of a webhook, or for editing a webhook.

use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::input::{FormInput, Subject};
use super::page::{self, FormView};
use crate::model::secret::SecretChoices;
use crate::model::webhook::Draft;
use crate::model::webhook::preset::Preset;
use crate::store::{revisions, webhooks};
use crate::web::session::CurrentUser;
use crate::web::webhooks::parse_id;
use crate::web::{Error, WebState};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct NewWebhookQuery {
    /// Id of a preset.
    preset: String,
    /// Id of the webhook to copy.
    from: String,
}

/// `GET /webhooks/new`
pub(in crate::web) async fn new(
    State(state): State<WebState>,
    current: CurrentUser,
    Query(query): Query<NewWebhookQuery>,
) -> Result<Response, Error> {
    if !query.from.is_empty() {
        let base = parse_id(&query.from)?;
        let mut draft = webhooks::find(&state.db, base).await?.ok_or(Error::NotFound)?;
        draft.name = format!("{} copy", draft.name);
        let subject = Subject { base: Some(base), ..Subject::default() };
        return load(&state, &current, subject, draft).await?.page(&current).await;
    }
    let preset = Preset::find(&query.preset);
    let draft = preset.map_or_else(Draft::default, Preset::draft);
    let mut form = load(&state, &current, Subject::default(), draft).await?;
    form.preset = preset;
    form.page(&current).await
}

/// The notice on a form whose session has ended or has changed.
pub(in crate::web) const SESSION_CHANGED: &str =
    "Your session has changed, so nothing has been saved yet. Check the form, then save it.";

/// Shows a form again that was not saved, with a notice. `form` is as the browser sent it.
pub(in crate::web) async fn resume(
    state: &WebState,
    current: &CurrentUser,
    form: &[u8],
    notice: &str,
) -> Result<Response, Error> {
    let input = FormInput::new(url::form_urlencoded::parse(form).into_owned().collect());
    let mut form =
        page::load(state, current, input.subject(), input.draft(), input.choices()).await?;
    notice.clone_into(&mut form.notice);
    form.page(current).await
}

/// `GET /webhooks/{id}/edit`
pub(in crate::web) async fn edit(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let id = parse_id(&id)?;
    // The revision is read before the webhook. If another user saves in between, this form is reported as out of date
    // when it is saved, instead of overwriting the other change.
    let revision = revisions::current_number(&state.db, id).await?;
    let draft = webhooks::find(&state.db, id).await?.ok_or(Error::NotFound)?;
    let subject = Subject::existing(id, revision);
    load(&state, &current, subject, draft).await?.page(&current).await
}

async fn load(
    state: &WebState,
    current: &CurrentUser,
    subject: Subject,
    draft: Draft,
) -> Result<FormView, Error> {
    page::load(state, current, subject, draft, SecretChoices::new()).await
}
