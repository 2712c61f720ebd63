//! JSON from outside, read as it was meant.
//!
//! Differs from `serde_json` in four ways: a byte order mark is skipped, a surrogate without its partner becomes U+FFFD
//! instead of an error (RFC 8259, section 8.2, leaves the behaviour open), an object whose key is one of `serde_json`'s
//! private tokens stays an object, and numbers keep the spelling of their exponent.

mod exponent;
mod reader;
mod string_end;

use std::borrow::Cow;

use serde_json::value::RawValue;
use serde_json::{Error, Value};

/// Key by which `serde_json` passes a number with all its digits to a visitor.
pub const PRIVATE_NUMBER_KEY: &str = "$serde_json::private::Number";
/// Start of the keys by which `serde_json` passes numbers and raw values to its own types.
pub const PRIVATE_KEY: &str = "$serde_json::private::";

/// Parses JSON.
///
/// # Errors
/// The first syntax error.
pub fn parse(text: &str) -> Result<Value, Error> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let read = if needs_exact_read(text) { read_exactly } else { read_plainly };
    read(text).or_else(|error| match replace_lone_surrogates(text) {
        Cow::Borrowed(_) => Err(error),
        Cow::Owned(repaired) => read(&repaired),
    })
}

fn read_plainly(text: &str) -> Result<Value, Error> {
    serde_json::from_str(text)
}

fn read_exactly(text: &str) -> Result<Value, Error> {
    // Validates the structure, with the right position of an error.
    let raw: &RawValue = serde_json::from_str(text)?;
    reader::read(raw.get())
}

/// Returns whether `serde_json` alone may not read a text exactly. The characters of a private token can also be written as
/// escapes.
pub fn needs_exact_read(text: &str) -> bool {
    text.contains(PRIVATE_KEY) || text.contains("\\u00") || exponent::occurs_in(text)
}

/// Replaces escapes of surrogates that have no partner (RFC 8259, section 7) with `\ufffd`. The length of the text and
/// the positions in it stay the same.
pub fn replace_lone_surrogates(text: &str) -> Cow<'_, str> {
    let mut repaired = Cow::Borrowed(text);
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find('\\')) {
        let escape = at + found;
        at = escape
            + match (unit_at(text, escape), unit_at(text, escape + UNIT_LEN)) {
                (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 2 * UNIT_LEN,
                (Some(0xd800..=0xdfff), _) => {
                    repaired.to_mut().replace_range(escape..escape + UNIT_LEN, "\\ufffd");
                    UNIT_LEN
                }
                // Skips the escaped character, which may be a backslash.
                _ => {
                    1 + text
                        .get(escape + 1..)
                        .and_then(|rest| rest.chars().next())
                        .map_or(1, char::len_utf8)
                }
            };
    }
    repaired
}

/// Length of an escape such as `\ud83d`.
const UNIT_LEN: usize = 6;

/// Returns the UTF-16 code unit that is written as an escape at this position.
fn unit_at(text: &str, at: usize) -> Option<u16> {
    let digits = text.get(at..at + UNIT_LEN)?.strip_prefix("\\u")?;
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| u16::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const NUMBER: &str = PRIVATE_NUMBER_KEY;
    const RAW: &str = "$serde_json::private::RawValue";

    #[test]
    fn skips_a_byte_order_mark() {
        assert_eq!(parse("\u{feff}{\"success\": true}").unwrap(), json!({"success": true}));
        assert!(parse("\u{feff}\u{feff}1").is_err());
    }

    #[test]
    fn a_lone_surrogate_becomes_the_replacement_character() {
        for (text, read) in [
            (r#""cut \ud83d""#, "cut \u{fffd}"),
            (r#""\uD83D\u0041""#, "\u{fffd}A"),
            (r#""\ude00 \ud83d\ude00""#, "\u{fffd} 😀"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"),
            (r#""\\ud83d""#, "\\ud83d"),
            (r#""\\\ud83dé""#, "\\\u{fffd}é"),
        ] {
            assert_eq!(parse(text).unwrap(), json!(read), "{text}");
        }
        assert!(parse(r#"{"a": "\ud83d"#).is_err());
    }

    #[test]
    fn private_tokens_are_ordinary_keys() {
        for key in [NUMBER, RAW] {
            for escaped in
                [key.to_owned(), key.replace('$', "\\u0024"), key.replace('v', "\\u0076")]
            {
                for value in ["\"abc\"", "\"1\"", "\"{}\"", "1", "{}", "[\"1\"]"] {
                    let text =
                        format!(r#"{{"a": [{{"{escaped}": {value}, "b": 1.50}}], "c": "x"}}"#);
                    let read = parse(&text).unwrap();
                    let value: Value = serde_json::from_str(value).unwrap();
                    assert_eq!(read["a"][0][key], value, "{text}");
                    assert_eq!(read["a"][0]["b"].to_string(), "1.50");
                    assert_eq!(read["c"], "x");
                }
            }
        }
    }

    #[test]
    fn numbers_keep_their_spelling() {
        let text =
            r#"{"a":[1E22,-2.50e-3,1.0E+07,1.50],"b":"1E5","c":{},"d":[],"e":null,"f":true}"#;
        assert_eq!(parse(text).unwrap().to_string(), text);
    }

    #[test]
    fn both_ways_accept_the_same_nesting() {
        for depth in [126, 127, 128, 129] {
            let plain = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            assert_eq!(read_plainly(&plain).is_ok(), read_exactly(&plain).is_ok(), "{depth}");
        }
    }

    #[test]
    fn nesting_is_limited_on_both_ways() {
        for suffix in ["", r#","\u0041""#] {
            let nested = |depth| format!("[{}{}{suffix}]", "[".repeat(depth), "]".repeat(depth));
            assert!(parse(&nested(100)).is_ok());
            let error = parse(&nested(200)).unwrap_err().to_string();
            assert!(error.contains("recursion limit"), "{error}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,4})?".prop_map(|number| number.parse().unwrap()),
            any::<String>().prop_map(Value::from),
        ];
        let key = prop_oneof![any::<String>(), Just(NUMBER.to_owned()), Just(RAW.to_owned())];
        scalar.prop_recursive(4, 24, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((key.clone(), inner), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_written_value_is_read_back(value in any_json()) {
            prop_assert_eq!(parse(&value.to_string()).unwrap(), value);
        }

        #[test]
        fn both_ways_agree(value in any_json(), junk in "[\\[\\]{},:\"0-]?", at in any::<prop::sample::Index>()) {
            let mut text = value.to_string();
            if !text.contains(PRIVATE_KEY) && text.is_ascii() {
                text.insert_str(at.index(text.len() + 1), &junk);
                let (plain, exact) = (read_plainly(&text), read_exactly(&text));
                prop_assert_eq!(plain.ok(), exact.ok(), "{}", text);
            }
        }

        #[test]
        fn texts_with_any_escapes_are_readable(units in prop::collection::vec(any::<u16>(), 0..8)) {
            let escapes: Vec<String> = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            let read = parse(&format!("\"{}\"", escapes.concat())).unwrap();
            prop_assert_eq!(read, json!(String::from_utf16_lossy(&units)));
        }
    }
}
