//! **Generate**: fills in a new key for signatures.

use askama::Template;
use axum::response::Response;

use super::secrets::{SecretFieldView, SecretsView};
use super::submission::Submission;
use crate::model::signature::SignatureScheme;
use crate::web::Error;

#[derive(Template)]
#[template(path = "webhooks/form/_signing_key.html")]
struct KeyPart<'a> {
    field: SecretFieldView<'a>,
    attrs: &'static str,
    generated: String,
}

/// `POST /webhooks/signing-key`. The response replaces the menu of saved secrets too, so that none of them is chosen.
pub(in crate::web) async fn generate(submission: Submission) -> Result<Response, Error> {
    let Submission { state, input, .. } = &submission;
    let mut draft = input.draft();
    // Without scripts the button can be used before a scheme was chosen.
    let scheme = draft.signing.scheme.parse().unwrap_or(SignatureScheme::V1);
    scheme.as_str().clone_into(&mut draft.signing.scheme);
    draft.signing.key.clear();
    let key = state.actions.generate_signing_key(scheme).expose().to_owned();
    let secrets = SecretsView::load(state, &input.entered()).await?;
    let attrs = r#"aria-describedby="signing_key-hint" autofocus"#;
    let part = |generated| KeyPart { field: secrets.field(""), attrs, generated };
    submission.respond(draft, key, part, |form, key| form.generated_key = key).await
}
