//! Form bodies: names and values separated by `=` and `&`. A value that is JSON, such as
//! `payload={"text": "{{x}}"}`, is read like a JSON body.

use super::error::TemplateErrorKind as Kind;
use super::escape::Encoding;
use super::json_levels::{JsonLevels, is_json_text};
use super::look_ahead::LookAhead;
use super::tracker::Tracker;

/// Represents the `&` between two pairs.
const SEPARATOR: char = '\u{2}';
/// Represents a `=` that is not percent-encoded.
const EQUALS: char = '\u{3}';

/// Decodes a text of a form. Only ASCII characters matter.
pub(super) fn decode(text: &str) -> Vec<char> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        decoded.push(match c {
            '&' => SEPARATOR,
            '=' => EQUALS,
            '+' => ' ',
            '%' => match percent_encoded(rest.as_str()) {
                Some(byte) => {
                    rest.nth(1);
                    char::from(byte)
                }
                None => '%',
            },
            c => c,
        });
    }
    decoded
}

/// The byte that two hex digits stand for.
fn percent_encoded(digits: &str) -> Option<u8> {
    let digits = digits.get(..2).filter(|digits| !digits.starts_with('+'))?;
    u8::from_str_radix(digits, 16).ok()
}

/// A position in a form.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct FormPair {
    in_value: bool,
    /// The position in the JSON of the value.
    json: Option<JsonLevels>,
}

impl Tracker for FormPair {
    fn feed(&mut self, c: char, next: usize, ahead: &LookAhead) {
        match c {
            SEPARATOR => *self = Self::default(),
            EQUALS if !self.in_value => {
                self.in_value = true;
                let is_json = is_json_text(ahead.starting_at(next), 0);
                self.json = is_json.then(JsonLevels::new);
            }
            c => {
                if let Some(json) = &mut self.json {
                    json.feed(if c == EQUALS { '=' } else { c }, next, ahead);
                }
            }
        }
    }

    fn value(&mut self) -> Result<Encoding, Kind> {
        let Some(json) = &self.json else { return Ok(Encoding::Form) };
        let (depth, bare) = json.depth()?;
        Ok(Encoding::FormJson { depth, bare })
    }

    fn branches_differ(block: &str) -> Kind {
        Kind::BranchesDiffer(block.to_owned())
    }

    fn is_not_even(block: &str) -> Kind {
        Kind::BlockNotEven(block.to_owned())
    }
}
