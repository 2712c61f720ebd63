//! Splits a placeholder into tokens by the rules of handlebars.js, and reports common mistakes with better
//! messages than a parser could.

use super::cursor::Cursor;
use super::error::{TemplateError, TemplateErrorKind as Kind, shorten};
use super::limits::MAX_NESTING;
use super::lookalike;
use super::position::Position;
use super::token::{Token, TokenKind};

const OPERATORS: [&str; 6] = ["==", "!=", "&&", "||", ">", "<"];

/// The content of a placeholder.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) tokens: Vec<Token>,
    /// Whether it ends with `~`.
    pub(super) strips_after: bool,
}

/// Reads tokens up to and including the closing braces of the placeholder that starts at `start`.
pub(super) fn read_content(
    cursor: &mut Cursor<'_>,
    start: Position,
) -> Result<Content, TemplateError> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut open = 0_usize;
    loop {
        let end = cursor.at;
        cursor.skip_whitespace();
        let at = cursor.at;
        let strips_after = cursor.rest.starts_with("~}}");
        if strips_after || cursor.rest.starts_with("}}") {
            cursor.advance(if strips_after { 3 } else { 2 });
            return Ok(Content { tokens, strips_after });
        }
        let Some(first) = cursor.rest.chars().next().filter(|_| !cursor.rest.starts_with("{{"))
        else {
            return Err(Kind::Unclosed.at(start));
        };
        if let Some(operator) = OPERATORS.into_iter().find(|it| cursor.rest.starts_with(it)) {
            return Err(Kind::Operator(operator.to_owned()).at(at));
        }
        lookalike::check(first).map_err(|kind| kind.at(at))?;
        let kind = match first {
            '\\' => return Err(Kind::Backslash.at(at)),
            '|' => {
                let is_as = |token: &Token| token.kind == TokenKind::Name("as".to_owned());
                if tokens.len() < 2 || tokens.pop_if(|last| is_as(last)).is_none() {
                    return Err(Kind::Pipe.at(at));
                }
                block_parameters(cursor, start)?
            }
            '"' | '\'' => quoted(cursor, first, start)?,
            '[' => bracketed(cursor, start)?,
            '(' => {
                open += 1;
                symbol(cursor, TokenKind::Open)
            }
            ')' => {
                open = open.saturating_sub(1);
                symbol(cursor, TokenKind::Close)
            }
            '@' => symbol(cursor, TokenKind::At),
            '=' => symbol(cursor, TokenKind::Equals),
            '.' | '/' => separator(cursor, first),
            _ => word(cursor, start)?,
        };
        let is_dot = matches!(kind, TokenKind::Dot | TokenKind::DotDot);
        if is_dot && end == at && tokens.last().is_some_and(Token::is_name) {
            return Err(unexpected(cursor, start));
        }
        if open > MAX_NESTING {
            return Err(Kind::TooDeep.at(start));
        }
        tokens.push(Token { kind, at });
    }
}

fn symbol(cursor: &mut Cursor<'_>, kind: TokenKind) -> TokenKind {
    cursor.advance(1);
    kind
}

fn separator(cursor: &mut Cursor<'_>, first: char) -> TokenKind {
    if cursor.rest.starts_with("..") {
        cursor.advance(2);
        return TokenKind::DotDot;
    }
    cursor.advance(1);
    let ends_name = cursor.rest.chars().next().is_none_or(ends_name);
    if first == '.' && ends_name { TokenKind::Dot } else { TokenKind::Separator(first) }
}

/// A text in quotes. A backslash has a meaning only before the same quote.
fn quoted(
    cursor: &mut Cursor<'_>,
    quote: char,
    start: Position,
) -> Result<TokenKind, TemplateError> {
    let mut text = String::new();
    let mut characters = cursor.rest.char_indices().skip(1).peekable();
    while let Some((offset, c)) = characters.next() {
        if c == quote {
            cursor.advance(offset + 1);
            return Ok(TokenKind::Text(text));
        }
        let is_escape = c == '\\' && characters.next_if(|(_, next)| *next == quote).is_some();
        text.push(if is_escape { quote } else { c });
    }
    Err(Kind::Unclosed.at(start))
}

