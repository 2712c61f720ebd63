//! Signatures of requests: the scheme, the key, and the previous key during a change of keys.

use chrono::{DateTime, Utc};

use super::auth::reference;
use super::draft::SigningDraft;
use super::errors::{Field, FieldErrors};
use crate::model::Timestamp;
use crate::model::secret::SecretName;
use crate::model::signature::SignatureScheme;

/// How requests are signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signing {
    /// The scheme of the key. The previous one can have another.
    pub scheme: SignatureScheme,
    /// The secret with the key.
    pub key: SecretName,
    /// The secret with the previous key, and until when it signs too.
    pub previous: Option<(SecretName, Timestamp)>,
}

/// Validates the settings. `None` if requests are not signed.
pub(super) fn check(draft: &SigningDraft, errors: &mut FieldErrors) -> Option<Signing> {
    if matches!(draft.scheme.as_str(), "" | "none") {
        return None;
    }
    let Ok(scheme) = draft.scheme.parse::<SignatureScheme>() else {
        let message = format!("Unknown scheme \"{}\": use v1, v1a or none.", draft.scheme);
        errors.add(Field::SigningScheme, message);
        return None;
    };
    let key = reference(&draft.key, Field::SigningKey, "Enter a key, or generate one.", errors);
    let previous = check_previous(draft, errors);
    Some(Signing { scheme, key: key?, previous })
}

fn check_previous(
    draft: &SigningDraft,
    errors: &mut FieldErrors,
) -> Option<(SecretName, Timestamp)> {
    if draft.previous_key.is_empty() {
        return None;
    }
    let name = reference(&draft.previous_key, Field::SigningPreviousKey, "", errors);
    let Ok(until) = DateTime::parse_from_rfc3339(&draft.previous_until) else {
        let message = "Enter until when the previous key signs too, such as 2030-01-31T12:00:00Z.";
        errors.add(Field::SigningPreviousKey, message);
        return None;
    };
    Some((name?, until.with_timezone(&Utc)))
}
