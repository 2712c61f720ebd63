//! Annotations on the lines of the body template, as JSON for the editor's script.

use serde::Serialize;

use crate::model::webhook::{Field, FieldErrors};
use crate::template::Warning;

#[derive(Debug, Serialize)]
struct Annotation<'a> {
    /// From 1.
    line: usize,
    message: &'a str,
    severity: &'static str,
}

/// Annotates the errors in the body template.
pub(super) fn of_errors(errors: &FieldErrors) -> String {
    let in_body = errors.iter().filter(|error| error.field == Field::BodyTemplate);
    to_json(in_body.filter_map(|error| {
        Some(Annotation { line: error.line?, message: &error.message, severity: "error" })
    }))
}

/// Annotates the warnings about the body template.
pub(super) fn of_warnings(warnings: &[Warning]) -> String {
    to_json(warnings.iter().map(|warning| Annotation {
        line: warning.line,
        message: &warning.message,
        severity: "warning",
    }))
}

/// Returns a JSON array, or an empty text if there are no annotations.
fn to_json<'a>(annotations: impl Iterator<Item = Annotation<'a>>) -> String {
    let annotations: Vec<Annotation<'_>> = annotations.collect();
    if annotations.is_empty() {
        return String::new();
    }
    serde_json::to_string(&annotations).unwrap_or_default()
}
