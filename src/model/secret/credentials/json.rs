//! The values of a JSON text, with their names. The text may be a template: blocks, and values that are
//! placeholders, are skipped.

use std::collections::HashMap;
use std::ops::Range;

use super::names::{self, is_credential_name};
use super::placeholders::{REFERENCE, is_placeholder};
use super::view::View;

/// A string, a number, or a reference to a secret in a JSON text.
#[derive(Debug)]
pub(super) struct Value {
    /// The key of the value, or of the list around it. Empty if there is none.
    pub(super) name: String,
    /// The content of the string, the number, or the reference to a secret.
    pub(super) range: Range<usize>,
    pub(super) is_string: bool,
    /// Whether the value is a credential because of the names around it.
    pub(super) is_secret: bool,
}

/// Longest key that is read, in bytes.
const MAX_KEY_BYTES: usize = 128;
/// Deepest objects and lists that are read.
const MAX_DEPTH: usize = 200;

/// An open object or list.
#[derive(Debug, Default)]
struct Frame {
    /// The key of the object or list.
    name: String,
    is_list: bool,
    /// Whether the object or list as a whole is a credential because of its name.
    is_secret: bool,
    /// Identifies the object.
    object: usize,
    /// The key of the next value.
    key: Option<String>,
}

/// A value before its siblings are known.
struct Candidate {
    value: Value,
    object: usize,
    /// The key of the object around it.
    parent: String,
}

/// Whether the template engine takes a text for JSON.
pub(super) fn is_json(text: &str) -> bool {
    const LOOK_AHEAD_BYTES: usize = 256;
    let mut signs = text.char_indices().filter(|(_, c)| !c.is_whitespace());
    let Some((_, first)) = signs.next() else { return false };
    let second = signs.next().filter(|(at, _)| *at < LOOK_AHEAD_BYTES).map(|(_, c)| c);
    match first {
        '{' => matches!(second, Some('"' | '}')),
        '[' => matches!(second, Some('"' | '{' | '[' | ']')),
        _ => false,
    }
}

/// Returns the values in the order of the text.
pub(super) fn values(view: &View) -> Vec<Value> {
    let mut reader = Reader { view, frames: vec![Frame::default()], objects: 0, found: Vec::new() };
    reader.read();
    let mut pairs: HashMap<usize, Pair> = HashMap::new();
    for Candidate { value, object, .. } in &reader.found {
        let pair = pairs.entry(*object).or_default();
        match value.name.to_ascii_lowercase().as_str() {
            "value" => pair.has_value = true,
            "name" | "key" | "header" | "field" | "parameter" => {
                pair.is_secret |= is_credential_name(view.get(value.range.clone()));
            }
            _ => {}
        }
    }
    let found = reader.found.into_iter();
    found
        .map(|Candidate { mut value, object, parent }| {
            let pair = pairs.get(&object).copied().unwrap_or_default();
            let plain = value.name.to_ascii_lowercase();
            value.is_secret |= match plain.as_str() {
                "value" => pair.is_secret,
                "key" if pair.has_value || names::has_harmless_keys(&parent) => false,
                _ => is_credential_name(&value.name),
            };
            value
        })
        .collect()
}

/// Finds `"name": "value"` in a text that need not be JSON. Returns the names and the ranges of the values.
pub(super) fn named_strings(view: &View) -> Vec<(String, Range<usize>)> {
    let text = view.text();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(quote) = text.get(at..).and_then(|rest| rest.find('"')) {
        let start = at + quote + 1;
        let end = start + string_length(text.get(start..).unwrap_or_default());
        at = end + 1;
        let after = text.get(at..).unwrap_or_default().trim_start();
        let value = after.strip_prefix(':').and_then(|rest| rest.trim_start().strip_prefix('"'));
        if let Some(value) = value {
            let from = text.len() - value.len();
            let to = from + string_length(value);
            found.push((key(view, start..end), from..to));
            at = to + 1;
        }
    }
    found
}

/// Decodes a key.
fn key(view: &View, range: Range<usize>) -> String {
    let mut key = view.slice(range).decode_json().text().to_owned();
    key.truncate(key.floor_char_boundary(MAX_KEY_BYTES));
    key
}

/// What the values of an object say about it: `{"name": "api_key", "value": "…"}` is a name and its value.
#[derive(Debug, Clone, Copy, Default)]
struct Pair {
    has_value: bool,
    is_secret: bool,
}

struct Reader<'v> {
    view: &'v View,
    frames: Vec<Frame>,
    objects: usize,
    found: Vec<Candidate>,
}

