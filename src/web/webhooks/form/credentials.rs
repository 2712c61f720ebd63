//! **Check credentials**: asks Logpoint whether the user name and the key are valid.

use askama::Template;
use axum::response::Response;

use super::results::CredentialsView;
use super::submission::Submission;
use crate::actions::CheckCredentialsError;
use crate::identity::Work;
use crate::web::{Error, work_limit};

#[derive(Template)]
#[template(path = "webhooks/form/_credentials.html")]
struct CredentialsPart {
    credentials: CredentialsView,
}

/// `POST /webhooks/credentials`
pub(in crate::web) async fn check(submission: Submission) -> Result<Response, Error> {
    let draft = submission.input.draft();
    let refused = submission.start(Work::CheckCredentials);
    let view = match &refused {
        Some(refused) => CredentialsView::not_checked(refused.message.clone()),
        None => checked(&submission).await?,
    };
    let part = |credentials| CredentialsPart { credentials };
    let response =
        submission.respond(draft, view, part, |form, view| form.credentials = view).await?;
    Ok(work_limit::finish(refused, response))
}

async fn checked(submission: &Submission) -> Result<CredentialsView, Error> {
    let checked = submission.state.actions.check_credentials(submission.input.entered()).await;
    Ok(match checked {
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
    })
}
