//! The name of a webhook: unique by Unicode's rules for case and for equal characters.

use unicase::UniCase;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::errors::{Field, FieldErrors};
use super::validated::Webhook;

/// Characters other than letters, digits and marks.
const PUNCTUATION: &str = " -_.#()";
/// Zero-width joiner and non-joiner, which words of Persian and of Indic languages need.
const JOINERS: [char; 2] = ['\u{200c}', '\u{200d}'];

/// Returns a name without surrounding spaces, in Unicode's normalization form C (UAX #15): `é` is one character, however it
/// was typed.
pub(super) fn normalize(name: &str) -> String {
    name.trim().nfc().collect()
}

/// Returns the text by which names are compared: two names are the same if they differ only in case or in invisible
/// joiners.
pub fn fold_name(name: &str) -> String {
    let visible: String = name.trim().nfc().filter(|c| !JOINERS.contains(c)).collect();
    // Folding can decompose characters.
    UniCase::unicode(visible).to_folded_case().nfc().collect()
}

pub(super) fn check(name: &str, errors: &mut FieldErrors) {
    if name.is_empty() {
        errors.add(Field::Name, "Enter a name, such as Logpoint comment.");
    } else if name.chars().count() > Webhook::MAX_NAME_CHARS {
        errors.add(
            Field::Name,
            format!("The name is too long: use at most {} characters.", Webhook::MAX_NAME_CHARS),
        );
    } else if let Some(odd) = name.chars().find(|c| !is_allowed(*c)) {
        let what = if odd.is_control() || odd.is_whitespace() || is_invisible(odd) {
            format!("the character U+{:04X}", u32::from(odd))
        } else {
            format!("“{odd}”")
        };
        let message =
            format!("A name cannot contain {what}: use letters, digits, spaces and - _ . # ( ).");
        errors.add(Field::Name, message);
    } else if !name.chars().any(char::is_alphanumeric) {
        errors.add(Field::Name, "A name needs at least one letter or digit: add one.");
    }
}

fn is_allowed(c: char) -> bool {
    if is_invisible(c) {
        return JOINERS.contains(&c);
    }
    c.is_alphanumeric() || is_combining_mark(c) || PUNCTUATION.contains(c)
}

/// Characters that are not shown: `Default_Ignorable_Code_Point` of Unicode (UAX #44), some of which are letters or marks.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn error(name: &str) -> Option<String> {
        let mut errors = FieldErrors::default();
        check(&normalize(name), &mut errors);
        errors.iter().next().map(|error| error.message.clone())
    }

    #[test]
    fn names_in_every_script_are_accepted() {
        for name in [
            "Logpoint comment",
            "Äpfel",
            "e\u{301}te\u{301}",
            "తెలుగు వెబ్‌హుక్",
            "می‌خواهم",
            "日本語 #1",
            "Ø-x_1.(2)",
        ] {
            assert_eq!(error(name), None, "{name}");
        }
    }

    #[test]
    fn other_characters_are_named_as_a_reader_sees_them() {
        for (name, part) in [
            ("a'b", "contain “'”:"),
            ("a😀", "contain “😀”:"),
            ("a\tb", "U+0009"),
            ("a\u{200b}b", "U+200B"),
            ("a\u{202e}b", "U+202E"),
            ("a\u{a0}b", "U+00A0"),
            ("\u{3164}", "U+3164"),
            ("a\u{fe0f}", "U+FE0F"),
            ("a\u{e0100}", "U+E0100"),
            ("a\0", "U+0000"),
            ("", "Enter a name"),
            (" . ", "letter or digit"),
        ] {
            assert!(error(name).unwrap().contains(part), "{name:?}: {:?}", error(name));
        }
    }

    #[test]
    fn names_that_look_the_same_are_the_same() {
        for (one, other) in [
            ("Äpfel", "äpfel"),
            ("ÄPFEL", "a\u{308}pfel"),
            ("ΟΔΟΣ", "οδος"),
            ("Straße", "STRASSE"),
            (" Ǆ ", "ǆ"),
            ("می‌خواهم", "میخواهم"),
        ] {
            assert_eq!(fold_name(one), fold_name(other), "{one} {other}");
        }
        assert_ne!(fold_name("a"), fold_name("ä"));
    }

    proptest! {
        #[test]
        fn a_name_is_the_same_in_either_case_and_either_form(name in "[\\p{L}\\p{M}\\p{N} ]{1,12}") {
            let folded = fold_name(&name);
            prop_assert_eq!(&fold_name(&folded), &folded);
            prop_assert_eq!(&fold_name(&name.nfd().collect::<String>()), &folded);
            prop_assert_eq!(&fold_name(&normalize(&name)), &folded);
            let upper = name.to_uppercase();
            // Not every letter has a capital that folds back to it.
            if fold_name(&upper.to_lowercase()) == folded {
                prop_assert_eq!(&fold_name(&upper), &folded);
            }
        }
    }
}
