//! Reads a source and tracks the position.

use super::position::Position;

#[derive(Debug)]
pub(super) struct Cursor<'s> {
    pub(super) rest: &'s str,
    pub(super) at: Position,
    /// The rest of the source after the opening braces of the current placeholder.
    body: &'s str,
}

impl<'s> Cursor<'s> {
    pub(super) fn new(source: &'s str) -> Self {
        Self { rest: source, at: Position::START, body: source }
    }

    /// Advances by `bytes`, which must end at a character boundary.
    pub(super) fn advance(&mut self, bytes: usize) -> &'s str {
        let (passed, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.rest = rest;
        self.at = self.at.after(passed);
        passed
    }

    /// Advances past white space as JavaScript's `\s` knows it, of which other checks reject the unusual.
    pub(super) fn skip_whitespace(&mut self) {
        let space = self.rest.find(|c| !matches!(c, ' ' | '\t' | '\r' | '\n'));
        self.advance(space.unwrap_or(self.rest.len()));
    }

    /// Advances past a prefix, if the rest starts with it.
    pub(super) fn skip(&mut self, prefix: &str) -> bool {
        let found = self.rest.starts_with(prefix);
        if found {
            self.advance(prefix.len());
        }
        found
    }

    /// Marks the start of a placeholder's content.
    pub(super) fn enter_body(&mut self) {
        self.body = self.rest;
    }

    /// The content of the current placeholder, for messages.
    pub(super) fn whole_body(&self) -> &'s str {
        let body = self.body.split("}}").next().unwrap_or_default();
        body.trim_matches(|c: char| c.is_whitespace() || c == '~')
    }
}
