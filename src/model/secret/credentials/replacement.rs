//! Puts references in place of credentials.

use std::ops::Range;

use super::{Credential, Text};
use crate::model::secret::SecretName;
use crate::model::webhook::{Draft, Field};

/// See [`super::Credentials::replace`].
pub(super) fn replace(
    credentials: &[Credential],
    draft: &Draft,
    mut name_of: impl FnMut(&Credential) -> Option<SecretName>,
) -> Draft {
    let mut replaced = draft.clone();
    let mut edits: Vec<(Text, Range<usize>, String)> = Vec::new();
    for credential in credentials {
        let Credential { text, range, .. } = credential;
        if credential.is_only_removed {
            edits.push((*text, range.clone(), String::new()));
            continue;
        }
        let Some(name) = name_of(credential) else { continue };
        let is_in_certificate =
            *text == Text::Certificate && credential.field == Field::TlsClientKey;
        if is_in_certificate {
            replaced.tls.client_key = name.reference();
        }
        let reference = if is_in_certificate { String::new() } else { name.reference() };
        edits.push((*text, range.clone(), reference));
    }
    // The edits of one text are next to each other, in order.
    for chunk in edits.chunk_by(|(one, _, _), (other, _, _)| one == other) {
        if let Some((text, _, _)) = chunk.first()
            && let Some(whole) = text.get_mut(&mut replaced)
        {
            *whole = edited(whole, chunk);
        }
    }
    replaced
}

fn edited(text: &str, edits: &[(Text, Range<usize>, String)]) -> String {
    let mut result = String::with_capacity(text.len());
    let mut at = 0;
    for (_, range, with) in edits {
        let (Some(before), Some(after)) = (text.get(at..range.start), text.get(range.end..)) else {
            continue;
        };
        result.push_str(before);
        // The template engine drops the last backslash before a placeholder.
        if before.ends_with('\\') && !with.is_empty() {
            result.push('\\');
        }
        result.push_str(with);
        at = range.end;
        if with.is_empty() {
            // The line break after a removed block.
            at += after.len() - after.trim_start_matches(['\r', '\n']).len();
        }
    }
    result.push_str(text.get(at..).unwrap_or_default());
    result
}
