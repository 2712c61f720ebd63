//! Context-aware escaping: derives the encoding of each placeholder from the text around it.
//!
//! The text is read as JSON. If the content of a string is itself JSON, its unescaped content is read the
//! same way, and so on: in `"{ \"id\": \"{{data.id}}\" }"` the placeholder is inside two strings. The
//! content of a string counts as JSON if it starts like an object, or like a list of strings, objects or
//! lists. In any other text, such as `"He said \"{{x}}\""`, quotes have no meaning.

use super::ast::Node;
use super::error::{TemplateError, TemplateErrorKind as Kind};
use super::escape::Encoding;
use super::limits::MAX_JSON_DEPTH;
use super::position::Position;

/// Represents a placeholder in the look-ahead text.
const PLACEHOLDER: char = '\u{1}';
/// Length of the text that is examined to recognize JSON, in characters, with all their backslashes.
const LOOK_AHEAD_CHARS: usize = 256;

/// Use of the output, which decides how values are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutputContext {
    /// A body with a JSON content type.
    JsonBody,
    /// An `application/x-www-form-urlencoded` body.
    FormBody,
    /// Any other body. If its text starts like JSON, it is treated like [`OutputContext::JsonBody`].
    TextBody,
    /// The value of a header.
    Header,
    /// A URL.
    Url,
}

/// Assigns an encoding to every placeholder.
pub(super) fn assign_encodings(
    nodes: &mut [Node],
    context: OutputContext,
) -> Result<(), TemplateError> {
    let encoding = match context {
        OutputContext::FormBody => Encoding::Form,
        OutputContext::Header => Encoding::Header,
        OutputContext::Url => Encoding::Url,
        OutputContext::TextBody if !is_json_text(&LookAhead::new(nodes).starting_at(0), 0) => {
            Encoding::Plain
        }
        OutputContext::TextBody | OutputContext::JsonBody => {
            let ahead = LookAhead::new(nodes);
            let mut reader = Reader { ahead, texts: 0, levels: vec![Level::default()] };
            return reader.read(nodes);
        }
    };
    set_all(nodes, encoding);
    Ok(())
}

fn set_all(nodes: &mut [Node], encoding: Encoding) {
    for node in nodes {
        match node {
            Node::Text(_) => {}
            Node::Value(placeholder) => placeholder.encoding = encoding,
            Node::If(block) => {
                set_all(&mut block.then, encoding);
                set_all(block.otherwise.as_deref_mut().unwrap_or_default(), encoding);
            }
            Node::Each(block) | Node::With(block) => {
                set_all(&mut block.body, encoding);
                set_all(block.otherwise.as_deref_mut().unwrap_or_default(), encoding);
            }
        }
    }
}

/// The texts of a template in source order.
#[derive(Debug, Default)]
struct LookAhead {
    characters: Vec<char>,
    /// Index of the first character of each text.
    starts: Vec<usize>,
}

impl LookAhead {
    fn new(nodes: &[Node]) -> Self {
        let mut ahead = Self::default();
        ahead.add(nodes);
        ahead
    }

    fn add(&mut self, nodes: &[Node]) {
        for node in nodes {
            match node {
                Node::Text(text) => {
                    self.starts.push(self.characters.len());
                    self.characters.extend(text.chars());
                }
                Node::Value(_) => self.characters.push(PLACEHOLDER),
                Node::If(block) => {
                    self.add(&block.then);
                    self.add(block.otherwise.as_deref().unwrap_or_default());
                }
                Node::Each(block) | Node::With(block) => {
                    self.add(&block.body);
                    self.add(block.otherwise.as_deref().unwrap_or_default());
                }
            }
        }
    }

    fn starting_at(&self, start: usize) -> Vec<char> {
        self.characters.iter().skip(start).take(LOOK_AHEAD_CHARS).copied().collect()
    }
}

/// Whether a text that is escaped `times` times starts like JSON.
fn is_json_text(ahead: &[char], times: usize) -> bool {
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

#[derive(Debug)]
struct Reader {
    ahead: LookAhead,
    /// Number of texts read so far, in the order of [`LookAhead`].
    texts: usize,
    levels: Vec<Level>,
}

impl Reader {
    fn read(&mut self, nodes: &mut [Node]) -> Result<(), TemplateError> {
        for node in nodes {
            match node {
                Node::Text(text) => {
                    let start = self.ahead.starts.get(self.texts).copied().unwrap_or_default();
                    self.texts += 1;
                    for (index, c) in text.chars().enumerate() {
                        self.feed(c, start + index + 1);
                    }
                }
                Node::Value(placeholder) => placeholder.encoding = self.encoding(placeholder.at)?,
                Node::If(block) => {
                    let name = if block.negate { "unless" } else { "if" };
                    self.read_block(
                        name,
                        block.at,
                        &mut block.then,
                        block.otherwise.as_deref_mut(),
                    )?;
                }
                Node::Each(block) => {
                    let before = self.levels.clone();
                    self.read_block(
                        "each",
                        block.at,
                        &mut block.body,
                        block.otherwise.as_deref_mut(),
                    )?;
                    if self.levels != before {
                        return Err(Kind::BlockNotEven("each".to_owned()).at(block.at));
                    }
                }
                Node::With(block) => {
                    self.read_block(
                        "with",
                        block.at,
                        &mut block.body,
                        block.otherwise.as_deref_mut(),
                    )?;
                }
            }
        }
        Ok(())
    }

    /// Reads both branches from the state at the start of the block. They must end in the same state.
    fn read_block(
        &mut self,
        name: &str,
        at: Position,
        body: &mut [Node],
        otherwise: Option<&mut [Node]>,
    ) -> Result<(), TemplateError> {
        let before = self.levels.clone();
        self.read(body)?;
        let Some(otherwise) = otherwise else {
            return if self.levels == before {
                Ok(())
            } else {
                Err(Kind::BlockNotEven(name.to_owned()).at(at))
            };
        };
        let after = std::mem::replace(&mut self.levels, before);
        self.read(otherwise)?;
        if self.levels == after {
            Ok(())
        } else {
            Err(Kind::BranchesDiffer(name.to_owned()).at(at))
        }
    }

    fn encoding(&self, at: Position) -> Result<Encoding, TemplateError> {
        if self.levels.iter().any(|level| level.escape != EscapeState::None) {
            return Err(Kind::BackslashBefore.at(at));
        }
        let depth = self.levels.iter().filter(|level| level.in_string).count();
        if depth > MAX_JSON_DEPTH {
            return Err(Kind::JsonTooDeep.at(at));
        }
        Ok(Encoding::Json { depth, bare: depth < self.levels.len() })
    }

    /// Feeds the next character to the outermost level and, once decoded, to each inner level.
    fn feed(&mut self, c: char, next: usize) {
        let mut c = c;
        let mut depth = 0;
        while let Some(level) = self.levels.get_mut(depth) {
            depth += 1;
            if !level.in_string {
                if c == '"' {
                    // One level beyond the limit is tracked so that a placeholder there can be reported.
                    let holds_json = depth <= MAX_JSON_DEPTH
                        && is_json_text(&self.ahead.starting_at(next), depth);
                    *level = Level { in_string: true, holds_json, escape: EscapeState::None };
                    if holds_json {
                        self.levels.push(Level::default());
                    }
                }
                return;
            }
            match level.escape.feed(c) {
                Decoded::Incomplete => return,
                Decoded::Quote => {
                    *level = Level::default();
                    self.levels.truncate(depth);
                    return;
                }
                Decoded::Character(_) if !level.holds_json => return,
                Decoded::Character(decoded) => c = decoded,
            }
        }
    }
}
