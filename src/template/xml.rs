//! XML bodies: where a value may be.

use super::error::TemplateErrorKind as Kind;
use super::escape::Encoding;
use super::look_ahead::LookAhead;
use super::tracker::Tracker;

/// The start of a CDATA section after `<`.
const CDATA: &str = "![CDATA[";
/// The start of a comment after `<`.
const COMMENT: &str = "!--";

/// A position in an XML document (XML 1.0, fifth edition).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum XmlPlace {
    #[default]
    Content,
    /// After `<` and a part of the start of a comment or CDATA section.
    Opening(String),
    Tag,
    /// In an attribute's value, up to this quote.
    Attribute(char),
    /// After this number of `]`.
    CData(usize),
    /// After this number of `-`.
    Comment(usize),
    /// Whether after `?`.
    Instruction(bool),
    /// With this number of `<` that are not closed.
    Declaration(usize),
}

impl XmlPlace {
    fn after(self, c: char) -> Self {
        match self {
            Self::Content if c == '<' => Self::Opening(String::new()),
            Self::Content => Self::Content,
            Self::Opening(mut start) => {
                start.push(c);
                match start.as_str() {
                    CDATA => Self::CData(0),
                    COMMENT => Self::Comment(0),
                    "?" => Self::Instruction(false),
                    known if CDATA.starts_with(known) || COMMENT.starts_with(known) => {
                        Self::Opening(start)
                    }
                    other if other.starts_with('!') => Self::Declaration(1).after(c),
                    _ => Self::Tag.after(c),
                }
            }
            Self::Tag => match c {
                '>' => Self::Content,
                '"' | '\'' => Self::Attribute(c),
                _ => Self::Tag,
            },
            Self::Attribute(quote) if c == quote => Self::Tag,
            Self::Attribute(quote) => Self::Attribute(quote),
            Self::CData(count) => match c {
                ']' => Self::CData((count + 1).min(2)),
                '>' if count >= 2 => Self::Content,
                _ => Self::CData(0),
            },
            Self::Comment(count) => match c {
                '-' => Self::Comment((count + 1).min(2)),
                '>' if count >= 2 => Self::Content,
                _ => Self::Comment(0),
            },
            Self::Instruction(true) if c == '>' => Self::Content,
            Self::Instruction(_) => Self::Instruction(c == '?'),
            Self::Declaration(open) => match (c, open) {
                ('<', _) => Self::Declaration(open + 1),
                ('>', 0 | 1) => Self::Content,
                ('>', _) => Self::Declaration(open - 1),
                _ => Self::Declaration(open),
            },
        }
    }
}

impl Tracker for XmlPlace {
    fn feed(&mut self, c: char, _next: usize, _ahead: &LookAhead) {
        *self = std::mem::take(self).after(c);
    }

    fn value(&mut self) -> Result<Encoding, Kind> {
        match self {
            Self::Content => Ok(Encoding::Xml { in_attribute: false }),
            Self::Attribute(_) => Ok(Encoding::Xml { in_attribute: true }),
            Self::CData(count) => {
                let after_bracket = std::mem::take(count) > 0;
                Ok(Encoding::XmlCData { after_bracket })
            }
            Self::Opening(_) | Self::Tag => Err(Kind::XmlTag),
            Self::Comment(_) => Err(Kind::XmlComment),
            Self::Instruction(_) | Self::Declaration(_) => Err(Kind::XmlDeclaration),
        }
    }

    fn branches_differ(block: &str) -> Kind {
        Kind::XmlBlock(block.to_owned())
    }

    fn is_not_even(block: &str) -> Kind {
        Kind::XmlBlock(block.to_owned())
    }
}
