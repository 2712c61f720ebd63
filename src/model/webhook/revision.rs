//! A webhook's history: what was done to it, and what that changed.

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::draft::Draft;
use super::file::WebhookFile;
use crate::model::filter;
use crate::model::secret::{mask, unmask};

/// Unchanged lines around those that changed.
const CONTEXT: usize = 3;

/// What was done to a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevisionKind {
    /// It was added.
    Added,
    /// It was saved with changes.
    Changed,
    /// It was switched on, and nothing else.
    Activated,
    /// It was switched off, and nothing else.
    Deactivated,
    /// Gatepost itself switched it off.
    Paused,
    /// An earlier revision was saved again.
    Restored,
    /// It was deleted.
    Deleted,
}

impl RevisionKind {
    const ALL: [Self; 7] = [
        Self::Added,
        Self::Changed,
        Self::Activated,
        Self::Deactivated,
        Self::Paused,
        Self::Restored,
        Self::Deleted,
    ];

    /// What saving this over that is.
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

    /// The word in the database, which is also the page's.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "Added",
            Self::Changed => "Changed",
            Self::Activated => "Activated",
            Self::Deactivated => "Deactivated",
            Self::Paused => "Paused",
            Self::Restored => "Restored",
            Self::Deleted => "Deleted",
        }
    }

    /// From the word. One of a later version is some change.
    pub fn from_word(word: &str) -> Self {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word).unwrap_or(Self::Changed)
    }
}

/// A field that differs between two drafts. No secret stands in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What people call the field.
    pub label: String,
    /// None where it was not set.
    pub before: Option<String>,
    /// None where it is not set any more.
    pub after: Option<String>,
    /// Whether a secret in it differs, which the texts do not show.
    pub secret: bool,
}

/// A line of a text that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// The same in both.
    Kept(String),
    /// Only before.
    Gone(String),
    /// Only after.
    Come(String),
    /// Some that are the same are left out.
    Gap,
}

impl Difference {
    /// The lines around each change, where one of the texts has several; empty where neither has.
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
        for group in diff.grouped_ops(CONTEXT) {
            if !lines.is_empty() {
                lines.push(Line::Gap);
            }
            for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
                let text = change.value().to_owned();
                lines.push(match change.tag() {
                    ChangeTag::Equal => Line::Kept(text),
                    ChangeTag::Delete => Line::Gone(text),
                    ChangeTag::Insert => Line::Come(text),
                });
            }
        }
        lines
    }
}

/// Every field in which two whole drafts differ, in the file's order.
pub fn differences(before: &Draft, after: &Draft) -> Vec<Difference> {
    let (old, new) = (fields(&mask(before)), fields(&mask(after)));
    let whole = fields(after);
    // What it would be with the secrets as they were: a field that is not, has another secret.
    let as_before = fields(&unmask(&mask(after), before));
    let find = |all: &[(Vec<String>, String)], path: &Vec<String>| {
        all.iter().find(|(known, _)| known == path).map(|(_, text)| text.clone())
    };
    let gone = old.iter().filter(|(path, _)| find(&new, path).is_none());
    let mut found = Vec::new();
    for (path, _) in new.iter().chain(gone) {
        let (before, after) = (find(&old, path), find(&new, path));
        let secret = find(&whole, path) != find(&as_before, path);
        if before != after || secret {
            found.push(Difference { label: label(path), before, after, secret });
        }
    }
    found
}

/// The draft's fields as texts, each with its path in the file.
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

