//! Fetching a server's certificate, to be looked at before it is trusted.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use super::form;
use super::typed::Typed;
use crate::model::Timestamp;
use crate::model::exchange::Certificate;
use crate::web::form::Form;
use crate::web::moment::Moment;
use crate::web::page;
use crate::web::session::{CurrentUser, is_htmx};
use crate::web::{Error, WebState};

/// What came, if anything was asked for.
#[derive(Debug, Default)]
pub(super) struct CertificateView {
    pub(super) error: String,
    pub(super) found: Option<Facts>,
}

/// A certificate, ready to print.
#[derive(Debug)]
pub(in crate::web) struct Facts {
    pub(in crate::web) subject: String,
    pub(in crate::web) issuer: String,
    pub(in crate::web) self_signed: bool,
    pub(in crate::web) names: String,
    pub(in crate::web) until: Moment,
    pub(in crate::web) expired: bool,
    pub(in crate::web) sha256: String,
}

impl Facts {
    pub(in crate::web) fn new(certificate: &Certificate, now: Timestamp) -> Self {
        Self {
            subject: certificate.subject.clone(),
            issuer: certificate.issuer.clone(),
            self_signed: certificate.self_signed,
            names: certificate.names.join(", "),
            until: Moment::new(certificate.not_after, now),
            expired: certificate.not_after < now,
            sha256: certificate.sha256.clone(),
        }
    }
}

#[derive(Template)]
#[template(path = "webhooks/_certificate.html")]
struct Part {
    certificate: CertificateView,
}

/// `POST /webhooks/certificate`
pub(in crate::web) async fn fetch(
    State(state): State<WebState>,
    current: CurrentUser,
    headers: HeaderMap,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    let typed = Typed::new(pairs);
    let mut draft = typed.draft();
    let view = match state.actions.fetch_certificate(draft.url.trim()).await {
        Ok(certificate) => {
            "pinned".clone_into(&mut draft.tls.verify);
            certificate.sha256.clone_into(&mut draft.tls.sha256);
            let found = Some(Facts::new(&certificate, state.sources.now()));
            CertificateView { error: String::new(), found }
        }
        Err(error) => CertificateView { error: error.to_string(), found: None },
    };
    if is_htmx(&headers) {
        return page::html(&Part { certificate: view });
    }
    let mut page = form::load(&state, &current, typed.subject(), draft).await?;
    page.certificate = view;
    page.page(&current).await
}
