//! Context-aware escaping: derives the encoding of each placeholder from the text around it.

use super::ast::{Call, Expression, Node, Placeholder};
use super::error::{TemplateError, shorten};
use super::escape::Encoding;
use super::form::{self, FormPair};
use super::helpers::Helper;
use super::json_levels::{JsonLevels, is_json_text};
use super::look_ahead::LookAhead;
use super::position::Position;
use super::tracker::Tracker;
use super::xml::XmlPlace;

/// Use of the output, which decides how values are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutputContext {
    /// A body with a JSON content type.
    JsonBody,
    /// An `application/x-www-form-urlencoded` body.
    FormBody,
    /// A body with an XML content type.
    XmlBody,
    /// A `text/csv` body.
    CsvBody,
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
    match context {
        OutputContext::FormBody => track(nodes, form::decode, FormPair::default()),
        OutputContext::XmlBody => track(nodes, characters, XmlPlace::default()),
        OutputContext::JsonBody => track(nodes, characters, JsonLevels::new()),
        OutputContext::TextBody => {
            let ahead = LookAhead::new(nodes, characters);
            if is_json_text(ahead.starting_at(0), 0) {
                return track(nodes, characters, JsonLevels::new());
            }
            set_all(nodes, Encoding::Plain);
            Ok(())
        }
        OutputContext::CsvBody => {
            set_all(nodes, Encoding::Csv);
            Ok(())
        }
        OutputContext::Header => {
            set_all(nodes, Encoding::Header);
            Ok(())
        }
        OutputContext::Url => {
            set_all(nodes, Encoding::Url);
            Ok(())
        }
    }
}

fn characters(text: &str) -> Vec<char> {
    text.chars().collect()
}

fn track<T: Tracker>(
    nodes: &mut [Node],
    decode: fn(&str) -> Vec<char>,
    start: T,
) -> Result<(), TemplateError> {
    let ahead = LookAhead::new(nodes, decode);
    Reader { ahead, texts: 0, place: start }.read(nodes)
}

fn set_all(nodes: &mut [Node], encoding: Encoding) {
    for node in nodes {
        match node {
            Node::Text(_) => {}
            Node::Value(placeholder) => placeholder.set(encoding),
            Node::If(block) => {
                set_all(&mut block.then, encoding);
                set_all(block.otherwise.as_deref_mut().unwrap_or_default(), encoding);
            }
            Node::Each(block) | Node::With(block) | Node::Section(block) => {
                set_all(&mut block.body, encoding);
                set_all(block.otherwise.as_deref_mut().unwrap_or_default(), encoding);
            }
        }
    }
}

impl Placeholder {
    /// Sets the encoding. A helper that escapes for the same format is removed.
    fn set(&mut self, encoding: Encoding) {
        self.encoding = encoding;
        if let Expression::Call(Call { helper, arguments, .. }) = &mut self.expression
            && encoding.includes(*helper)
            && let Some(argument) = arguments.pop()
        {
            self.expression = argument;
        }
    }
}

impl Encoding {
    fn includes(self, helper: Helper) -> bool {
        match self {
            Self::Xml { .. } | Self::XmlCData { .. } => helper == Helper::Xml,
            Self::Csv => helper == Helper::Csv,
            Self::Plain
            | Self::Json { .. }
            | Self::Form
            | Self::FormJson { .. }
            | Self::Header
            | Self::Url => false,
        }
    }
}

/// Reads the nodes of a template in order.
#[derive(Debug)]
struct Reader<T> {
    ahead: LookAhead,
    /// Number of texts read so far, in the order of [`LookAhead`].
    texts: usize,
    place: T,
}

impl<T: Tracker> Reader<T> {
    fn read(&mut self, nodes: &mut [Node]) -> Result<(), TemplateError> {
        for node in nodes {
            match node {
                Node::Text(_) => {
                    for (c, next) in self.ahead.text(self.texts) {
                        self.place.feed(c, next, &self.ahead);
                    }
                    self.texts += 1;
                }
                Node::Value(placeholder) => {
                    let encoding = self.place.value();
                    placeholder.set(encoding.map_err(|kind| kind.at(placeholder.at))?);
                }
                Node::If(block) => {
                    let name = if block.negate { "unless" } else { "if" };
                    let otherwise = block.otherwise.as_deref_mut();
                    self.read_block(name, block.at, &mut block.then, otherwise)?;
                }
                // A section of a list is a loop.
                Node::Each(block) | Node::Section(block) => {
                    let before = self.place.clone();
                    let otherwise = block.otherwise.as_deref_mut();
                    self.read_block(&block.name, block.at, &mut block.body, otherwise)?;
                    if self.place != before {
                        return Err(T::is_not_even(&shorten(&block.name)).at(block.at));
                    }
                }
                Node::With(block) => {
                    let otherwise = block.otherwise.as_deref_mut();
                    self.read_block(&block.name, block.at, &mut block.body, otherwise)?;
                }
            }
        }
        Ok(())
    }

    /// Reads both branches from the position at the start of the block. They must end at the same position.
    fn read_block(
        &mut self,
        name: &str,
        at: Position,
        body: &mut [Node],
        otherwise: Option<&mut [Node]>,
    ) -> Result<(), TemplateError> {
        let before = self.place.clone();
        self.read(body)?;
        let Some(otherwise) = otherwise else {
            let is_even = self.place == before;
            return if is_even { Ok(()) } else { Err(T::is_not_even(&shorten(name)).at(at)) };
        };
        let after = std::mem::replace(&mut self.place, before);
        self.read(otherwise)?;
        if self.place == after { Ok(()) } else { Err(T::branches_differ(&shorten(name)).at(at)) }
    }
}
