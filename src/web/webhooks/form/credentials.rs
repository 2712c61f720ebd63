//! **Check credentials**: asks Logpoint whether the user name and the key are valid.

use askama::Template;
use axum::response::Response;

use super::results::CredentialsView;
use super::submission::Submission;
use crate::actions::CheckCredentialsError;
use crate::web::Error;

#[derive(Template)]
#[template(path = "webhooks/form/_credentials.html")]
struct CredentialsPart {
    credentials: CredentialsView,
}

/// `POST /webhooks/credentials`
pub(in crate::web) async fn check(submission: Submission) -> Result<Response, Error> {
    let draft = submission.input.draft();
    let checked = submission.state.actions.check_credentials(submission.input.entered()).await;
    let view = match checked {
        Ok(checked) => {
            let explanation = checked.explanation;
            let details = [explanation.meaning, explanation.remedy].join(" ");
            CredentialsView {
                requested: true,
                ok: checked.are_valid,
                headline: explanation.headline,
                details: details.trim().to_owned(),
            }
        }
        Err(CheckCredentialsError::Invalid(errors)) => {
            let first = errors.iter().next().map(|error| error.message.clone());
            CredentialsView::not_checked(first.unwrap_or_default())
        }
        Err(CheckCredentialsError::Missing(key)) => CredentialsView::not_checked(format!(
            "The body has no \"{key}\", which Logpoint requires."
        )),
        Err(CheckCredentialsError::Store(error)) => return Err(error.into()),
    };
    let part = |credentials| CredentialsPart { credentials };
    submission.respond(draft, view, part, |form, view| form.credentials = view).await
}
