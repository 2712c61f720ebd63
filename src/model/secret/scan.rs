//! Finds secrets in bodies by their names.

use std::ops::Range;

use super::credentials::is_credential_name;

/// A secret in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FoundSecret {
    /// Byte range of the value.
    pub(super) value: Range<usize>,
}

/// Finds secrets in a body: `"secret_key": "…"` at any level of nested JSON, and `secret_key=…` in a form.
pub(super) fn find_in_body(text: &str) -> Vec<FoundSecret> {
    let trimmed = text.trim_start();
    if trimmed.starts_with(['{', '[']) { find_in_json(text) } else { find_in_parameters(text, 0) }
}

fn find_in_parameters(text: &str, from: usize) -> Vec<FoundSecret> {
    let mut found = Vec::new();
    let mut at = from;
    for pair in text.get(from..).unwrap_or_default().split('&') {
        if let Some((name, value)) = pair.split_once('=') {
            let start = at + name.len() + 1;
            add_if_secret(&mut found, name, value, start..start + value.len());
        }
        at += pair.len() + 1;
    }
    found
}

/// A quote with the backslashes before it, whose number depends on the level of nesting.
#[derive(Clone, Copy)]
struct Quote {
    /// Start of the backslashes.
    start: usize,
    /// End of the quote.
    end: usize,
    backslashes: usize,
}

/// Finds a quoted key, a colon and a quoted value whose four quotes are on the same level. Looking at bytes is
/// enough, because quotes, backslashes and colons are never part of a longer UTF-8 sequence.
fn find_in_json(text: &str) -> Vec<FoundSecret> {
    let quotes = quotes(text);
    let mut found = Vec::new();
    for (index, open) in quotes.iter().enumerate() {
        let mut later = quotes.iter().skip(index + 1);
        let Some(close) = later.next().filter(|quote| quote.backslashes == open.backslashes) else {
            continue;
        };
        let Some(start) = later.next().filter(|quote| quote.backslashes == open.backslashes) else {
            continue;
        };
        if text.get(close.end..start.start).is_none_or(|between| between.trim() != ":") {
            continue;
        }
        let Some(end) = later.find(|quote| ends(**quote, open.backslashes)) else {
            continue;
        };
        let name = text.get(open.end..close.start).unwrap_or_default();
        // Escaped backslashes before the closing quote belong to the value.
        let value = start.end..end.end - 1 - open.backslashes;
        let content = text.get(value.clone()).unwrap_or_default();
        add_if_secret(&mut found, name, content, value);
    }
    found
}

/// Whether a quote ends a string of this level. On the outermost level, an even number of backslashes
/// consists of escaped backslashes.
fn ends(quote: Quote, depth: usize) -> bool {
    quote.backslashes == depth || (depth == 0 && quote.backslashes.is_multiple_of(2))
}

fn quotes(text: &str) -> Vec<Quote> {
    let mut quotes = Vec::new();
    let mut backslashes = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'\\' => backslashes += 1,
            b'"' => {
                quotes.push(Quote { start: at - backslashes, end: at + 1, backslashes });
                backslashes = 0;
            }
            _ => backslashes = 0,
        }
    }
    quotes
}

/// Adds a value if its name is secret and it is a literal. A placeholder is not a secret itself.
fn add_if_secret(found: &mut Vec<FoundSecret>, name: &str, value: &str, range: Range<usize>) {
    if is_credential_name(name) && !value.is_empty() && !value.contains("{{") {
        found.push(FoundSecret { value: range });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values<'a>(text: &'a str, found: &[FoundSecret]) -> Vec<&'a str> {
        found.iter().map(|one| text.get(one.value.clone()).unwrap()).collect()
    }

    #[test]
    fn secrets_are_found_at_every_level_of_json() {
        for (text, expected) in [
            (r#"{"secret_key": "s3cret", "user": "x"}"#, vec!["s3cret"]),
            (r#"{"secret_key":"a\"b\\"}"#, vec![r#"a\"b\\"#]),
            (r#"{"m": "{ \"secret_key\": \"inner\", \"x\": 1 }"}"#, vec!["inner"]),
            (r#"{"secret_key": "{{secrets.logpoint}}"}"#, vec![]),
            (r#"{"secret_key": ""}"#, vec![]),
            (r#"{"a": ["token", "b"], "token": 5}"#, vec![]),
            (r#"{"password": "p", "api_key" : "k"}"#, vec!["p", "k"]),
        ] {
            assert_eq!(values(text, &find_in_body(text)), expected, "{text}");
        }
    }

    #[test]
    fn secrets_are_found_in_forms() {
        let form = "username=me&secret_key=abc";
        assert_eq!(values(form, &find_in_body(form)), ["abc"]);
    }
}
