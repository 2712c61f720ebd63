//! Text from outside, made storable.

use std::borrow::Cow;

/// Replaces NUL with U+FFFD. JSON strings, forms and HTTP bodies can contain NUL; PostgreSQL's `text` cannot (PostgreSQL,
/// section 8.3).
pub fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}

/// `a`, `a or b`, `a, b or c`.
pub(in crate::model) fn join(items: &[&str], word: &str) -> String {
    match items {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [init @ .., last] => format!("{} {word} {last}", init.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn only_nul_is_replaced(text in "[\0-\u{9f}ä€😀]{0,20}") {
            let stored = storable(&text);
            prop_assert!(!stored.contains('\0'));
            let same = text.chars().zip(stored.chars()).all(|(a, b)| a == b || (a == '\0' && b == '\u{fffd}'));
            prop_assert!(same && text.chars().count() == stored.chars().count());
        }
    }
}