impl Reader<'_> {
    fn read(&mut self) {
        let text = self.view.text();
        let mut at = 0;
        while let Some(rest) = text.get(at..)
            && let Some(c) = rest.chars().next()
        {
            let length = match c {
                '"' => self.string(at, rest),
                '-' | '0'..='9' => self.number(at, rest),
                REFERENCE => {
                    self.add(at..at + c.len_utf8(), false);
                    c.len_utf8()
                }
                c if c.is_alphabetic() => {
                    rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len())
                }
                c => {
                    self.sign(c);
                    c.len_utf8()
                }
            };
            at += length;
        }
    }

    fn sign(&mut self, c: char) {
        match c {
            '{' | '[' if self.frames.len() < MAX_DEPTH => {
                let frame = self.open(c == '[');
                self.frames.push(frame);
            }
            '}' | ']' if self.frames.len() > 1 => {
                self.frames.pop();
            }
            ',' => {
                if let Some(frame) = self.frames.last_mut() {
                    frame.key = None;
                }
            }
            _ => {}
        }
    }

    /// The frame of an object or list that starts here.
    fn open(&mut self, is_list: bool) -> Frame {
        self.objects += 1;
        let new = self.objects;
        let Some(outer) = self.frames.last_mut() else { return Frame::default() };
        let name = match outer.key.take() {
            Some(key) => key,
            None if outer.is_list => outer.name.clone(),
            None => String::new(),
        };
        let is_secret = outer.is_secret || is_credential_name(&name);
        let object = if is_list { outer.object } else { new };
        Frame { name, is_list, is_secret, object, key: None }
    }

    /// Reads a string, and the colon after a key. Returns the length of what was read.
    fn string(&mut self, at: usize, rest: &str) -> usize {
        let content = rest.get(1..).unwrap_or_default();
        let length = string_length(content);
        let range = at + 1..at + 1 + length;
        let after = content.get(length + 1..).unwrap_or_default();
        let unspaced = after.trim_start();
        if let Some(value) = unspaced.strip_prefix(':') {
            let key = key(self.view, range);
            if let Some(frame) = self.frames.last_mut() {
                frame.key = Some(key);
            }
            return rest.len() - value.len();
        }
        self.add(range, true);
        rest.len() - after.len()
    }

    /// Reads a number, unless it is part of something else.
    fn number(&mut self, at: usize, rest: &str) -> usize {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-' | '_');
        let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let before = self.view.get(0..at).chars().next_back();
        let after = rest.get(length..).and_then(|after| after.chars().next());
        // A reference after a brace would change its meaning.
        let is_alone = !before.into_iter().chain(after).any(|c| is_placeholder(c) || c == '{');
        let number = rest.get(..length).unwrap_or_default();
        if is_alone && serde_json::from_str::<serde_json::Number>(number).is_ok() {
            self.add(at..at + length, false);
        }
        length
    }

    fn add(&mut self, range: Range<usize>, is_string: bool) {
        let Some(frame) = self.frames.last_mut() else { return };
        let name = match frame.key.take() {
            Some(key) => key,
            None if frame.is_list => frame.name.clone(),
            None => String::new(),
        };
        let value = Value { name, range, is_string, is_secret: frame.is_secret };
        self.found.push(Candidate { value, object: frame.object, parent: frame.name.clone() });
    }
}

/// The length of a string's content, up to its closing quote or the end of the text.
fn string_length(content: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in content.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at,
            _ => {}
        }
    }
    content.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(text: &str) -> Vec<String> {
        let view = View::of_template(text);
        let found = values(&view).into_iter().filter(|value| value.is_secret);
        found.map(|value| view.get(value.range).to_owned()).collect()
    }

    #[test]
    fn values_are_secret_because_of_the_names_around_them() {
        for (text, expected) in [
            (r#"{"secret_key": "a", "user": "b", "pin": 12}"#, &["a", "12"][..]),
            (r#"{"tokens": ["a", {"b": "c"}], "d": "e"}"#, &["a", "c"]),
            (r#"{"key": "env", "value": "prod"}"#, &[]),
            (r#"{"key": "api-key", "value": "a"}"#, &["a"]),
            (r#"{"value": "a", "name": "Authorization"}"#, &["a"]),
            (r#"{"project": {"key": "OPS"}, "a": {"key": "b"}}"#, &["b"]),
            (r#"{{#if x}}"token": "a"{{else}}"token": "b"{{/if}}"#, &["a", "b"]),
            (r#"{"pin": {{x}}1, "token": tru, "token": }"#, &[]),
            (r#"{"pass\u0077ord": "a\"b""#, &[r#"a\"b"#]),
            (r#"{"token" "a"}"#, &[]),
            (r#"{"token": "a"#, &["a"]),
        ] {
            assert_eq!(secrets(text), expected, "{text}");
        }
    }
}
