//! Recovery codes, which replace the authenticator app, and the text that users enter as a second factor.

use std::fmt;

use base32::Alphabet;

use crate::model::Sources;

/// Length of a code, in bytes.
const BYTES: usize = 17;
/// Length of a code in base 32, without hyphens.
const CHARS: usize = 28;
/// Number of characters between two hyphens.
const GROUP_CHARS: usize = 4;
/// Number of digits of a code of an app.
const APP_DIGITS: usize = 6;

/// A recovery code: 136 random bits, so that a fast hash is enough to store it (OWASP ASVS 5.0, 6.5.2).
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode([u8; BYTES]);

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode([redacted])")
    }
}

impl RecoveryCode {
    /// Generates a code.
    pub fn new(sources: &Sources) -> Self {
        Self(sources.bytes())
    }

    /// Returns the code as shown, such as `7ZK3-0Q9M-XV1T-C8PA-R4J2-W6N3-FH5G`.
    pub fn reveal(&self) -> String {
        let mut text = String::new();
        for (index, char) in base32::encode(Alphabet::Crockford, &self.0).chars().enumerate() {
            if index > 0 && index % GROUP_CHARS == 0 {
                text.push('-');
            }
            text.push(char);
        }
        text
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// What a user has entered as a second factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnteredCode {
    /// The digits of an app.
    App(String),
    /// A recovery code.
    Recovery(RecoveryCode),
}

impl EnteredCode {
    /// Parses a code with or without spaces, hyphens and capital letters. A letter that looks like a digit counts as that
    /// digit. `None` if it is neither kind of code.
    pub fn parse(text: &str) -> Option<Self> {
        let is_separator = |char: char| char.is_whitespace() || char == '-';
        // Longer texts need not be copied.
        let text: String =
            text.chars().filter(|char| !is_separator(*char)).take(CHARS + 1).collect();
        if text.len() == APP_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Self::App(text));
        }
        if text.len() != CHARS {
            return None;
        }
        let bytes = base32::decode(Alphabet::Crockford, &text)?;
        Some(Self::Recovery(RecoveryCode(bytes.try_into().ok()?)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_code_is_read_however_it_is_typed(bytes: [u8; BYTES], spaces in "[ -]{0,3}") {
            let code = RecoveryCode(bytes);
            let shown = code.reveal();
            prop_assert_eq!(shown.len(), CHARS + CHARS / GROUP_CHARS - 1);
            let expected = Some(EnteredCode::Recovery(code));
            for typed in [
                shown.clone(),
                shown.to_lowercase(),
                shown.replace('-', &spaces),
                shown.replace('0', "o").replace('1', "l"),
                format!("{spaces}{shown}\n"),
            ] {
                prop_assert_eq!(EnteredCode::parse(&typed), expected.clone(), "{}", typed);
            }
            prop_assert_eq!(EnteredCode::parse(&format!("{shown}0")), None);
        }

        #[test]
        fn six_digits_are_a_code_of_an_app(first in "[0-9]{3}", last in "[0-9]{3}") {
            let typed = format!(" {first} {last}");
            let expected = EnteredCode::App(first + &last);
            prop_assert_eq!(EnteredCode::parse(&typed), Some(expected));
        }

        #[test]
        fn any_text_is_parsed_without_a_panic(text in ".{0,40}|[0-9A-Z=]{0,20}") {
            let _parsed = EnteredCode::parse(&text);
        }
    }
}