/// A name in brackets. `\]` stands for a bracket.
fn bracketed(cursor: &mut Cursor<'_>, start: Position) -> Result<TokenKind, TemplateError> {
    let mut name = String::new();
    let mut characters = cursor.rest.char_indices().skip(1).peekable();
    while let Some((offset, c)) = characters.next() {
        if c == ']' {
            cursor.advance(offset + 1);
            return Ok(TokenKind::Bracketed(name));
        }
        let escaped = (c == '\\')
            .then(|| characters.next_if(|(_, next)| matches!(next, ']' | '\\')))
            .flatten();
        name.push(escaped.map_or(c, |(_, escaped)| escaped));
    }
    Err(Kind::Unclosed.at(start))
}

fn block_parameters(cursor: &mut Cursor<'_>, start: Position) -> Result<TokenKind, TemplateError> {
    cursor.advance(1);
    let Some((names, _)) = cursor.rest.split_once('|') else {
        return Err(Kind::Unclosed.at(start));
    };
    for (offset, c) in names.char_indices() {
        let at = cursor.at.after(names.get(..offset).unwrap_or_default());
        lookalike::check(c).map_err(|kind| kind.at(at))?;
        if !c.is_whitespace() && !is_name_character(c) {
            return Err(Kind::Pipe.at(at));
        }
    }
    cursor.advance(names.len() + 1);
    Ok(TokenKind::BlockParameters(names.split_whitespace().map(str::to_owned).collect()))
}

/// A name, number or keyword.
fn word(cursor: &mut Cursor<'_>, start: Position) -> Result<TokenKind, TemplateError> {
    let length = cursor.rest.find(|c| !is_name_character(c)).unwrap_or(cursor.rest.len());
    // A number may contain a dot.
    let number = number_length(cursor.rest);
    let after = |length: usize| cursor.rest.get(length..).and_then(|rest| rest.chars().next());
    let ends_literal =
        |length| after(length).is_none_or(|c| is_space(c) || matches!(c, '~' | '}' | ')' | ']'));
    if number > 0 && ends_literal(number) {
        return Ok(TokenKind::Number(cursor.advance(number).to_owned()));
    }
    if length == 0 {
        return Err(unexpected(cursor, start));
    }
    let next = after(length);
    if next == Some('[') {
        let at = cursor.at.after(cursor.rest.get(..length).unwrap_or_default());
        let whole = cursor.whole_body();
        return Err(Kind::IndexWithoutDot(dotted(whole)).at(at));
    }
    let is_literal = ends_literal(length);
    let name = cursor.advance(length);
    match name {
        "true" if is_literal => Ok(TokenKind::True),
        "false" if is_literal => Ok(TokenKind::False),
        "null" | "undefined" if is_literal => Ok(TokenKind::Null),
        _ => {
            let rest = next.filter(|c| !ends_name(*c));
            match rest.map(lookalike::check) {
                // The next token reports it.
                Some(Err(_)) | None => Ok(TokenKind::Name(name.to_owned())),
                Some(Ok(())) if next == Some('\\') => Ok(TokenKind::Name(name.to_owned())),
                Some(Ok(())) if OPERATORS.iter().any(|it| cursor.rest.starts_with(it)) => {
                    Ok(TokenKind::Name(name.to_owned()))
                }
                Some(Ok(())) => Err(unexpected(cursor, start)),
            }
        }
    }
}

fn unexpected(cursor: &Cursor<'_>, start: Position) -> TemplateError {
    Kind::Syntax(shorten(cursor.whole_body())).at(start)
}

/// Length of the number at the start of a text: `-`, digits, and a fraction.
fn number_length(text: &str) -> usize {
    let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let sign = usize::from(text.starts_with('-'));
    let whole = digits(text.get(sign..).unwrap_or_default());
    if whole == 0 {
        return 0;
    }
    let fraction =
        text.get(sign + whole..).and_then(|rest| rest.strip_prefix('.')).map_or(0, digits);
    sign + whole + if fraction > 0 { 1 + fraction } else { 0 }
}

fn is_name_character(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(c, '_' | '-' | '$' | ':' | '?')
        || (!c.is_ascii() && lookalike::check(c).is_ok())
}

/// Whether a character can follow a name.
fn ends_name(c: char) -> bool {
    is_space(c) || matches!(c, '=' | '~' | '}' | '/' | '.' | ')' | ']' | '|')
}

/// White space that is not a lookalike.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// Corrects `a[0].b` to `a.[0].b`.
fn dotted(body: &str) -> String {
    let mut fixed = String::with_capacity(body.len() + 4);
    for c in body.chars() {
        let follows_name =
            fixed.chars().last().is_some_and(|last| is_name_character(last) || last == ']');
        if c == '[' && follows_name {
            fixed.push('.');
        }
        fixed.push(c);
    }
    shorten(&fixed)
}
