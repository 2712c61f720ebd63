//! Revisions of a webhook: the kind of change, and the differences between two drafts.

use serde_json::Value;
use similar::{ChangeTag, TextDiff};
use strum::{EnumString, IntoStaticStr};

use super::draft::Draft;
use super::file::WebhookFile;
use crate::model::filter;

/// Number of unchanged lines shown around a change.
const CONTEXT_LINES: usize = 3;

/// Kind of change to a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr)]
pub enum RevisionKind {
    /// The webhook was added.
    Added,
    /// The webhook was saved with changes.
    Changed,
    /// The webhook was activated without other changes.
    Activated,
    /// The webhook was deactivated without other changes.
    Deactivated,
    /// Gatepost paused the webhook because it only failed.
    Paused,
    /// An earlier revision was restored.
    Restored,
    /// The webhook was deleted.
    Deleted,
}

impl RevisionKind {
    /// Determines the kind of a change from the drafts before and after it.
    pub fn of(before: Option<&Draft>, after: &Draft) -> Self {
        match before {
            None => Self::Added,
            Some(before) if *before == (Draft { active: before.active, ..after.clone() }) => {
                if after.active {
                    Self::Activated
                } else {
                    Self::Deactivated
                }
            }
            Some(_) => Self::Changed,
        }
    }

    /// The name in the database and on the page.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Parses a name. Unknown names, written by a later version, become `Changed`.
    pub fn from_name(name: &str) -> Self {
        name.parse().unwrap_or(Self::Changed)
    }
}

/// A field that differs between two drafts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Label of the field.
    pub label: String,
    /// The value before; `None` if it was not set.
    pub before: Option<String>,
    /// The value after; `None` if it is no longer set.
    pub after: Option<String>,
}

/// A line of a diff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// In both texts.
    Kept(String),
    /// Only in the text before.
    Removed(String),
    /// Only in the text after.
    Added(String),
    /// Omitted unchanged lines.
    Gap,
}

impl Difference {
    /// Returns a diff of the lines around each change. Empty if neither text has several lines.
    pub fn lines(&self) -> Vec<Line> {
        let (before, after) =
            (self.before.as_deref().unwrap_or_default(), self.after.as_deref().unwrap_or_default());
        if before == after || !(before.contains('\n') || after.contains('\n')) {
            return Vec::new();
        }
        let (old, new): (Vec<&str>, Vec<&str>) =
            (before.lines().collect(), after.lines().collect());
        let diff = TextDiff::from_slices(&old, &new);
        let mut lines = Vec::new();
        for group in diff.grouped_ops(CONTEXT_LINES) {
            if !lines.is_empty() {
                lines.push(Line::Gap);
            }
            for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
                let text = change.value().to_owned();
                lines.push(match change.tag() {
                    ChangeTag::Equal => Line::Kept(text),
                    ChangeTag::Delete => Line::Removed(text),
                    ChangeTag::Insert => Line::Added(text),
                });
            }
        }
        lines
    }
}

/// Returns every field in which two drafts differ, in the order of the file format.
pub fn differences(before: &Draft, after: &Draft) -> Vec<Difference> {
    let (old, new) = (fields(before), fields(after));
    let find = |all: &[(Vec<String>, String)], path: &Vec<String>| {
        all.iter().find(|(known, _)| known == path).map(|(_, text)| text.clone())
    };
    let removed = old.iter().filter(|(path, _)| find(&new, path).is_none());
    let mut found = Vec::new();
    for (path, _) in new.iter().chain(removed) {
        let (before, after) = (find(&old, path), find(&new, path));
        if before != after {
            found.push(Difference { label: label(path), before, after });
        }
    }
    found
}

/// The fields of a draft as texts, each with its path in the file format.
fn fields(draft: &Draft) -> Vec<(Vec<String>, String)> {
    let file = serde_json::to_value(WebhookFile::from_draft(draft)).unwrap_or_default();
    let mut fields = Vec::new();
    flatten(&file, &mut Vec::new(), &mut fields);
    fields
}

fn flatten(value: &Value, path: &mut Vec<String>, fields: &mut Vec<(Vec<String>, String)>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                path.push(name.clone());
                flatten(value, path, fields);
                path.pop();
            }
        }
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            fields.push((path.clone(), text(value, path)));
        }
    }
}

