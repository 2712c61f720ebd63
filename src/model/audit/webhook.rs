//! Entries for changes of webhooks.

use serde_json::{Value, json};

use super::{AuditAction, AuditEntry, AuditObject};
use crate::model::WebhookId;
use crate::model::webhook::{Draft, RevisionKind, differences};

/// Maximum length of a value in a diff, in characters. The history of the webhook has the whole value.
const MAX_VALUE_CHARS: usize = 4_000;

/// Returns the entry for a change of a webhook. The drafts contain references to secrets, never their values.
pub fn webhook_changed(
    id: WebhookId,
    (before, after): (Option<&Draft>, &Draft),
    (kind, note): (RevisionKind, &str),
    changed_secrets: &[String],
) -> AuditEntry {
    let action = match kind {
        RevisionKind::Added => AuditAction::WebhookAdded,
        RevisionKind::Changed => AuditAction::WebhookChanged,
        RevisionKind::Activated => AuditAction::WebhookActivated,
        RevisionKind::Deactivated => AuditAction::WebhookDeactivated,
        RevisionKind::Paused => AuditAction::WebhookPaused,
        RevisionKind::Restored => AuditAction::WebhookRestored,
        RevisionKind::Deleted => AuditAction::WebhookDeleted,
    };
    let mut entry = AuditEntry::new(action, AuditObject::webhook(id, after.name.trim()));
    match kind {
        RevisionKind::Paused => entry = entry.with("reason", note),
        RevisionKind::Restored => entry = entry.with("revision", note),
        RevisionKind::Added
        | RevisionKind::Changed
        | RevisionKind::Activated
        | RevisionKind::Deactivated
        | RevisionKind::Deleted => {}
    }
    let empty = Draft::default();
    let changes: Vec<Value> = differences(before.unwrap_or(&empty), after)
        .into_iter()
        .map(|one| {
            let [before, after] = [one.before, one.after].map(|text| text.map(shorten));
            json!({ "field": one.label, "before": before, "after": after })
        })
        .collect();
    if !changes.is_empty() {
        entry = entry.with("changes", changes);
    }
    if !changed_secrets.is_empty() {
        entry = entry.with("secrets", changed_secrets.to_vec());
    }
    entry
}

fn shorten(text: String) -> String {
    match text.char_indices().nth(MAX_VALUE_CHARS) {
        Some((end, _)) => {
            let more = text.chars().count() - MAX_VALUE_CHARS;
            let start = text.get(..end).unwrap_or_default();
            format!("{start}… ({more} more characters)")
        }
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_shortened() {
        assert_eq!(shorten("é".repeat(4_000)), "é".repeat(4_000));
        let shortened = shorten("é".repeat(4_002));
        assert_eq!(shortened, format!("{}… (2 more characters)", "é".repeat(4_000)));
    }
}
