//! **Generate**: fills in a new key for signatures.

use askama::Template;
use axum::response::Response;

use super::submission::Submission;
use crate::model::signature::SignatureScheme;
use crate::web::Error;

#[derive(Template)]
#[template(path = "webhooks/form/_signing_key.html")]
struct KeyPart {
    typed: &'static str,
    attrs: &'static str,
    generated: String,
}

/// `POST /webhooks/signing-key`
pub(in crate::web) async fn generate(submission: Submission) -> Result<Response, Error> {
    let mut draft = submission.input.draft();
    // Without scripts the button can be used before a scheme was chosen.
    let scheme = draft.signing.scheme.parse().unwrap_or(SignatureScheme::V1);
    scheme.as_str().clone_into(&mut draft.signing.scheme);
    draft.signing.key.clear();
    let key = submission.state.actions.generate_signing_key(scheme).expose().to_owned();
    let attrs = r#"aria-describedby="signing_key-hint" autofocus"#;
    let part = |generated| KeyPart { typed: "", attrs, generated };
    submission.respond(draft, key, part, |form, key| form.generated_key = key).await
}
