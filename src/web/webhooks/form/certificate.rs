//! **Fetch certificate**: shows a server's certificate, so that the user can check it before trusting it.

use askama::Template;
use axum::response::Response;

use super::results::CertificateView;
use super::submission::Submission;
use crate::identity::Work;
use crate::model::webhook::Draft;
use crate::web::components::CertificateFacts;
use crate::web::{Error, work_limit};

#[derive(Template)]
#[template(path = "webhooks/form/_certificate.html")]
struct CertificatePart {
    certificate: CertificateView,
}

/// `POST /webhooks/certificate`
pub(in crate::web) async fn fetch(submission: Submission) -> Result<Response, Error> {
    let mut draft = submission.input.draft();
    let refused = submission.start(Work::FetchCertificate);
    let view = match &refused {
        Some(refused) => CertificateView { error: refused.message.clone(), found: None },
        None => fetched(&submission, &mut draft).await,
    };
    let part = |certificate| CertificatePart { certificate };
    let response =
        submission.respond(draft, view, part, |form, view| form.certificate = view).await?;
    Ok(work_limit::finish(refused, response))
}

/// Fetches the certificate, and enters its fingerprint.
async fn fetched(submission: &Submission, draft: &mut Draft) -> CertificateView {
    let state = &submission.state;
    match state.actions.fetch_certificate(draft.url.trim()).await {
        Ok(certificate) => {
            "pinned".clone_into(&mut draft.tls.verify);
            certificate.sha256.clone_into(&mut draft.tls.sha256);
            let found = Some(CertificateFacts::new(&certificate, submission.current.now(state)));
            CertificateView { error: String::new(), found }
        }
        Err(error) => CertificateView { error: error.to_string(), found: None },
    }
}
