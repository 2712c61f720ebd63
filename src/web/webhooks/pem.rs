//! What was pasted as PEM, looked at before it is saved.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::certificate::Facts;
use super::typed::Typed;
use crate::actions::Inspected;
use crate::web::form::Form;
use crate::web::page;
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState};

#[derive(Template)]
#[template(path = "webhooks/_pem.html")]
struct Part {
    error: String,
    certificates: Vec<Facts>,
    note: &'static str,
}

/// `POST /webhooks/pem/authority`
pub(in crate::web) async fn authority(
    State(state): State<WebState>,
    _current: CurrentUser,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    let draft = Typed::new(pairs).draft();
    answer(&state, state.actions.inspect_authority(&draft), "")
}

/// `POST /webhooks/pem/client`
pub(in crate::web) async fn client(
    State(state): State<WebState>,
    _current: CurrentUser,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    let typed = Typed::new(pairs);
    let found = state.actions.inspect_client(typed.secrets_from(), &typed.draft()).await?;
    answer(&state, found, "The private key matches the certificate.")
}

fn answer(state: &WebState, found: Inspected, whole: &'static str) -> Result<Response, Error> {
    let now = state.sources.now();
    let certificates = found.certificates.iter().map(|one| Facts::new(one, now)).collect();
    let note = if found.is_complete { whole } else { "" };
    page::html(&Part { error: found.error.unwrap_or_default(), certificates, note })
}
