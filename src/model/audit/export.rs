//! Exports of the audit log: CSV that spreadsheets can open safely, and JSON lines.

use std::str::FromStr;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::RecordedEntry;

/// The columns of the CSV.
const COLUMNS: [&str; 13] = [
    "seq",
    "time",
    "actor_kind",
    "actor_name",
    "address",
    "request_id",
    "action",
    "object_kind",
    "object_id",
    "object_name",
    "detail",
    "previous_hash",
    "hash",
];

/// A format of exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// Comma-separated values, with a header.
    Csv,
    /// One JSON object per line.
    JsonLines,
}

impl ExportFormat {
    /// The name, which is also the extension of files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
        }
    }

    /// The media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::JsonLines => "application/x-ndjson",
        }
    }

    /// Returns what precedes the first entry.
    pub fn header(self) -> String {
        match self {
            Self::Csv => format!("{}\r\n", COLUMNS.join(",")),
            Self::JsonLines => String::new(),
        }
    }

    /// Returns the line of an entry, with its line break.
    pub fn line(self, entry: &RecordedEntry) -> String {
        match self {
            Self::Csv => csv(entry),
            Self::JsonLines => format!("{}\n", json_object(entry)),
        }
    }
}

impl FromStr for ExportFormat {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        [Self::Csv, Self::JsonLines]
            .into_iter()
            .find(|format| format.as_str() == name)
            .ok_or_else(|| format!("unknown format \"{name}\"; use csv or jsonl"))
    }
}

fn time(entry: &RecordedEntry) -> String {
    entry.at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

fn csv(entry: &RecordedEntry) -> String {
    let (seq, time) = (entry.seq.to_string(), time(entry));
    let (previous, hash) = (hex::encode(&entry.previous_hash), hex::encode(&entry.hash));
    let fields = [
        &seq,
        &time,
        &entry.actor_kind,
        &entry.actor_name,
        &entry.address,
        &entry.request_id,
        &entry.action,
        &entry.object.kind,
        &entry.object.id,
        &entry.object.name,
        &entry.detail,
        &previous,
        &hash,
    ];
    let cells: Vec<String> = fields.into_iter().map(|field| cell(field)).collect();
    format!("{}\r\n", cells.join(","))
}

/// Quotes a cell (RFC 4180). A spreadsheet would evaluate a text that starts like a formula, so an apostrophe precedes it.
fn cell(text: &str) -> String {
    let is_formula =
        text.trim_start().starts_with(['=', '+', '-', '@']) || text.starts_with(['\t', '\r', '\n']);
    let guard = if is_formula { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

fn json_object(entry: &RecordedEntry) -> Value {
    let detail = RawValue::from_string(entry.detail.clone());
    json!({
        "seq": entry.seq,
        "time": time(entry),
        "actor_kind": entry.actor_kind,
        "actor_name": entry.actor_name,
        "address": entry.address,
        "request_id": entry.request_id,
        "action": entry.action,
        "object_kind": entry.object.kind,
        "object_id": entry.object.id,
        "object_name": entry.object.name,
        "detail": detail.ok(),
        "previous_hash": hex::encode(&entry.previous_hash),
        "hash": hex::encode(&entry.hash),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_cell_starts_like_a_formula(text in "[ \t\r\n]{0,2}[=+@a\"',-]{0,4}") {
            let cell = cell(&text);
            let inner = cell.strip_prefix('"').and_then(|it| it.strip_suffix('"')).unwrap();
            prop_assert!(!inner.trim_start().starts_with(['=', '+', '-', '@']), "{}", cell);
            prop_assert_eq!(inner.replace("\"\"", "").matches('"').count(), 0);
            let read = inner.replace("\"\"", "\"");
            prop_assert_eq!(read.strip_prefix('\'').filter(|rest| **rest == *text).unwrap_or(&read), &text);
        }
    }
}
