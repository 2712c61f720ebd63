//! Numbers with an exponent. `serde_json` keeps all digits of a number, but not the spelling of its exponent: `1E22` becomes
//! `1e+22`.

use super::string_end::string_end;

/// Whether a JSON text contains a number with an exponent.
pub(super) fn occurs_in(text: &str) -> bool {
    let is_exponent = |pair: &[u8]| matches!(pair, [b'0'..=b'9', b'e' | b'E']);
    // Texts can contain the same, but most events have neither.
    text.as_bytes().windows(2).any(is_exponent)
        && outside_strings(text).any(|part| part.as_bytes().windows(2).any(is_exponent))
}

/// The parts of a JSON text that are not within strings.
fn outside_strings(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let (part, after) = match rest?.split_once('"') {
            Some((part, string)) => (part, string_end(string).and_then(|end| string.get(end..))),
            None => (rest?, None),
        };
        rest = after;
        Some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_are_found_only_in_numbers() {
        for text in ["1E22", "[1, -0.5e+3]", r#"{"a\"": "x", "b": 2e1}"#] {
            assert!(occurs_in(text), "{text}");
        }
        for text in [r#""1e5""#, r#"{"1e5": "\"2E2", "b": 12}"#, "[true, false, 1]", ""] {
            assert!(!occurs_in(text), "{text}");
        }
    }
}
