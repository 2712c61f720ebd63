//! Scans a template for placeholders before the Handlebars parser reads it: records their positions, and
//! reports common mistakes with better messages than the parser's.

use super::error::{TemplateError, TemplateErrorKind as Kind, shorten};
use super::limits::MAX_NESTING;
use super::lookalike;
use super::position::Position;

/// Maximum number of brackets and parentheses within a placeholder, on which the parser recurses.
const MAX_BRACKETS: usize = 64;

/// A placeholder that becomes part of the compiled template.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tag<'s> {
    pub(super) kind: TagKind,
    /// The text between the braces, without `#` or `else`.
    pub(super) body: &'s str,
    /// Position of the body.
    pub(super) body_at: Position,
    /// Position of the opening braces.
    pub(super) at: Position,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TagKind {
    /// `{{x}}`
    Value,
    /// `{{#if x}}` and `{{else if x}}`
    Block,
}

#[derive(Debug)]
struct OpenBlock<'s> {
    name: &'s str,
    at: Position,
    has_else: bool,
    /// Number of `{{else if}}`, each of which is nested in the one before.
    chained: usize,
}

/// Reads the source and tracks the position.
#[derive(Debug)]
struct Cursor<'s> {
    rest: &'s str,
    at: Position,
}

impl<'s> Cursor<'s> {
    /// Advances by `bytes`, which must end at a character boundary.
    fn advance(&mut self, bytes: usize) -> &'s str {
        let (passed, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.rest = rest;
        self.at = self.at.after(passed);
        passed
    }
}

/// Returns the placeholders in source order, without comments, `{{else}}` and closing tags.
pub(super) fn scan(source: &str) -> Result<Vec<Tag<'_>>, TemplateError> {
    let mut cursor = Cursor { rest: source, at: Position::START };
    let mut tags = Vec::new();
    let mut open: Vec<OpenBlock<'_>> = Vec::new();
    while let Some(found) = cursor.rest.find("{{") {
        let text = cursor.advance(found);
        let backslashes = text.bytes().rev().take_while(|byte| *byte == b'\\').count();
        if backslashes == 1 {
            // `\{{` outputs the braces themselves.
            cursor.advance(if cursor.rest.starts_with("{{{{") { 4 } else { 2 });
            continue;
        }
        let at = cursor.at;
        if let Some(length) = comment_length(cursor.rest) {
            cursor.advance(length);
            continue;
        }
        let inner = cursor.rest.get(2..).unwrap_or_default();
        reject_unsupported(inner).map_err(|kind| kind.at(at))?;
        let length = check_body(inner, at)?;
        let raw = inner.get(..length).unwrap_or_default();
        cursor.advance(length + 4);
        let body = raw.trim().trim_start_matches('~').trim_end_matches('~').trim();
        if body.is_empty() {
            return Err(Kind::Empty.at(at));
        }
        if let Some((kind, body)) = classify(body, at, &mut open)? {
            let before = raw.rfind(body).and_then(|start| raw.get(..start)).unwrap_or_default();
            let body_at = Position { column: at.column + 2, ..at }.after(before);
            tags.push(Tag { kind, body, body_at, at });
        }
        if open.iter().map(|block| 1 + block.chained).sum::<usize>() > MAX_NESTING {
            return Err(Kind::TooDeep.at(at));
        }
    }
    match open.pop() {
        Some(block) => Err(Kind::BlockNotClosed(shorten(block.name)).at(block.at)),
        None => Ok(tags),
    }
}

/// Length of the comment at the start of `rest`, if there is one.
fn comment_length(rest: &str) -> Option<usize> {
    let long = rest.starts_with("{{!--").then(|| rest.get(5..)?.find("--}}").map(|end| end + 9));
    long.flatten().or_else(|| {
        let inner = rest.strip_prefix("{{!")?;
        inner.find("}}").map(|end| end + 5)
    })
}

/// Rejects the parts of Handlebars that would bypass escaping or need other templates.
fn reject_unsupported(inner: &str) -> Result<(), Kind> {
    if inner.starts_with("{{") {
        return Err(Kind::RawBlock);
    }
    let inner = inner.trim_start().trim_start_matches('~').trim_start();
    let block = inner.strip_prefix('#').map(str::trim_start);
    match inner.chars().next() {
        Some('{' | '&') => Err(Kind::Unescaped),
        Some('>') => Err(Kind::Partial),
        Some('*') => Err(Kind::Decorator),
        _ if block.is_some_and(|block| block.starts_with('>')) => Err(Kind::Partial),
        _ if block.is_some_and(|block| block.starts_with('*')) => Err(Kind::Decorator),
        _ => Ok(()),
    }
}

