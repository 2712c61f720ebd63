//! Checks pasted certificates and keys (PEM) before the form is saved.

use askama::Template;
use axum::response::Response;

use super::submission::Submission;
use crate::actions::Inspected;
use crate::web::Error;
use crate::web::components::CertificateFacts;
use crate::web::display_time::LocalNow;
use crate::web::page::html;

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
    let now = submission.current.now(state);
    respond(now, state.actions.inspect_authority(&submission.input.draft()), "")
}

/// `POST /webhooks/pem/client`
pub(in crate::web) async fn client(submission: Submission) -> Result<Response, Error> {
    let Submission { state, current, input, .. } = submission;
    let found = state.actions.inspect_client(&input.entered()).await?;
    respond(current.now(&state), found, "The private key matches the certificate.")
}

fn respond(
    now: LocalNow,
    found: Inspected,
    complete_note: &'static str,
) -> Result<Response, Error> {
    let certificates = found.certificates.iter();
    let certificates = certificates.map(|one| CertificateFacts::new(one, now)).collect();
    let note = if found.is_complete { complete_note } else { "" };
    html(&PemPart { error: found.error.unwrap_or_default(), certificates, note })
}
