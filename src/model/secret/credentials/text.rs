//! Credentials in texts that may have any format.

use std::ops::Range;

use super::json;
use super::names::{is_credential_name, is_credential_parameter};
use super::placeholders::{has_placeholder, is_placeholder};
use super::services;
use super::tokens::{self, Kind, Search};
use super::view::View;

/// A credential in a text.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) range: Range<usize>,
    pub(super) kind: Kind,
    /// The name before it, or an empty text.
    pub(super) name: String,
}

/// Finds the credentials in a text: private keys, or if there are none, names with values, tokens, and secrets in URLs.
/// A private key contains spaces and words, so what is around it can be read only when it is replaced.
pub(super) fn find(view: &View, search: Search) -> Vec<Part> {
    let text = view.text();
    let tokens = tokens::find(text, search).into_iter();
    let mut parts: Vec<Part> =
        tokens.map(|(range, kind)| Part { range, kind, name: String::new() }).collect();
    if parts.iter().any(|part| part.kind == Kind::PrivateKey) {
        parts.retain(|part| part.kind == Kind::PrivateKey);
        return parts;
    }
    add_pairs(text, &mut parts);
    for (scheme, _) in text.match_indices("://") {
        for (range, name) in services::secrets_in_text(text, scheme) {
            join_to_url(view, &mut parts, scheme, &range);
            parts.push(Part { range, kind: Kind::Token, name });
        }
    }
    if text.contains("\":") || text.contains("\" :") {
        for (name, range) in json::named_strings(view) {
            if is_credential_name(&name) && is_plain(&name) {
                parts.push(Part { range, kind: Kind::Token, name });
            }
        }
    }
    parts.retain(|part| !part.range.is_empty() && !has_placeholder(view.get(part.range.clone())));
    parts
}

/// Sorts parts, and joins those that overlap or touch: one may be the name of the other.
pub(super) fn merged(mut parts: Vec<Part>) -> Vec<Part> {
    parts.sort_by_key(|part| (part.range.start, std::cmp::Reverse(part.range.end)));
    let mut merged: Vec<Part> = Vec::with_capacity(parts.len());
    for part in parts {
        match merged.last_mut() {
            Some(last) if part.range.start <= last.range.end => {
                last.range.end = last.range.end.max(part.range.end);
            }
            _ => merged.push(part),
        }
    }
    merged
}

/// Extends the credential in which a URL begins, such as that of `password=a://}:b@host`, to the secret of the URL, which
/// could not be found any more once the beginning is replaced. If a placeholder is among them, the credential ends before
/// the URL instead.
fn join_to_url(view: &View, parts: &mut [Part], scheme: usize, secret: &Range<usize>) {
    let has_placeholder = has_placeholder(view.get(scheme..secret.end));
    for part in parts {
        if part.range.contains(&scheme) && part.range.end < secret.start {
            part.range.end = if has_placeholder { scheme } else { secret.end };
        }
    }
}

/// Whether a name contains no credential, whose replacement would change the name.
fn is_plain(name: &str) -> bool {
    tokens::find(name, Search::All).is_empty()
}

/// Adds the values of `name=value`, as in parameters, and of `name: value` at the start of a line.
fn add_pairs(text: &str, parts: &mut Vec<Part>) {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let ends_value = |c: char| {
        c.is_whitespace() || c.is_control() || is_placeholder(c) || "&;,\"'<>)}]#\\".contains(c)
    };
    // Only spaces follow.
    let last_line = text.trim_end().len();
    let mut end = 0;
    for (at, sign) in text.match_indices(['=', ':']) {
        if at < end {
            // It is part of the previous value.
            continue;
        }
        let before = text.get(..at).unwrap_or_default();
        let start = before.trim_end_matches(is_name).len();
        let name = text.get(start..at).unwrap_or_default();
        let preceding = text.get(..start).unwrap_or_default();
        let is_parameter = preceding.ends_with(['?', '&']);
        let is_secret = match sign {
            "=" if is_parameter => is_credential_parameter(name),
            "=" => is_credential_name(name),
            _ => {
                let is_line = preceding.trim_end_matches([' ', '\t', '-']).is_empty()
                    || preceding.trim_end_matches([' ', '\t', '-']).ends_with('\n');
                is_line && is_credential_name(name)
            }
        };
        if !is_secret || !is_plain(name) {
            continue;
        }
        let after = text.get(at + 1..).unwrap_or_default();
        let value = if sign == ":" { after.trim_start_matches(' ') } else { after };
        let start = text.len() - value.len();
        let length = value.find(ends_value).unwrap_or(value.len());
        let is_template = value.get(length..).is_some_and(|rest| rest.starts_with(is_placeholder));
        end = start + length;
        let ends_line = end >= last_line
            || value
                .get(length..)
                .is_some_and(|rest| rest.trim_start_matches([' ', '\t', '\r']).starts_with('\n'));
        let is_path = value.starts_with("//") || value.starts_with('=');
        if length > 0 && !is_template && !is_path && (sign == "=" || ends_line) {
            let name = name.to_owned();
            parts.push(Part { range: start..start + length, kind: Kind::Token, name });
        }
    }
}
