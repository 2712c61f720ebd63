//! Credentials in URLs.

use std::ops::Range;

use super::names::is_credential_parameter;
use super::services::{path_of, secret_segments};
use super::slots::{PATH, Slots};
use super::text::Part;
use super::tokens::{self, Search};
use super::view::View;

/// Adds the credentials in the path and the query of the URL of a webhook.
pub(super) fn add(view: &View, slots: &mut Slots) {
    let text = view.text();
    let end = text.find('#').unwrap_or(text.len());
    let query = text.get(..end).and_then(|text| text.find('?')).unwrap_or(end);
    let path = path_of(text.get(..query).unwrap_or_default(), 0).unwrap_or(query..query);
    let secret = secret_segments(text, &(path.start..query));
    let mut at = path.start;
    for segment in text.get(path.start..query).unwrap_or_default().split_inclusive('/') {
        let range = at..at + segment.trim_end_matches('/').len();
        at += segment.len();
        let decoded = view.slice(range.clone()).decode_percent(false);
        let known = secret.iter().find(|it| range.start <= it.start && it.end <= range.end);
        // The parts before a secret, such as `bot1234:`, need no decoding.
        let known = known.map(|secret| {
            let end = decoded.text().len();
            (secret.start - range.start).min(end)..end
        });
        slots.add_credentials(&decoded, PATH, known, |rest| {
            let tokens = tokens::find(rest.text(), Search::All).into_iter();
            tokens.map(|(range, kind)| Part { range, kind, name: String::new() }).collect()
        });
    }
    let mut at = query + 1;
    for pair in text.get(query + 1..end).unwrap_or_default().split('&') {
        let range = at..at + pair.len();
        at += pair.len() + 1;
        add_pair(view, range, is_credential_parameter, slots);
    }
}

/// Adds a pair of name and value, which are percent-encoded.
pub(super) fn add_pair(
    view: &View,
    range: Range<usize>,
    is_credential: fn(&str) -> bool,
    slots: &mut Slots,
) {
    let pair = view.get(range.clone());
    let (name, value) = match pair.find('=') {
        Some(equals) => (range.start..range.start + equals, range.start + equals + 1..range.end),
        None => (range.start..range.start, range),
    };
    let name = view.slice(name).decode_percent(true);
    let value = view.slice(value).decode_percent(true);
    slots.add_value(&value, name.text(), is_credential(name.text()));
}
