//! Parses the tokens of a placeholder.

use serde_json::Value;

use super::error::{TemplateError, TemplateErrorKind as Kind, shorten};
use super::position::Position;
use super::scanner::Tag;
use super::syntax::{Argument, Call, Callee, Path};
use super::token::{Token, TokenKind};

/// The content of `{{name argument … option=argument … as |value key|}}`.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) call: Call,
    pub(super) parameters: Vec<String>,
}

/// Parses a placeholder.
pub(super) fn parse_head(tag: &Tag<'_>) -> Result<Head, TemplateError> {
    let mut parser = Parser { rest: &tag.tokens };
    parser.head(tag.at).ok_or_else(|| Kind::Syntax(shorten(tag.body)).at(tag.at))
}

/// The remaining tokens. A method returns `None` if they are not what is expected.
struct Parser<'t> {
    rest: &'t [Token],
}

impl<'t> Parser<'t> {
    fn head(&mut self, at: Position) -> Option<Head> {
        let mut call = self.call(at)?;
        call.at = at;
        let parameters = match self.next() {
            None => Vec::new(),
            Some(Token { kind: TokenKind::BlockParameters(names), .. }) if names.len() <= 2 => {
                names.clone()
            }
            Some(_) => return None,
        };
        self.rest.is_empty().then_some(Head { call, parameters })
    }

    fn peek(&self) -> Option<&'t TokenKind> {
        self.rest.first().map(|token| &token.kind)
    }

    fn next(&mut self) -> Option<&'t Token> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    fn skip(&mut self, kind: &TokenKind) -> bool {
        let found = self.peek() == Some(kind);
        if found {
            self.next();
        }
        found
    }

    fn call(&mut self, at: Position) -> Option<Call> {
        let at = self.rest.first().map_or(at, |token| token.at);
        let callee = match self.argument()? {
            Argument::Path(path) => Callee::Path(path),
            Argument::Call(call) => Callee::Call(Box::new(call)),
            // A literal in this place names a field or helper.
            Argument::Literal(literal) => Callee::Path(field_named(&literal, at)),
        };
        let (mut arguments, mut options) = (Vec::new(), Vec::new());
        while !matches!(self.peek(), None | Some(TokenKind::Close | TokenKind::BlockParameters(_)))
        {
            match self.option_name() {
                Some(name) => options.push((name, self.argument()?)),
                None => arguments.push(self.argument()?),
            }
        }
        let is_call = matches!(callee, Callee::Call(_));
        let is_bare = arguments.is_empty() && options.is_empty();
        (!is_call || is_bare).then_some(Call { callee, arguments, options, at })
    }

    /// The name before a `=`.
    fn option_name(&mut self) -> Option<String> {
        let [first, Token { kind: TokenKind::Equals, .. }, rest @ ..] = self.rest else {
            return None;
        };
        let (TokenKind::Name(name) | TokenKind::Bracketed(name)) = &first.kind else { return None };
        self.rest = rest;
        Some(name.clone())
    }

    fn argument(&mut self) -> Option<Argument> {
        let token = self.rest.first()?;
        let literal = match &token.kind {
            TokenKind::Open => {
                self.next();
                let call = self.call(token.at)?;
                return self.skip(&TokenKind::Close).then_some(Argument::Call(call));
            }
            TokenKind::Text(text) => Value::String(text.clone()),
            TokenKind::Number(digits) => number(digits)?,
            TokenKind::True => Value::Bool(true),
            TokenKind::False => Value::Bool(false),
            TokenKind::Null => Value::Null,
            TokenKind::Name(_)
            | TokenKind::Bracketed(_)
            | TokenKind::Dot
            | TokenKind::DotDot
            | TokenKind::At
            | TokenKind::Separator(_)
            | TokenKind::Equals
            | TokenKind::Close
            | TokenKind::BlockParameters(_) => return self.path().map(Argument::Path),
        };
        self.next();
        Some(Argument::Literal(literal))
    }

    fn path(&mut self) -> Option<Path> {
        let at = self.rest.first()?.at;
        let is_local = self.skip(&TokenKind::At);
        let mut path = Path {
            is_local,
            is_explicit: false,
            up: 0,
            keys: Vec::new(),
            original: if is_local { "@".to_owned() } else { String::new() },
            at,
        };
        loop {
            // After a separator, numbers and keywords are names too.
            let (word, is_key) = match &self.next()?.kind {
                TokenKind::Name(name) => (name.as_str(), name != "this" || is_local),
                TokenKind::Bracketed(name) | TokenKind::Number(name) => (name.as_str(), true),
                TokenKind::True => ("true", true),
                TokenKind::False => ("false", true),
                TokenKind::Null => ("null", true),
                TokenKind::Dot => (".", false),
                TokenKind::DotDot => {
                    path.up += 1;
                    ("..", false)
                }
                TokenKind::Separator(_)
                | TokenKind::Text(_)
                | TokenKind::At
                | TokenKind::Equals
                | TokenKind::Open
                | TokenKind::Close
                | TokenKind::BlockParameters(_) => return None,
            };
            path.original.push_str(word);
            if is_key {
                path.keys.push(word.to_owned());
            } else if path.keys.is_empty() {
                path.is_explicit = true;
            } else {
                // `this`, `.` and `..` can only be at the start.
                return None;
            }
            let Some(TokenKind::Separator(separator)) = self.peek() else { return Some(path) };
            path.original.push(*separator);
            self.next();
        }
    }
}

fn field_named(literal: &Value, at: Position) -> Path {
    let name = literal.as_str().map_or_else(|| literal.to_string(), str::to_owned);
    let original = name.clone();
    Path { is_local: false, is_explicit: false, up: 0, keys: vec![name], original, at }
}

/// A number as JSON, which has no leading zeros.
fn number(digits: &str) -> Option<Value> {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |rest| ("-", rest));
    let whole = digits.split('.').next().unwrap_or_default();
    let zeros = whole.len() - whole.trim_start_matches('0').len();
    let digits = digits.get(zeros.min(whole.len() - 1)..)?;
    serde_json::from_str(&format!("{sign}{digits}")).ok()
}
