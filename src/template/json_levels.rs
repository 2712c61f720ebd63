//! The JSON strings around a position in a text. If the content of a string is itself JSON, its unescaped
//! content is read the same way, and so on: in `"{ \"id\": \"{{data.id}}\" }"` the placeholder is inside two
//! strings. The content of a string counts as JSON if it starts like an object, or like a list of strings,
//! objects or lists. In any other text, such as `"He said \"{{x}}\""`, quotes have no meaning.

use super::error::TemplateErrorKind as Kind;
use super::escape::Encoding;
use super::limits::MAX_JSON_DEPTH;
use super::look_ahead::LookAhead;
use super::tracker::Tracker;

/// Whether a text that is escaped `times` times starts like JSON.
pub(super) fn is_json_text(ahead: &[char], times: usize) -> bool {
    let text = (0..times).fold(ahead.to_vec(), |text, _| unescape(&text));
    let mut signs = text.into_iter().filter(|c| !c.is_whitespace());
    match signs.next() {
        Some('{') => matches!(signs.next(), Some('"' | '}')),
        Some('[') => matches!(signs.next(), Some('"' | '{' | '[' | ']')),
        _ => false,
    }
}

/// Decodes the content of a JSON string, up to its closing quote.
fn unescape(text: &[char]) -> Vec<char> {
    let mut escape = EscapeState::None;
    let mut plain = Vec::new();
    for c in text {
        match escape.feed(*c) {
            Decoded::Incomplete => {}
            Decoded::Quote => break,
            Decoded::Character(c) => plain.push(c),
        }
    }
    plain
}

/// State of the decoder of escape sequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum EscapeState {
    #[default]
    None,
    Backslash,
    /// After `\u` and `digits` hex digits with the value `code`.
    Unicode {
        digits: u32,
        code: u32,
    },
}

/// Result of decoding one character.
enum Decoded {
    Incomplete,
    /// The end of the string.
    Quote,
    Character(char),
}

impl EscapeState {
    /// Decodes the next character of a string.
    fn feed(&mut self, c: char) -> Decoded {
        let (next, result) = match (*self, c) {
            (Self::None, '\\') => (Self::Backslash, Decoded::Incomplete),
            (Self::None, '"') => (Self::None, Decoded::Quote),
            (Self::Backslash, 'u') => (Self::Unicode { digits: 0, code: 0 }, Decoded::Incomplete),
            (Self::Backslash, 'n' | 'r' | 't' | 'b' | 'f') => (Self::None, Decoded::Character(' ')),
            (Self::None | Self::Backslash, c) => (Self::None, Decoded::Character(c)),
            (Self::Unicode { digits, code }, c) => match c.to_digit(16) {
                Some(digit) if digits < 3 => (
                    Self::Unicode { digits: digits + 1, code: code * 16 + digit },
                    Decoded::Incomplete,
                ),
                Some(digit) => {
                    let decoded = char::from_u32(code * 16 + digit).unwrap_or('\u{fffd}');
                    (Self::None, Decoded::Character(decoded))
                }
                // Invalid JSON. Validation of the output reports it.
                None => (Self::None, Decoded::Character(c)),
            },
        };
        *self = next;
        result
    }
}

/// State of one JSON text. The next level is the JSON text inside its open string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Level {
    in_string: bool,
    /// Whether the open string contains JSON, so that there is a next level.
    holds_json: bool,
    escape: EscapeState,
}

/// The levels of JSON within JSON, outermost first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JsonLevels(Vec<Level>);

impl JsonLevels {
    /// The start of a JSON text.
    pub(super) fn new() -> Self {
        Self(vec![Level::default()])
    }

    /// The number of strings around the position, and whether it is outside quotes in the innermost JSON.
    pub(super) fn depth(&self) -> Result<(usize, bool), Kind> {
        if self.0.iter().any(|level| level.escape != EscapeState::None) {
            return Err(Kind::BackslashBefore);
        }
        let depth = self.0.iter().filter(|level| level.in_string).count();
        if depth > MAX_JSON_DEPTH {
            return Err(Kind::JsonTooDeep);
        }
        Ok((depth, depth < self.0.len()))
    }
}

impl Tracker for JsonLevels {
    /// Feeds the next character to the outermost level and, once decoded, to each inner level.
    fn feed(&mut self, c: char, next: usize, ahead: &LookAhead) {
        let mut c = c;
        let mut depth = 0;
        while let Some(level) = self.0.get_mut(depth) {
            depth += 1;
            if !level.in_string {
                if c == '"' {
                    // One level beyond the limit is tracked so that a placeholder there can be reported.
                    let holds_json =
                        depth <= MAX_JSON_DEPTH && is_json_text(ahead.starting_at(next), depth);
                    *level = Level { in_string: true, holds_json, escape: EscapeState::None };
                    if holds_json {
                        self.0.push(Level::default());
                    }
                }
                return;
            }
            match level.escape.feed(c) {
                Decoded::Incomplete => return,
                Decoded::Quote => {
                    *level = Level::default();
                    self.0.truncate(depth);
                    return;
                }
                Decoded::Character(_) if !level.holds_json => return,
                Decoded::Character(decoded) => c = decoded,
            }
        }
    }

    fn value(&mut self) -> Result<Encoding, Kind> {
        let (depth, bare) = self.depth()?;
        Ok(Encoding::Json { depth, bare })
    }

    fn branches_differ(block: &str) -> Kind {
        Kind::BranchesDiffer(block.to_owned())
    }

    fn is_not_even(block: &str) -> Kind {
        Kind::BlockNotEven(block.to_owned())
    }
}
