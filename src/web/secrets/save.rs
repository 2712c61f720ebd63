//! Saving the form of a secret.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use secrecy::SecretString;
use serde::Deserialize;

use super::form::{FormView, StoredView, Typed};
use super::parse_id;
use crate::actions::{SaveSecretError, SecretDraft};
use crate::model::SecretId;
use crate::web::form::Form;
use crate::web::session::{CurrentUser, is_htmx};
use crate::web::{Error, WebState};

/// The submitted form. Its value is not printable.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(in crate::web) struct SecretForm {
    name: String,
    value: String,
    hosts: String,
    scopes: String,
    token_hosts: String,
    description: String,
}

impl SecretForm {
    fn into_draft(self) -> SecretDraft {
        SecretDraft {
            name: self.name,
            value: SecretString::from(self.value),
            hosts: self.hosts,
            scopes: self.scopes,
            token_hosts: self.token_hosts,
            description: self.description,
        }
    }
}

/// `POST /secrets`
pub(in crate::web) async fn create(
    State(state): State<WebState>,
    current: CurrentUser,
    headers: HeaderMap,
    Form(form): Form<SecretForm>,
) -> Result<Response, Error> {
    let draft = form.into_draft();
    let created = state.actions.create_secret(&draft, &current.actor()).await;
    let created = created.map(|_id| draft.name.trim().to_owned());
    respond(&state, &current, is_htmx(&headers), None, draft, created).await
}

/// `POST /secrets/{id}`
pub(in crate::web) async fn update(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
    headers: HeaderMap,
    Form(form): Form<SecretForm>,
) -> Result<Response, Error> {
    let (id, draft) = (parse_id(&id)?, form.into_draft());
    let updated = state.actions.update_secret(id, &draft, &current.actor()).await;
    respond(&state, &current, is_htmx(&headers), Some(id), draft, updated).await
}

/// Leads to the list, or shows the form again. `saved` is the name of the saved secret.
async fn respond(
    state: &WebState,
    current: &CurrentUser,
    is_htmx: bool,
    id: Option<SecretId>,
    draft: SecretDraft,
    saved: Result<String, SaveSecretError>,
) -> Result<Response, Error> {
    match saved {
        Ok(name) => {
            current.session.notify(format!("Saved “{name}”.")).await?;
            if is_htmx {
                return Ok([("HX-Redirect", "/secrets")].into_response());
            }
            Ok(Redirect::to("/secrets").into_response())
        }
        Err(SaveSecretError::Invalid(errors)) => {
            let stored = match id {
                Some(id) => Some(StoredView::load(state, current, id).await?.0),
                None => None,
            };
            let form = FormView::new(current, stored, typed(draft)).with_errors(&errors);
            form.reject(current, is_htmx).await
        }
        Err(SaveSecretError::NotFound) => Err(Error::NotFound),
        Err(SaveSecretError::Store(error)) => Err(error.into()),
    }
}

fn typed(draft: SecretDraft) -> Typed {
    Typed {
        has_value: draft.has_value(),
        name: draft.name,
        hosts: draft.hosts,
        scopes: draft.scopes,
        token_hosts: draft.token_hosts,
        description: draft.description,
    }
}
