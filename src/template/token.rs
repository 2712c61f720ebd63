//! Tokens of a placeholder.

use super::position::Position;

/// A token and the position of its first character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) at: Position,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TokenKind {
    Name(String),
    /// A name in brackets, without them.
    Bracketed(String),
    /// `.` as a name.
    Dot,
    /// `..` as a name.
    DotDot,
    /// `.` or `/` between two names.
    Separator(char),
    /// A quoted text, without its quotes.
    Text(String),
    Number(String),
    True,
    False,
    /// `null` or `undefined`
    Null,
    At,
    Equals,
    Open,
    Close,
    /// `as |value key|`
    BlockParameters(Vec<String>),
}

impl Token {
    /// Whether the token is a name of a field.
    pub(super) fn is_name(&self) -> bool {
        matches!(self.kind, TokenKind::Name(_) | TokenKind::Bracketed(_))
    }
}
