//! Where each placeholder stands, read from the text around it: how many JSON strings deep.
//!
//! The text is read as JSON. Within a string whose text is JSON again, what the escapes stand for
//! is read the same way, and so on: in `"{ \"id\": \"{{data.id}}\" }"` the placeholder stands two
//! strings deep. A string is taken for JSON where it begins like an object or a list of strings, objects or
//! lists; any other text, such as `"He said \"{{x}}\""`, is one string deep however many quotes are in it.

use super::error::{TemplateError, TemplateErrorKind as Kind};
use super::escape::Encoding;
use super::limits::MAX_JSON_DEPTH;
use super::program::{Node, Position};

/// Stands for a placeholder in the text that is looked at ahead.
const PLACEHOLDER: char = '\u{1}';
/// How far to look to tell JSON from other text, in characters with all their backslashes.
const LOOK_AHEAD: usize = 256;

/// Finds the encoding of every placeholder.
pub(super) fn find_encodings(nodes: &mut [Node], kind: super::Place) -> Result<(), TemplateError> {
    let encoding = match kind {
        super::Place::FormBody => Encoding::Form,
        super::Place::Header => Encoding::Header,
        super::Place::Url => Encoding::Url,
        super::Place::TextBody if !is_json_text(&Ahead::of(nodes).from(0), 0) => Encoding::Plain,
        super::Place::TextBody | super::Place::JsonBody => {
            let ahead = Ahead::of(nodes);
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

/// All texts of a template in their order, to look ahead in.
#[derive(Debug, Default)]
struct Ahead {
    characters: Vec<char>,
    /// Where in it each text begins.
    begins: Vec<usize>,
}

impl Ahead {
    fn of(nodes: &[Node]) -> Self {
        let mut ahead = Self::default();
        ahead.add(nodes);
        ahead
    }

    fn add(&mut self, nodes: &[Node]) {
        for node in nodes {
            match node {
                Node::Text(text) => {
                    self.begins.push(self.characters.len());
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

    fn from(&self, start: usize) -> Vec<char> {
        self.characters.iter().skip(start).take(LOOK_AHEAD).copied().collect()
    }
}

/// Whether a text, once it is unescaped so many times, begins like JSON.
fn is_json_text(ahead: &[char], times: usize) -> bool {
    let text = (0..times).fold(ahead.to_vec(), |text, _| unescape(&text));
    let mut signs = text.into_iter().filter(|c| !c.is_whitespace());
    match signs.next() {
        Some('{') => matches!(signs.next(), Some('"' | '}')),
        Some('[') => matches!(signs.next(), Some('"' | '{' | '[' | ']')),
        _ => false,
    }
}

/// The text of a JSON string up to its end.
fn unescape(text: &[char]) -> Vec<char> {
    let mut escape = Escape::None;
    let mut plain = Vec::new();
    for c in text {
        match escape.feed(*c) {
            Fed::Nothing => {}
            Fed::Quote => break,
            Fed::Character(c) => plain.push(c),
        }
    }
    plain
}

/// How far within an escape sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Escape {
    #[default]
    None,
    Backslash,
    /// `\u` and so many digits of the code so far.
    Unicode {
        digits: u32,
        code: u32,
    },
}

enum Fed {
    Nothing,
    /// The end of the string.
    Quote,
    Character(char),
}

impl Escape {
    /// Takes the next character of a string.
    fn feed(&mut self, c: char) -> Fed {
        let (next, fed) = match (*self, c) {
            (Self::None, '\\') => (Self::Backslash, Fed::Nothing),
            (Self::None, '"') => (Self::None, Fed::Quote),
            (Self::Backslash, 'u') => (Self::Unicode { digits: 0, code: 0 }, Fed::Nothing),
            (Self::Backslash, 'n' | 'r' | 't' | 'b' | 'f') => (Self::None, Fed::Character(' ')),
            (Self::None | Self::Backslash, c) => (Self::None, Fed::Character(c)),
            (Self::Unicode { digits, code }, c) => match c.to_digit(16) {
                Some(digit) if digits < 3 => {
                    (Self::Unicode { digits: digits + 1, code: code * 16 + digit }, Fed::Nothing)
                }
                Some(digit) => {
                    let decoded = char::from_u32(code * 16 + digit).unwrap_or('\u{fffd}');
                    (Self::None, Fed::Character(decoded))
                }
                // Broken JSON, which is told when it is rendered.
                None => (Self::None, Fed::Character(c)),
            },
        };
        *self = next;
        fed
    }
}

/// One JSON text; the next level is the JSON text in the string that is open in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Level {
    in_string: bool,
    /// Whether the open string holds JSON, so that there is a next level.
    holds_json: bool,
    escape: Escape,
}

#[derive(Debug)]
struct Reader {
    ahead: Ahead,
    /// How many texts were read so far, in the order in which [`Ahead`] has them.
    texts: usize,
    levels: Vec<Level>,
}

impl Reader {
    fn read(&mut self, nodes: &mut [Node]) -> Result<(), TemplateError> {
        for node in nodes {
            match node {
                Node::Text(text) => {
                    let begin = self.ahead.begins.get(self.texts).copied().unwrap_or_default();
                    self.texts += 1;
                    for (index, c) in text.chars().enumerate() {
                        self.feed(c, begin + index + 1);
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

    /// Both field_paths begin where the block stands, and must end alike.
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
        if self.levels.iter().any(|level| level.escape != Escape::None) {
            return Err(Kind::BackslashBefore.at(at));
        }
        let depth = self.levels.iter().filter(|level| level.in_string).count();
        if depth > MAX_JSON_DEPTH {
            return Err(Kind::JsonTooDeep.at(at));
        }
        Ok(Encoding::Json { depth, bare: depth < self.levels.len() })
    }

    /// Takes the next character of the text, through every level as far as it goes.
    fn feed(&mut self, c: char, next: usize) {
        let mut c = c;
        let mut depth = 0;
        while let Some(level) = self.levels.get_mut(depth) {
            depth += 1;
            if !level.in_string {
                if c == '"' {
                    // One level further than the limit is followed, so that a placeholder there is told.
                    let holds_json =
                        depth <= MAX_JSON_DEPTH && is_json_text(&self.ahead.from(next), depth);
                    *level = Level { in_string: true, holds_json, escape: Escape::None };
                    if holds_json {
                        self.levels.push(Level::default());
                    }
                }
                return;
            }
            match level.escape.feed(c) {
                Fed::Nothing => return,
                Fed::Quote => {
                    *level = Level::default();
                    self.levels.truncate(depth);
                    return;
                }
                Fed::Character(_) if !level.holds_json => return,
                Fed::Character(decoded) => c = decoded,
            }
        }
    }
}
