//! The fields of a CSV body (RFC 4180). The first line may have the names of the columns.

use std::ops::Range;

use super::names::is_credential_name;
use super::placeholders::has_placeholder;
use super::slots::Slots;
use super::text;
use super::tokens::Search;
use super::view::View;

/// A field.
struct Field {
    range: Range<usize>,
    is_quoted: bool,
    row: usize,
    column: usize,
}

/// Adds the fields. The template engine accepts a reference only as a whole field or inside quotes.
pub(super) fn add(view: &View, slots: &mut Slots) {
    let fields = fields(view.text());
    let names: Vec<String> = fields
        .iter()
        .take_while(|field| field.row == 0)
        .map(|field| column_name(&view.slice(field.range.clone()).decode_csv()))
        .collect();
    for field in fields {
        let name = names.get(field.column).map_or("", String::as_str);
        let value = view.slice(field.range.clone());
        let value = if field.is_quoted { value.decode_csv() } else { value };
        let name = if field.row == 0 { "" } else { name };
        let is_secret = field.row > 0 && is_credential_name(name);
        if field.is_quoted {
            slots.add_value(&value, name, is_secret);
        } else if has_placeholder(value.text()) {
            slots.add_credentials(&value, name, None, |_| Vec::new());
        } else if !value.text().is_empty() {
            let has_parts = !text::find(&value, Search::All).is_empty();
            slots.add_value(&value, name, is_secret || has_parts);
        }
    }
}

/// The name of a column. Empty if the field contains a credential or a placeholder.
fn column_name(field: &View) -> String {
    let is_name = !has_placeholder(field.text()) && text::find(field, Search::All).is_empty();
    if is_name { field.text().trim().to_owned() } else { String::new() }
}

fn fields(text: &str) -> Vec<Field> {
    let mut fields = Vec::new();
    let (mut row, mut column, mut at) = (0, 0, 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let is_quoted = rest.starts_with('"');
        let (range, length) = if is_quoted {
            let end = quoted_length(rest);
            let after = rest.get(end..).unwrap_or_default();
            let length = end + after.find([',', ';', '\t', '\n']).unwrap_or(after.len());
            (at + 1..(at + end).saturating_sub(1).max(at + 1), length)
        } else {
            let length = rest.find([',', ';', '\t', '\n']).unwrap_or(rest.len());
            let content = rest.get(..length).unwrap_or_default().trim_end_matches('\r');
            (at..at + content.len(), length)
        };
        fields.push(Field { range, is_quoted, row, column });
        at += length;
        match text.get(at..).and_then(|rest| rest.chars().next()) {
            Some('\n') => (row, column) = (row + 1, 0),
            _ => column += 1,
        }
        at += 1;
    }
    fields
}

/// The length of a quoted field with its quotes, or of the rest.
fn quoted_length(rest: &str) -> usize {
    let mut at = 1;
    let bytes = rest.as_bytes();
    while let Some(byte) = bytes.get(at) {
        if *byte == b'"' {
            if bytes.get(at + 1) != Some(&b'"') {
                return at + 1;
            }
            at += 1;
        }
        at += 1;
    }
    // The end of the text stands for the closing quote.
    rest.len() + 1
}
