//! Check credentials: asks Logpoint whether user name and key are right.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use super::form;
use super::typed::Typed;
use crate::actions::CheckCredentialsError;
use crate::web::form::Form;
use crate::web::page;
use crate::web::session::{CurrentUser, is_htmx};
use crate::web::{Error, WebState};

/// What Logpoint said, ready to print.
#[derive(Debug, Default)]
pub(super) struct CredentialsView {
    /// Whether anything was asked.
    pub(super) asked: bool,
    pub(super) ok: bool,
    pub(super) headline: String,
    pub(super) more: String,
}

#[derive(Template)]
#[template(path = "webhooks/_credentials.html")]
struct Part {
    credentials: CredentialsView,
}

/// `POST /webhooks/credentials`
pub(in crate::web) async fn check(
    State(state): State<WebState>,
    current: CurrentUser,
    headers: HeaderMap,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    let typed = Typed::new(pairs);
    let draft = typed.draft();
    let credentials = match state.actions.check_credentials(typed.secrets_from(), &draft).await {
        Ok(found) => CredentialsView {
            asked: true,
            ok: found.are_valid,
            headline: found.explanation.headline,
            more: [found.explanation.meaning, found.explanation.remedy].join(" ").trim().to_owned(),
        },
        Err(CheckCredentialsError::Invalid(errors)) => {
            let first = errors.iter().next().map(|error| error.message.clone());
            CredentialsView::unasked(first.unwrap_or_default())
        }
        Err(CheckCredentialsError::Missing(key)) => {
            CredentialsView::unasked(format!("The body has no \"{key}\", which Logpoint requires."))
        }
        Err(CheckCredentialsError::Store(error)) => return Err(error.into()),
    };
    if is_htmx(&headers) {
        return page::html(&Part { credentials });
    }
    let mut view = form::load(&state, &current, typed.subject(), draft).await?;
    view.credentials = credentials;
    view.page(&current).await
}

impl CredentialsView {
    fn unasked(more: String) -> Self {
        Self { asked: true, ok: false, headline: "Not checked.".to_owned(), more }
    }
}
