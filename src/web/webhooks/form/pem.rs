//! Checks pasted certificates and keys (PEM) before the form is saved.

use askama::Template;
use axum::response::Response;

use super::submission::Submission;
use crate::actions::Inspected;
use crate::web::components::CertificateFacts;
use crate::web::page::html;
use crate::web::{Error, WebState};

#[derive(Template)]
#[template(path = "webhooks/form/_pem.html")]
struct PemPart {
    error: String,
    certificates: Vec<CertificateFacts>,
    note: &'static str,
}

/// `POST /webhooks/pem/authority`
pub(in crate::web) async fn authority(submission: Submission) -> Result<Response, Error> {
    let state = &submission.state;
    respond(state, state.actions.inspect_authority(&submission.input.draft()), "")
}

/// `POST /webhooks/pem/client`
pub(in crate::web) async fn client(submission: Submission) -> Result<Response, Error> {
    let Submission { state, input, .. } = submission;
    let found = state.actions.inspect_client(&input.entered()).await?;
    respond(&state, found, "The private key matches the certificate.")
}

fn respond(
    state: &WebState,
    found: Inspected,
    complete_note: &'static str,
) -> Result<Response, Error> {
    let now = state.sources.now();
    let certificates = found.certificates.iter();
    let certificates = certificates.map(|one| CertificateFacts::new(one, now)).collect();
    let note = if found.is_complete { complete_note } else { "" };
    html(&PemPart { error: found.error.unwrap_or_default(), certificates, note })
}
