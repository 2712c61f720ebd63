//! The mask that earlier versions showed in place of a stored secret.

use super::draft::Draft;
use super::errors::{Field, FieldErrors};

/// Shown by earlier versions in place of a secret. It stands for nothing any more.
const MASK: &str = "••••••";

/// Reports texts that were copied from a page or an export of an earlier version.
pub fn check_masks(draft: &Draft) -> FieldErrors {
    let mut errors = FieldErrors::default();
    let message = format!(
        "{MASK} does not stand for a stored secret: refer to one, as in {{{{secrets.NAME}}}}, or enter its value."
    );
    if let Some(line) = draft.body_template.lines().position(|line| line.contains(MASK)) {
        errors.add_at_line(Field::BodyTemplate, message.clone(), line + 1);
    }
    let auth = &draft.authentication;
    let headers = draft.headers.iter().enumerate();
    let headers = headers.map(|(row, (_, value))| (Field::Header(row), value));
    for (field, text) in headers.chain([
        (Field::Url, &draft.url),
        (Field::AuthToken, &auth.token),
        (Field::AuthPassword, &auth.password),
        (Field::AuthClientSecret, &auth.client_secret),
        (Field::SigningKey, &draft.signing.key),
        (Field::SigningPreviousKey, &draft.signing.previous_key),
        (Field::TlsClientKey, &draft.tls.client_key),
    ]) {
        if text.contains(MASK) {
            errors.add(field, message.clone());
        }
    }
    errors
}
