//! Parses the pieces of a template to a syntax tree.

use std::iter::Peekable;
use std::vec::IntoIter;

use super::error::{TemplateError, TemplateErrorKind as Kind, shorten};
use super::expression::{Head, parse_head};
use super::limits::MAX_NESTING;
use super::position::Position;
use super::scanner::{Piece, Strip, Tag, TagKind};
use super::syntax::{Block, Callee, Program, Statement, Text};

/// Parses a template.
pub(super) fn parse_program(pieces: Vec<Piece<'_>>) -> Result<Program, TemplateError> {
    let mut parser = Parser { pieces: pieces.into_iter().peekable(), depth: 0 };
    let program = parser.program()?;
    match parser.next_tag() {
        None => Ok(program),
        Some(tag) if tag.kind == TagKind::Close => {
            Err(Kind::BlockNotOpened(shorten(&name_of(&tag)?)).at(tag.at))
        }
        Some(tag) => Err(Kind::ElseOutside.at(tag.at)),
    }
}

struct Parser<'s> {
    pieces: Peekable<IntoIter<Piece<'s>>>,
    /// Number of open blocks, including each `{{else if}}`.
    depth: usize,
}

impl<'s> Parser<'s> {
    /// Reads statements up to the end of the template, an `{{else}}` or a closing placeholder.
    fn program(&mut self) -> Result<Program, TemplateError> {
        let mut statements = Vec::new();
        while let Some(piece) = self.pieces.next_if(|piece| !ends_program(piece)) {
            statements.push(match piece {
                Piece::Text(text) => Statement::Text(Text {
                    original: text.clone(),
                    value: text,
                    is_start_stripped: false,
                    is_end_stripped: false,
                }),
                Piece::Comment(strip) => Statement::Comment(strip),
                Piece::Tag(tag) if tag.kind == TagKind::Value => {
                    let Head { call, parameters } = parse_head(&tag)?;
                    if !parameters.is_empty() {
                        return Err(Kind::Syntax(shorten(tag.body)).at(tag.at));
                    }
                    Statement::Value { call, strip: tag.strip }
                }
                Piece::Tag(tag) => Statement::Block(Box::new(self.block(&tag)?)),
            });
        }
        Ok(Program::Statements(statements))
    }

    fn next_tag(&mut self) -> Option<Tag<'s>> {
        match self.pieces.next()? {
            Piece::Tag(tag) => Some(tag),
            Piece::Text(_) | Piece::Comment(_) => None,
        }
    }

    /// Reads a block after its opening placeholder.
    fn block(&mut self, open: &Tag<'_>) -> Result<Block, TemplateError> {
        let depth = self.depth;
        self.enter(open.at)?;
        let head = parse_head(open)?;
        let name = name_of(open)?;
        let program = self.program()?;
        let (inverse, inverse_strip, close_strip) = self.rest(&name, open.at, true)?;
        self.depth = depth;
        let is_inverted = open.kind == TagKind::OpenInverse;
        let (program, inverse) =
            if is_inverted { (inverse, Some(program)) } else { (Some(program), inverse) };
        Ok(Block {
            call: head.call,
            parameters: head.parameters,
            program,
            inverse,
            open_strip: open.strip,
            inverse_strip,
            close_strip,
        })
    }

    /// Reads what follows the first program of a block: `{{else}}` or `{{else if}}`, and the end. Returns the
    /// inverse program, and how `{{else}}` and the end strip white space. `is_first` is false after `{{else if}}`.
    fn rest(
        &mut self,
        name: &str,
        at: Position,
        is_first: bool,
    ) -> Result<(Option<Program>, Strip, Strip), TemplateError> {
        let Some(tag) = self.next_tag() else {
            return Err(Kind::BlockNotClosed(shorten(name)).at(at));
        };
        match tag.kind {
            TagKind::Else => {
                let inverse = self.program()?;
                let Some(end) = self.next_tag() else {
                    return Err(Kind::BlockNotClosed(shorten(name)).at(at));
                };
                if end.kind != TagKind::Close {
                    return Err(Kind::ElseOutside.at(end.at));
                }
                check_end(&end, name, at)?;
                Ok((Some(inverse), tag.strip, end.strip))
            }
            TagKind::ElseChain => {
                self.enter(tag.at)?;
                let head = parse_head(&tag)?;
                let program = self.program()?;
                let (inverse, inverse_strip, close_strip) = self.rest(name, at, false)?;
                let block = Block {
                    call: head.call,
                    parameters: head.parameters,
                    program: Some(program),
                    inverse,
                    open_strip: tag.strip,
                    inverse_strip,
                    // As in handlebars.js, the end belongs to the first `{{else if}}`.
                    close_strip: if is_first { close_strip } else { tag.strip },
                };
                Ok((Some(Program::Chain(Box::new(block))), tag.strip, close_strip))
            }
            TagKind::Close | TagKind::Value | TagKind::Open | TagKind::OpenInverse => {
                check_end(&tag, name, at)?;
                Ok((None, Strip::default(), tag.strip))
            }
        }
    }

    fn enter(&mut self, at: Position) -> Result<(), TemplateError> {
        self.depth += 1;
        if self.depth > MAX_NESTING { Err(Kind::TooDeep.at(at)) } else { Ok(()) }
    }
}

fn ends_program(piece: &Piece<'_>) -> bool {
    match piece {
        Piece::Tag(tag) => {
            matches!(tag.kind, TagKind::Else | TagKind::ElseChain | TagKind::Close)
        }
        Piece::Text(_) | Piece::Comment(_) => false,
    }
}

/// The name of a block as its opening or closing placeholder contains it.
fn name_of(tag: &Tag<'_>) -> Result<String, TemplateError> {
    match parse_head(tag)?.call.callee {
        Callee::Path(path) => Ok(path.original),
        Callee::Call(_) => Err(Kind::Syntax(shorten(tag.body)).at(tag.at)),
    }
}

/// Checks that a closing placeholder has the name of the block that starts at `at`.
fn check_end(end: &Tag<'_>, name: &str, at: Position) -> Result<(), TemplateError> {
    let closed = name_of(end)?;
    if closed == name {
        return Ok(());
    }
    Err(Kind::BlockMismatch { opened: shorten(name), line: at.line, closed: shorten(&closed) }
        .at(end.at))
}
