//! Splits a template into literal text, comments and placeholders, by the rules of handlebars.js.

use super::cursor::Cursor;
use super::error::{TemplateError, TemplateErrorKind as Kind};
use super::lexer::read_content;
use super::position::Position;
use super::token::Token;

/// A part of a template.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'s> {
    Text(String),
    Comment(Strip),
    Tag(Tag<'s>),
}

/// A placeholder.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tag<'s> {
    pub(super) kind: TagKind,
    pub(super) tokens: Vec<Token>,
    pub(super) strip: Strip,
    /// Position of the opening braces.
    pub(super) at: Position,
    /// The text between the braces, for messages.
    pub(super) body: &'s str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TagKind {
    /// `{{x}}`
    Value,
    /// `{{#x}}`
    Open,
    /// `{{^x}}`
    OpenInverse,
    /// `{{else}}` or `{{^}}`
    Else,
    /// `{{else if x}}`
    ElseChain,
    /// `{{/x}}`
    Close,
}

/// Whether a placeholder strips the white space before (`{{~x}}`) and after it (`{{x~}}`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Strip {
    pub(super) before: bool,
    pub(super) after: bool,
}

/// Splits a template.
pub(super) fn scan(source: &str) -> Result<Vec<Piece<'_>>, TemplateError> {
    let mut cursor = Cursor::new(source);
    let mut pieces = Vec::new();
    let mut text = String::new();
    while let Some(found) = cursor.rest.find("{{") {
        let literal = cursor.advance(found);
        let backslashes = literal.bytes().rev().take_while(|byte| *byte == b'\\').count();
        text.push_str(literal);
        if backslashes > 0 {
            text.pop();
        }
        if backslashes == 1 {
            // `\{{` outputs the braces themselves.
            text.push_str(cursor.advance(2));
            continue;
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut text)));
        }
        pieces.push(read_piece(&mut cursor)?);
    }
    text.push_str(cursor.rest);
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    Ok(pieces)
}

/// Reads a comment or placeholder.
fn read_piece<'s>(cursor: &mut Cursor<'s>) -> Result<Piece<'s>, TemplateError> {
    let at = cursor.at;
    if cursor.rest.starts_with("{{{{") {
        return Err(Kind::RawBlock.at(at));
    }
    cursor.advance(2);
    let before = cursor.skip("~");
    if cursor.rest.starts_with('!') {
        let after = skip_comment(cursor).ok_or_else(|| Kind::Unclosed.at(at))?;
        return Ok(Piece::Comment(Strip { before, after }));
    }
    cursor.enter_body();
    let kind = read_kind(cursor).map_err(|kind| kind.at(at))?;
    let content = read_content(cursor, at)?;
    let kind = match (kind, content.tokens.is_empty()) {
        // `{{^}}` is the same as `{{else}}`.
        (TagKind::OpenInverse | TagKind::ElseChain, true) => TagKind::Else,
        (_, true) => return Err(Kind::Empty.at(at)),
        (kind, false) => kind,
    };
    let strip = Strip { before, after: content.strips_after };
    Ok(Piece::Tag(Tag { kind, tokens: content.tokens, strip, at, body: cursor.whole_body() }))
}

/// Advances past a comment. Returns whether it ends with `~`, or `None` if it does not end.
fn skip_comment(cursor: &mut Cursor<'_>) -> Option<bool> {
    if cursor.rest.starts_with("!--") {
        let ends = ["--}}", "--~}}"].map(|end| Some((cursor.rest.find(end)?, end)));
        let (start, end) = ends.into_iter().flatten().min_by_key(|(start, _)| *start)?;
        cursor.advance(start + end.len());
        return Some(end.contains('~'));
    }
    let end = cursor.rest.find("}}")?;
    Some(cursor.advance(end + 2).ends_with("~}}"))
}

/// Reads the sign that starts a placeholder. Rejects those that would bypass escaping or need other templates.
fn read_kind(cursor: &mut Cursor<'_>) -> Result<TagKind, Kind> {
    cursor.skip_whitespace();
    let kind = match cursor.rest.chars().next() {
        Some('{' | '&') => return Err(Kind::Unescaped),
        Some('>') => return Err(Kind::Partial),
        Some('*') => return Err(Kind::Decorator),
        Some('#') => TagKind::Open,
        Some('^') => TagKind::OpenInverse,
        Some('/') => TagKind::Close,
        _ => {
            let after_else = cursor.rest.strip_prefix("else").and_then(|rest| rest.chars().next());
            let is_else =
                after_else.is_some_and(|c| !(c.is_alphanumeric() || "_-$=./".contains(c)));
            if is_else {
                cursor.advance("else".len());
            }
            return Ok(if is_else { TagKind::ElseChain } else { TagKind::Value });
        }
    };
    cursor.advance(1);
    cursor.skip_whitespace();
    match cursor.rest.chars().next() {
        Some('>') if kind == TagKind::Open => Err(Kind::Partial),
        Some('*') if kind == TagKind::Open => Err(Kind::Decorator),
        _ => Ok(kind),
    }
}
