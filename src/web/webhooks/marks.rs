//! What the editor marks on the body template's lines, as JSON for its script.

use serde::Serialize;

use crate::model::webhook::{Field, FieldErrors};
use crate::template::Warning;

#[derive(Debug, Serialize)]
struct Mark<'a> {
    /// From 1.
    line: usize,
    message: &'a str,
    severity: &'static str,
}

/// The mistakes in the body template.
pub(super) fn of_errors(errors: &FieldErrors) -> String {
    let in_body = errors.iter().filter(|error| error.field == Field::BodyTemplate);
    write(in_body.filter_map(|error| {
        Some(Mark { line: error.line?, message: &error.message, severity: "error" })
    }))
}

/// What is likely a slip in it.
pub(super) fn of_slips(slips: &[Warning]) -> String {
    write(slips.iter().map(|slip| Mark {
        line: slip.line,
        message: &slip.message,
        severity: "warning",
    }))
}

/// Empty where there is none.
fn write<'a>(marks: impl Iterator<Item = Mark<'a>>) -> String {
    let marks: Vec<Mark<'_>> = marks.collect();
    if marks.is_empty() {
        return String::new();
    }
    serde_json::to_string(&marks).unwrap_or_default()
}
