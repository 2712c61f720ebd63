//! Warnings about templates that compile but probably contain a mistake.

use super::ast::PathUse;
use super::compiled::Template;
use super::error::shorten;
use super::lookalike::visible;
use super::suggestion::nearest;

/// A documented field of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchemaField<'a> {
    /// The path from the root, with `[]` after each list.
    pub path: &'a str,
    /// The kind of value.
    pub kind: FieldKind,
}

/// The kind of value of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// A text, number or boolean.
    Scalar,
    /// A list.
    List,
    /// An object whose members have arbitrary names.
    Map,
}

/// Maximum number of warnings about a template. More would not help its author, and each takes time to find.
pub const MAX_WARNINGS: usize = 50;

/// A warning for the author of a template. It does not prevent saving, because the data may have fields
/// that are not documented.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct Warning {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The problem, and what to write instead.
    pub message: String,
}

/// Returns a warning for each path in the template that is not in the schema, up to [`MAX_WARNINGS`].
pub fn lint(template: &Template, schema: &[SchemaField<'_>]) -> Vec<Warning> {
    let is_unknown = |used: &&PathUse| !used.paths.iter().any(|path| is_known(path, schema));
    let unknown = template.paths().iter().filter(is_unknown);
    unknown
        .map(|used| Warning {
            line: used.line,
            column: used.column,
            message: describe(&used.paths, schema),
        })
        .take(MAX_WARNINGS)
        .collect()
}

fn is_known(path: &str, schema: &[SchemaField<'_>]) -> bool {
    // The empty path is the data as a whole. The names of secrets are checked when they are used.
    path.is_empty()
        || is_within(path, "secrets")
        || schema.iter().any(|field| {
            is_within(field.path, path)
                || (field.kind == FieldKind::Map && is_within(path, field.path))
                || part_of_value(path, field)
        })
}

/// Whether a path is the length of a list or text, or a character of a text.
fn part_of_value(path: &str, field: &SchemaField<'_>) -> bool {
    path.strip_prefix(field.path).is_some_and(|part| match field.kind {
        FieldKind::Scalar => matches!(part, ".length" | "[]" | "[].length"),
        FieldKind::List => part == ".length",
        FieldKind::Map => false,
    })
}

/// Whether a path equals the other or continues it.
fn is_within(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || rest.starts_with("[]"))
}

/// Describes the mistake in a path of which the first is the most likely meaning.
fn describe(paths: &[String], schema: &[SchemaField<'_>]) -> String {
    let first = paths.first().map_or("", String::as_str);
    let shown = shorten(&visible(&first.replace("[]", ".[0]")));
    if let (1, Some(list)) = (paths.len(), list_without_index(first, schema)) {
        let name = list.rsplit('.').next().unwrap_or(list);
        let list = list.replace("[]", ".[0]");
        return format!(
            "{name} is a list: write {list}.[0] for its first entry, or {{{{#each {list}}}}} for all entries"
        );
    }
    match paths.iter().find_map(|path| suggest(path, schema)) {
        Some(near) => format!(
            "{shown} is not a documented field; did you mean {}?",
            near.replace("[]", ".[0]")
        ),
        None => {
            format!("{shown} is not a documented field: it is empty if an event does not have it")
        }
    }
}

/// The list that a path continues as if it were an object.
fn list_without_index<'a>(path: &str, schema: &[SchemaField<'a>]) -> Option<&'a str> {
    schema
        .iter()
        .filter(|field| field.kind == FieldKind::List)
        .map(|field| field.path)
        .find(|list| path.strip_prefix(list).is_some_and(|rest| rest.starts_with('.')))
}

/// The field that was probably meant: one that ends with `path`, such as `data.requester.email` for
/// `requester.email`, or else one with a similar name.
fn suggest<'a>(path: &str, schema: &[SchemaField<'a>]) -> Option<&'a str> {
    let known = || schema.iter().map(|field| field.path);
    let has_suffix =
        |field: &&str| field.strip_suffix(path).is_some_and(|rest| rest.ends_with('.'));
    known().find(has_suffix).or_else(|| nearest(path, known()))
}

#[cfg(test)]
mod tests {
    use super::super::OutputContext;
    use super::*;

    const SCHEMA: &[SchemaField<'static>] = &[
        SchemaField { path: "event_type", kind: FieldKind::Scalar },
        SchemaField { path: "data.requester.email", kind: FieldKind::Scalar },
        SchemaField { path: "data.access_groups", kind: FieldKind::List },
        SchemaField { path: "data.access_groups[].integration.id", kind: FieldKind::Scalar },
        SchemaField { path: "data.access_groups[].integration.name", kind: FieldKind::Scalar },
        SchemaField { path: "data.access_groups[].access_units", kind: FieldKind::List },
        SchemaField {
            path: "data.access_groups[].access_units[].resource.name",
            kind: FieldKind::Scalar,
        },
        SchemaField { path: "data.approvals", kind: FieldKind::List },
        SchemaField { path: "data.approvals[].approver.email", kind: FieldKind::Scalar },
        SchemaField { path: "data.custom_fields", kind: FieldKind::Map },
    ];

    fn warnings(source: &str) -> Vec<String> {
        let template = Template::compile(source, OutputContext::TextBody).unwrap();
        lint(&template, SCHEMA).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn documented_fields_secrets_and_custom_fields_are_known() {
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
    fn lengths_and_sections_are_known() {
        assert_eq!(
            warnings(
                "{{data.approvals.length}}{{event_type.length}}{{event_type.[0]}}{{#data.approvals}}{{approver.email}}\
                 {{event_type}}{{/data.approvals}}{{^data.approvals}}{{event_type}}{{/data.approvals}}\
                 {{#each data.access_groups}}{{access_units.length}}{{#access_units}}{{resource.name}}{{@index}}\
                 {{integration.name}}{{/access_units}}{{/each}}{{#data.requester}}{{email}}{{.}}{{/data.requester}}"
            ),
            [""; 0]
        );
        assert_eq!(
            warnings("{{#data.approvals}}{{aprover.email}}{{/data.approvals}}"),
            ["line 1, column 22: data.approvals.[0].aprover.email is not a documented field; \
              did you mean data.approvals.[0].approver.email?"]
        );
        assert!(warnings("{{data.length}}")[0].contains("not a documented field"));
    }

    #[test]
    fn unknown_fields_are_reported_with_a_suggestion() {
        assert_eq!(
            warnings("\n{{ data.requestor.email }}"),
            ["line 2, column 4: data.requestor.email is not a documented field; \
              did you mean data.requester.email?"]
        );
        assert_eq!(
            warnings("{{#if x}}{{requester.email}}{{/if}}").last().unwrap(),
            "line 1, column 12: requester.email is not a documented field; \
             did you mean data.requester.email?"
        );
        assert_eq!(
            warnings("{{data.access_groups.integration.name}}"),
            [
                "line 1, column 3: access_groups is a list: write data.access_groups.[0] for its first entry, \
              or {{#each data.access_groups}} for all entries"
            ]
        );
        assert!(warnings("{{data.nothing_like_it}}")[0].contains("it is empty if"));
        assert!(
            warnings("{{#each data.approvals}}{{aprover.email}}{{/each}}")[0]
                .contains("data.approvals.[0].approver.email")
        );
    }
}