/// An entry of a list: of a validator its path, and what is expected there.
fn item(value: &Value) -> String {
    let expected = value.get("expected_values").and_then(Value::as_array);
    if let (Some(path), Some(expected)) = (value.get("json_path").and_then(Value::as_str), expected)
    {
        let expected: Vec<String> = expected.iter().map(item).collect();
        return format!("{path} is {}", expected.join(" or "));
    }
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What people call a field, as on the form.
fn label(path: &[String]) -> String {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["active"] => "Status".to_owned(),
        ["type", "http_request", "url"] => "URL".to_owned(),
        ["type", "http_request", "headers", name] => format!("Header {name}"),
        ["filters", key, rest @ ..] => {
            let known = filter::Field::from_key(key).map(filter::Field::label);
            let name = known.map_or_else(|| plain(key), str::to_owned);
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
        ["tls" | "type", .., name] => plain(name),
        ["ordered"] => "Order".to_owned(),
        ["max_in_flight"] => "Exchanges at once".to_owned(),
        ["rate_per_minute"] => "Exchanges a minute".to_owned(),
        other => plain(&other.join(" ")),
    }
}

/// `body_template` as `Body template`.
fn plain(name: &str) -> String {
    let spaced = name.replace('_', " ");
    let mut letters = spaced.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> Draft {
        Draft {
            name: "A".to_owned(),
            url: "https://10.0.0.5/x?token=abcdef".to_owned(),
            headers: vec![("Authorization".to_owned(), "Bearer abcdef".to_owned())],
            body_template: "{\n  \"secret_key\": \"abcdef\",\n  \"a\": 1\n}".to_owned(),
            triggers: vec!["Granted".to_owned()],
            response_validators: vec![("$.success".to_owned(), vec!["true".to_owned()])],
            ..Draft::default()
        }
    }

    #[test]
    fn each_field_is_told_by_its_name_on_the_form() {
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
        let told: Vec<(String, Option<String>, Option<String>)> = differences(&before, &after)
            .into_iter()
            .map(|one| (one.label, one.before, one.after))
            .collect();
        let row = |label: &str, before: Option<&str>, after: Option<&str>| {
            (label.to_owned(), before.map(str::to_owned), after.map(str::to_owned))
        };
        assert_eq!(
            told,
            [
                row("Status", Some("Active"), Some("Inactive")),
                row("Triggers", Some("Granted"), Some("Granted\nExpired")),
                row("Filter Bundle is none of", None, Some("DBA")),
                row("Filter Custom field ticket", None, Some("SEC-*")),
                row("Timeout in seconds", None, Some("5")),
                row("Authentication, basic: username", None, Some("svc")),
                row("Authentication, basic: password", None, Some("")),
                row("Order", None, Some("no")),
                row("Response validators", Some("$.success is true"), None),
            ]
        );
        assert!(differences(&before, &before).is_empty());
    }

    #[test]
    fn a_secret_that_changes_is_told_and_never_shown() {
        let before = draft();
        let mut after = draft();
        after.url = after.url.replace("abcdef", "ghijkl");
        after.headers[0].1 = "Bearer ghijkl".to_owned();
        after.body_template = after.body_template.replace("abcdef", "ghijkl").replace('1', "2");
        after.headers.push(("X-Api-Key".to_owned(), "mnopqr".to_owned()));
        let told = differences(&before, &after);
        let labels: Vec<&str> = told.iter().map(|one| one.label.as_str()).collect();
        assert_eq!(labels, ["URL", "Header Authorization", "Header X-Api-Key", "Body template"]);
        assert!(told.iter().all(|one| one.secret), "{told:#?}");
        let shown = format!("{told:?} {:?}", told[3].lines());
        assert!(!["abcdef", "ghijkl", "mnopqr"].iter().any(|one| shown.contains(one)), "{shown}");
        assert_eq!(told[0].before, told[0].after);
        // The same secret beside another change is none.
        let renamed = Draft { name: "B".to_owned(), ..draft() };
        assert!(differences(&before, &renamed).iter().all(|one| !one.secret));
    }

    #[test]
    fn long_texts_show_the_lines_around_a_change() {
        let text = |n: usize| (0..n).map(|n| n.to_string()).collect::<Vec<_>>().join("\n");
        let one = Difference {
            label: String::new(),
            before: Some(text(20)),
            after: Some(text(20).replacen("10\n", "ten\n", 1).replacen("0\n", "", 1)),
            secret: false,
        };
        let lines = one.lines();
        assert_eq!(lines[0], Line::Gone("0".to_owned()));
        assert_eq!(lines[4], Line::Gap);
        assert!(lines.contains(&Line::Come("ten".to_owned())));
        assert_eq!(lines.len(), 4 + 1 + 8);
        assert!(Difference { after: one.before.clone(), ..one }.lines().is_empty());
    }

    #[test]
    fn what_was_done_is_known_from_what_changed() {
        let mut off = draft();
        off.active = false;
        assert_eq!(RevisionKind::of(None, &off), RevisionKind::Added);
        assert_eq!(RevisionKind::of(Some(&draft()), &off), RevisionKind::Deactivated);
        assert_eq!(RevisionKind::of(Some(&off), &draft()), RevisionKind::Activated);
        off.name = "B".to_owned();
        assert_eq!(RevisionKind::of(Some(&draft()), &off), RevisionKind::Changed);
        assert_eq!(RevisionKind::from_word("Paused"), RevisionKind::Paused);
    }
}
