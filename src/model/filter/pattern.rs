//! Wildcard patterns: `*` stands for any text, and case is ignored.

/// A pattern, split at its wildcards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    /// The pattern as entered.
    text: String,
    /// The pieces between the `*`, in lower case.
    pieces: Vec<String>,
}

impl Pattern {
    pub(super) fn new(text: &str) -> Self {
        let text = text.to_owned();
        let pieces = text.to_lowercase().split('*').map(str::to_owned).collect();
        Self { text, pieces }
    }

    /// The pattern as entered.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether the text matches. Taking the leftmost occurrence of each piece is enough, because it leaves the
    /// most text for the rest.
    pub(super) fn matches(&self, text: &str) -> bool {
        let text = text.trim().to_lowercase();
        let [first, middle @ .., last] = self.pieces.as_slice() else {
            return self.pieces.first().is_some_and(|only| *only == text);
        };
        let Some(mut rest) = text.strip_prefix(first.as_str()) else {
            return false;
        };
        for piece in middle {
            match rest.split_once(piece.as_str()) {
                Some((_, after)) => rest = after,
                None => return false,
            }
        }
        rest.ends_with(last.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_any_text() {
        for (pattern, text, expected) in [
            ("prod", "prod", true),
            ("prod", "PROD", true),
            ("prod", "prod-1", false),
            ("prod-*", "prod-", true),
            ("prod-*", "prod-eu-1", true),
            ("*-eu-*", "prod-eu-1", true),
            ("*-eu-*", "prod-us-1", false),
            ("*", "", true),
            ("a*a", "a", false),
            ("a*b*c", "abbc", true),
            ("a*b*c", "acb", false),
            ("straße*", "STRASSE 1", false),
            ("ä*", "Änderung", true),
        ] {
            assert_eq!(Pattern::new(pattern).matches(text), expected, "{pattern} on {text}");
        }
    }
}