fn text(value: &Value, path: &[String]) -> String {
    match value {
        Value::Bool(on) if path.len() == 1 && path.iter().any(|name| name == "active") => {
            if *on { "Active" } else { "Inactive" }.to_owned()
        }
        Value::Bool(on) => if *on { "yes" } else { "no" }.to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(item).collect();
            items.join("\n")
        }
        Value::Null | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

/// Formats an entry of a list: a response validator as a condition, anything else as text.
fn item(value: &Value) -> String {
    let text = |key| value.get(key).and_then(Value::as_str);
    if let Some(expected) = value.get("expected_values").and_then(Value::as_array) {
        let expected: Vec<String> = expected.iter().map(item).collect();
        let subject = match (text("json_path"), text("body")) {
            (Some(path), _) => format!("{path} is"),
            (None, body) => format!("body {}", body.unwrap_or_default()),
        };
        return format!("{subject} {}", expected.join(" or "));
    }
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Label of a field, as on the form.
fn label(path: &[String]) -> String {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["active"] => "Status".to_owned(),
        ["type", "http_request", "url"] => "URL".to_owned(),
        ["type", "http_request", "headers", name] => format!("Header {name}"),
        ["filters", key, rest @ ..] => {
            let known = filter::Field::from_key(key).map(filter::Field::label);
            let name = known.map_or_else(|| capitalize(key), str::to_owned);
            match rest {
                ["none_of", rest @ ..] => {
                    [&["Filter", &name], rest, &["is none of"]].concat().join(" ")
                }
                rest => [&["Filter", &name], rest].concat().join(" "),
            }
        }
        ["authentication_config", kind, name] => {
            format!("Authentication, {kind}: {}", name.replace('_', " "))
        }
        ["custom_validation_error_message"] => "Custom failure message".to_owned(),
        ["timeout_in_sec"] => "Timeout in seconds".to_owned(),
        ["tls", "verify"] => "TLS verification".to_owned(),
        ["tls", "sha256"] => "SHA-256 fingerprint".to_owned(),
        ["tls", "pem"] => "Certificate authority".to_owned(),
        ["tls", "min_version"] => "Minimum TLS version".to_owned(),
        ["tls" | "type", .., name] => capitalize(name),
        ["signing", "secret"] => "Signing key".to_owned(),
        ["signing", "previous", "secret"] => "Previous signing key".to_owned(),
        ["signing", "previous", "until"] => "Previous signing key until".to_owned(),
        ["signing", ..] => "Signatures".to_owned(),
        ["ordered"] => "Order".to_owned(),
        ["traceparent"] => "Trace context".to_owned(),
        ["max_in_flight"] => "Concurrent requests".to_owned(),
        ["rate_per_minute"] => "Requests per minute".to_owned(),
        other => capitalize(&other.join(" ")),
    }
}

/// Turns `body_template` into `Body template`.
fn capitalize(name: &str) -> String {
    let spaced = name.replace('_', " ");
    let mut letters = spaced.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::webhook::ValidatorDraft;

    fn draft() -> Draft {
        Draft {
            name: "A".to_owned(),
            url: "https://10.0.0.5/x?token=abcdef".to_owned(),
            headers: vec![("Authorization".to_owned(), "Bearer abcdef".to_owned())],
            body_template: "{\n  \"secret_key\": \"abcdef\",\n  \"a\": 1\n}".to_owned(),
            triggers: vec!["Granted".to_owned()],
            response_validators: vec![ValidatorDraft::at("$.success", "true")],
            ..Draft::default()
        }
    }

    #[test]
    fn differences_have_the_labels_of_the_form() {
        let before = draft();
        let mut after = draft();
        after.active = false;
        after.triggers.push("Expired".to_owned());
        let custom = filter::Choice::any_of(["ticket=SEC-*"]);
        after.filters.insert(filter::Field::CustomField, custom);
        after.filters.insert(filter::Field::Bundle, filter::Choice::none_of(["DBA"]));
        after.authentication.kind = "basic".to_owned();
        after.authentication.username = "svc".to_owned();
        after.response_validators.clear();
        after.timeout_in_sec = "5".to_owned();
        after.ordered = false;
        after.not_secrets = vec!["body.code".to_owned(), "header.x-key".to_owned()];
        let found: Vec<(String, Option<String>, Option<String>)> = differences(&before, &after)
            .into_iter()
            .map(|one| (one.label, one.before, one.after))
            .collect();
        let row = |label: &str, before: Option<&str>, after: Option<&str>| {
            (label.to_owned(), before.map(str::to_owned), after.map(str::to_owned))
        };
        assert_eq!(
            found,
            [
                row("Status", Some("Active"), Some("Inactive")),
                row("Triggers", Some("Granted"), Some("Granted\nExpired")),
                row("Filter Bundle is none of", None, Some("DBA")),
                row("Filter Custom field ticket", None, Some("SEC-*")),
                row("Timeout in seconds", None, Some("5")),
                row("Authentication, basic: username", None, Some("svc")),
                row("Authentication, basic: password", None, Some("")),
                row("Order", None, Some("no")),
                row("Not secrets", None, Some("body.code\nheader.x-key")),
                row("Response validators", Some("$.success is true"), None),
            ]
        );
        assert!(differences(&before, &before).is_empty());
    }

    #[test]
    fn diffs_show_only_the_lines_around_a_change() {
        let text = |n: usize| (0..n).map(|n| n.to_string()).collect::<Vec<_>>().join("\n");
        let one = Difference {
            label: String::new(),
            before: Some(text(20)),
            after: Some(text(20).replacen("10\n", "ten\n", 1).replacen("0\n", "", 1)),
        };
        let lines = one.lines();
        assert_eq!(lines[0], Line::Removed("0".to_owned()));
        assert_eq!(lines[4], Line::Gap);
        assert!(lines.contains(&Line::Added("ten".to_owned())));
        assert_eq!(lines.len(), 4 + 1 + 8);
        assert!(Difference { after: one.before.clone(), ..one }.lines().is_empty());
    }

    #[test]
    fn the_kind_follows_from_the_changed_fields() {
        let mut off = draft();
        off.active = false;
        assert_eq!(RevisionKind::of(None, &off), RevisionKind::Added);
        assert_eq!(RevisionKind::of(Some(&draft()), &off), RevisionKind::Deactivated);
        assert_eq!(RevisionKind::of(Some(&off), &draft()), RevisionKind::Activated);
        off.name = "B".to_owned();
        assert_eq!(RevisionKind::of(Some(&draft()), &off), RevisionKind::Changed);
        assert_eq!(RevisionKind::from_name("Paused"), RevisionKind::Paused);
    }
}