/// Checks the content of a placeholder. Returns its length.
fn check_body(inner: &str, at: Position) -> Result<usize, TemplateError> {
    let inner_at = Position { column: at.column + 2, ..at };
    let position = |offset| inner_at.after(inner.get(..offset).unwrap_or_default());
    let mut previous = ' ';
    let mut brackets = 0;
    let mut skip_to = 0;
    for (offset, c) in inner.char_indices() {
        if offset < skip_to {
            previous = c;
            continue;
        }
        let rest = inner.get(offset..).unwrap_or_default();
        if rest.starts_with("}}") {
            return Ok(offset);
        }
        if rest.starts_with("{{") {
            return Err(Kind::Unclosed.at(at));
        }
        if let Some(operator) = ["==", "!=", "&&", "||", ">", "<"]
            .into_iter()
            .find(|operator| rest.starts_with(operator))
        {
            return Err(Kind::Operator(operator.to_owned()).at(position(offset)));
        }
        lookalike::check(c).map_err(|kind| kind.at(position(offset)))?;
        match c {
            '\\' => return Err(Kind::Backslash.at(position(offset))),
            '"' | '\'' if starts_word(previous) => {
                skip_to = offset + quoted_length(rest, c).unwrap_or(1);
            }
            '[' if previous.is_alphanumeric() || matches!(previous, '_' | '-' | ']') => {
                return Err(Kind::IndexWithoutDot(dotted(inner)).at(position(offset)));
            }
            '[' => {
                skip_to = offset + bracketed_length(rest).unwrap_or(1);
                brackets += 1;
            }
            '(' | '{' => brackets += 1,
            '|' => {
                let before = inner.get(..offset).unwrap_or_default().trim_end();
                let parameters =
                    before.ends_with(" as").then(|| rest.get(1..)?.find('|')).flatten();
                let Some(length) = parameters else {
                    return Err(Kind::Pipe.at(position(offset)));
                };
                for (inside, c) in rest.char_indices().take_while(|(inside, _)| *inside <= length) {
                    lookalike::check(c).map_err(|kind| kind.at(position(offset + inside)))?;
                }
                skip_to = offset + length + 2;
            }
            _ => {}
        }
        if brackets > MAX_BRACKETS {
            return Err(Kind::TooDeep.at(at));
        }
        previous = c;
    }
    Err(Kind::Unclosed.at(at))
}

fn starts_word(previous: char) -> bool {
    previous.is_whitespace() || matches!(previous, '(' | '=' | ',' | '[' | '{' | ':')
}

/// Length of a quoted text, including the quotes.
fn quoted_length(rest: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (offset, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return Some(offset + 1),
            _ => {}
        }
    }
    None
}

/// Length of a name in brackets, including them.
fn bracketed_length(rest: &str) -> Option<usize> {
    let (name, _) = rest.get(1..)?.split_once(']')?;
    (!name.contains('[')).then_some(name.len() + 2)
}

/// Corrects `a[0].b` to `a.[0].b`.
fn dotted(inner: &str) -> String {
    let body = inner.split("}}").next().unwrap_or_default().trim();
    let mut fixed = String::with_capacity(body.len() + 4);
    for c in body.chars() {
        if c == '['
            && fixed.chars().last().is_some_and(|c| c.is_alphanumeric() || "_-]".contains(c))
        {
            fixed.push('.');
        }
        fixed.push(c);
    }
    shorten(&fixed)
}

/// Determines the kind of a placeholder and tracks the open blocks.
fn classify<'s>(
    body: &'s str,
    at: Position,
    open: &mut Vec<OpenBlock<'s>>,
) -> Result<Option<(TagKind, &'s str)>, TemplateError> {
    if let Some(block) = body.strip_prefix('#') {
        let block = block.trim_start();
        let name = block.split_whitespace().next().unwrap_or_default();
        open.push(OpenBlock { name, at, has_else: false, chained: 0 });
        return Ok(Some((TagKind::Block, block)));
    }
    if let Some(closing) = body.strip_prefix('/') {
        let closing = closing.trim();
        return match open.pop() {
            Some(block) if block.name == closing => Ok(None),
            Some(block) => Err(Kind::BlockMismatch {
                opened: shorten(block.name),
                line: block.at.line,
                closed: shorten(closing),
            }
            .at(at)),
            None => Err(Kind::BlockNotOpened(shorten(closing)).at(at)),
        };
    }
    let Some(chained) = after_else(body) else {
        return Ok(Some((TagKind::Value, body)));
    };
    let Some(block) = open.last_mut().filter(|block| !block.has_else) else {
        return Err(Kind::ElseOutside.at(at));
    };
    if chained.is_empty() {
        block.has_else = true;
        return Ok(None);
    }
    block.chained += 1;
    Ok(Some((TagKind::Block, chained)))
}

/// The text after `else` or `^`: empty for a plain `{{else}}`.
fn after_else(body: &str) -> Option<&str> {
    let rest = body.strip_prefix("else").or_else(|| body.strip_prefix('^'))?.trim_start();
    match rest.chars().next() {
        Some(c) if !(c.is_alphanumeric() || matches!(c, '_' | '-' | '$')) => None,
        _ => Some(rest),
    }
}
