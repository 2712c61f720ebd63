//! Positions in a template's source.

/// Line and column, both from 1. Columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Position {
    /// The first character.
    pub(super) const START: Self = Self { line: 1, column: 1 };

    /// The position after `text`, which starts here.
    pub(super) fn after(self, text: &str) -> Self {
        let lines = text.matches('\n').count();
        let last = text.rsplit('\n').next().unwrap_or_default().chars().count();
        let column = if lines == 0 { self.column + last } else { last + 1 };
        Self { line: self.line + lines, column }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_start_again_on_each_line() {
        let at = |text: &str| {
            let Position { line, column } = Position { line: 2, column: 5 }.after(text);
            (line, column)
        };
        assert_eq!(at(""), (2, 5));
        assert_eq!(at("é\u{1f600}"), (2, 7));
        assert_eq!(at("abc\n"), (3, 1));
        assert_eq!(at("a\nb\ncd"), (4, 3));
    }
}
