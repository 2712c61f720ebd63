//! **Fetch certificate**: shows a server's certificate, so that the user can check it before trusting it.

use askama::Template;
use axum::response::Response;

use super::results::CertificateView;
use super::submission::Submission;
use crate::web::Error;
use crate::web::components::CertificateFacts;

#[derive(Template)]
#[template(path = "webhooks/form/_certificate.html")]
struct CertificatePart {
    certificate: CertificateView,
}

/// `POST /webhooks/certificate`
pub(in crate::web) async fn fetch(submission: Submission) -> Result<Response, Error> {
    let state = &submission.state;
    let mut draft = submission.input.draft();
    let view = match state.actions.fetch_certificate(draft.url.trim()).await {
        Ok(certificate) => {
            "pinned".clone_into(&mut draft.tls.verify);
            certificate.sha256.clone_into(&mut draft.tls.sha256);
            let found = Some(CertificateFacts::new(&certificate, submission.current.now(state)));
            CertificateView { error: String::new(), found }
        }
        Err(error) => CertificateView { error: error.to_string(), found: None },
    };
    let part = |certificate| CertificatePart { certificate };
    submission.respond(draft, view, part, |form, view| form.certificate = view).await
}
