//! The form's page: empty, from a preset, as a copy, or of a webhook that is there.

use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::form::{self, Subject};
use super::parse_id;
use super::typed::Typed;
use crate::model::webhook::Draft;
use crate::model::webhook::preset::Preset;
use crate::store::{revisions, webhooks};
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Asked {
    preset: String,
    from: String,
}

/// `GET /webhooks/new`
pub(in crate::web) async fn new(
    State(state): State<WebState>,
    current: CurrentUser,
    Query(asked): Query<Asked>,
) -> Result<Response, Error> {
    if !asked.from.is_empty() {
        let base = parse_id(&asked.from)?;
        let mut draft = webhooks::find(&state.db, base).await?.ok_or(Error::NotFound)?;
        draft.name = format!("{} copy", draft.name);
        let subject = Subject { base: Some(base), ..Subject::default() };
        return form::load(&state, &current, subject, draft).await?.page(&current).await;
    }
    let preset = Preset::find(&asked.preset);
    let draft = preset.map_or_else(Draft::default, Preset::draft);
    let mut view = form::load(&state, &current, Subject::default(), draft).await?;
    view.preset = preset;
    view.page(&current).await
}

/// The form with what its user sent after the session had ended.
pub(in crate::web) async fn resume(
    state: &WebState,
    current: &CurrentUser,
    pairs: Vec<(String, String)>,
) -> Result<Response, Error> {
    let typed = Typed::new(pairs);
    let mut view = form::load(state, current, typed.subject(), typed.draft()).await?;
    view.resumed = true;
    view.page(current).await
}

/// `GET /webhooks/{id}/edit`
pub(in crate::web) async fn edit(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let id = parse_id(&id)?;
    // First its number: whoever saves in between is told of, rather than overwritten.
    let seen = revisions::current_number(&state.db, id).await?;
    let draft = webhooks::find(&state.db, id).await?.ok_or(Error::NotFound)?;
    let subject = Subject { id: Some(id), seen: Some(seen), ..Subject::default() };
    form::load(&state, &current, subject, draft).await?.page(&current).await
}
