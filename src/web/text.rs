//! Text from events in places without markup, such as menus and page titles.

/// Maximum length of one text, in characters.
const MAX_CHARS: usize = 60;
/// FIRST STRONG ISOLATE and POP DIRECTIONAL ISOLATE (Unicode Standard Annex #9).
const ISOLATE: (char, char) = ('\u{2068}', '\u{2069}');

/// Shortens a text that is too long, and isolates one whose direction could spread to its surroundings.
pub(super) fn isolate(text: &str) -> String {
    isolate_within(text, MAX_CHARS)
}

/// Does the same with another maximum length, in characters.
pub(super) fn isolate_within(text: &str, max: usize) -> String {
    let mut short: String = text.chars().take(max).collect();
    if text.chars().nth(max).is_some() {
        short.push('…');
    }
    if text.is_ascii() {
        return short;
    }
    format!("{}{short}{}", ISOLATE.0, ISOLATE.1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_text_stays_and_long_text_is_cut() {
        assert_eq!(isolate("AR-123"), "AR-123");
        assert_eq!(isolate(&"x".repeat(90)), format!("{}…", "x".repeat(60)));
        assert_eq!(isolate("AR-\u{202e}321"), "\u{2068}AR-\u{202e}321\u{2069}");
    }

    proptest! {
        #[test]
        fn directions_do_not_spread(text in "\\PC{0,100}") {
            let shown = isolate(&text);
            let is_control = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2067}');
            let controls = shown.chars().any(is_control);
            let is_isolated = shown.starts_with(ISOLATE.0) && shown.ends_with(ISOLATE.1);
            prop_assert!(!controls || is_isolated);
            prop_assert!(shown.chars().count() <= 63);
        }
    }
}
