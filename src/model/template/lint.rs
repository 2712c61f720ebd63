//! What is likely wrong with a template although it compiles: fields that events do not have.

use super::Template;
use super::error::shorten;
use crate::model::event::field::FIELDS;

/// Something to tell the person who writes a template. It does not keep the template from being saved:
/// events may have fields that are not in the schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct Warning {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What it is about, and what to write instead.
    pub message: String,
}

/// Fields in a template that are not in the schema.
pub fn lint(template: &Template) -> Vec<Warning> {
    let unknown = template.paths().iter().filter(|used| !is_known(&used.path));
    unknown
        .map(|used| Warning { line: used.line, column: used.column, message: describe(&used.path) })
        .collect()
}

fn is_known(path: &str) -> bool {
    // The whole of it; a secret's name is checked when it is used; custom fields have any name.
    let any_below = ["secrets", "data.custom_fields"];
    path.is_empty()
        || any_below.iter().any(|known| is_within(path, known))
        || FIELDS.iter().any(|field| is_within(field.path, path))
}

/// Whether a path is the other, or leads on from it.
fn is_within(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || rest.starts_with("[]"))
}

fn describe(path: &str) -> String {
    let shown = shorten(&path.replace("[]", ".[0]"));
    if let Some(list) = list_without_index(path) {
        let written = list.replace("[]", ".[0]");
        return format!(
            "{} is a list: write {written}.[0] for its first entry, or {{{{#each {written}}}}} for all",
            list.rsplit('.').next().unwrap_or(list)
        );
    }
    match suggest(path) {
        Some(near) => format!(
            "{shown} is not a field of the documented events; did you mean {}?",
            near.replace("[]", ".[0]")
        ),
        None => format!(
            "{shown} is not a field of the documented events: it will be empty where an event lacks it"
        ),
    }
}

/// The list on the way of a path that goes on as if it were an object.
fn list_without_index(path: &str) -> Option<&'static str> {
    FIELDS
        .iter()
        .filter(|field| field.kind == "array")
        .map(|field| field.path)
        .find(|list| path.strip_prefix(list).is_some_and(|rest| rest.starts_with('.')))
}

/// The field that was probably meant.
pub(super) fn suggest(path: &str) -> Option<&'static str> {
    let known = || FIELDS.iter().map(|field| field.path);
    let ends_so = |field: &&str| field.strip_suffix(path).is_some_and(|rest| rest.ends_with('.'));
    // `requester.email` or `email`: the part before was forgotten. Else a slip of the fingers.
    known().find(ends_so).or_else(|| nearest(path, known()))
}

/// The nearest of several names, where it is near.
pub(super) fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let most = (name.chars().count() / 4).clamp(1, 4);
    known
        .map(|near| (distance(name, near), near))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, near)| near)
}

/// Edit distance, of names of at most 100 characters.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().take(100).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, l) in left.chars().take(100).enumerate() {
        let mut diagonal = index;
        let mut before = index + 1;
        for (cell, r) in row.iter_mut().skip(1).zip(&right) {
            let above = *cell;
            let same = l.eq_ignore_ascii_case(r);
            *cell = (above + 1).min(before + 1).min(diagonal + usize::from(!same));
            diagonal = above;
            before = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = index + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::template::Place;

    fn warnings(source: &str) -> Vec<String> {
        let template = Template::compile(source, Place::TextBody).unwrap();
        lint(&template).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_documented_field_is_known() {
        for field in FIELDS {
            assert_eq!(warnings(&field.placeholder()), [""; 0], "{}", field.path);
        }
        assert_eq!(
            warnings(
                "{{#each data.access_groups}}{{integration.name}}{{#each access_units}}{{resource.name}}\
                 {{../integration.id}}{{@root.event_type}}{{/each}}{{/each}}{{secrets.any}}\
                 {{data.custom_fields.any}}{{json this}}{{json data}}"
            ),
            [""; 0]
        );
    }

    #[test]
    fn unknown_fields_are_told_with_what_was_meant() {
        assert_eq!(
            warnings("\n{{ data.requestor.email }}"),
            ["line 2, column 4: data.requestor.email is not a field of the documented events; \
              did you mean data.requester.email?"]
        );
        assert_eq!(
            warnings("{{#if x}}{{requester.email}}{{/if}}").last().unwrap(),
            "line 1, column 12: requester.email is not a field of the documented events; \
             did you mean data.requester.email?"
        );
        assert_eq!(
            warnings("{{data.access_groups.integration.name}}"),
            [
                "line 1, column 3: access_groups is a list: write data.access_groups.[0] for its first entry, \
              or {{#each data.access_groups}} for all"
            ]
        );
        assert!(warnings("{{data.nothing_like_it}}")[0].contains("will be empty"));
        assert!(
            warnings("{{#each data.approvals}}{{aprover.email}}{{/each}}")[0]
                .contains("data.approvals.[0].approver.email")
        );
    }

    #[test]
    fn distances() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "ab"), 2);
        assert_eq!(distance("ab", ""), 2);
        assert_eq!(distance("É", "é"), 1);
    }
}
