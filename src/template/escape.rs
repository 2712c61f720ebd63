//! Escaping of values for the place where they are used.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::error::TemplateErrorKind;
use super::xml_text::{escape_cdata, escape_xml};

/// How the values of one placeholder are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Not at all.
    Plain,
    /// Inside `depth` nested JSON strings. `bare` means outside quotes in the innermost JSON, so that the
    /// value must be a complete JSON value.
    Json { depth: usize, bare: bool },
    /// A value of `application/x-www-form-urlencoded`.
    Form,
    /// The same inside JSON within the value. See [`Encoding::Json`].
    FormJson { depth: usize, bare: bool },
    /// In the content of an XML element or in an attribute.
    Xml { in_attribute: bool },
    /// In a CDATA section, directly after `]` or not.
    XmlCData { after_bracket: bool },
    /// In a CSV body. The position in the output decides about quotes.
    Csv,
    /// A part of a header's value.
    Header,
    /// A part of a URL. The value cannot leave its path segment or parameter.
    Url,
}

/// Everything except the unreserved characters (RFC 3986, section 2.3).
const URL: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The `application/x-www-form-urlencoded` set (WHATWG URL, section 1.3), before a space becomes `+`.
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_');

impl Encoding {
    /// Whether a value must be a complete JSON value.
    pub(super) fn is_bare(self) -> bool {
        matches!(self, Self::Json { bare: true, .. } | Self::FormJson { bare: true, .. })
    }

    /// Escapes a text.
    pub(super) fn encode(self, text: &str) -> Result<Cow<'_, str>, TemplateErrorKind> {
        Ok(match self {
            Self::Json { depth, .. } => escape_json(text, depth),
            Self::Form => Cow::Owned(encode_form(text)),
            Self::FormJson { depth, .. } => Cow::Owned(encode_form(&escape_json(text, depth))),
            Self::Xml { in_attribute } => escape_xml(text, in_attribute),
            Self::XmlCData { after_bracket } => escape_cdata(text, after_bracket),
            // A tab is allowed (RFC 9110, section 5.5).
            Self::Header if text.contains(|c: char| c.is_control() && c != '\t') => {
                return Err(TemplateErrorKind::HeaderControl);
            }
            Self::Plain | Self::Header | Self::Csv => Cow::Borrowed(text),
            Self::Url => utf8_percent_encode(text, URL).into(),
        })
    }
}

fn encode_form(text: &str) -> String {
    // A % of the text is encoded too, so "%20" is always a space.
    utf8_percent_encode(text, FORM).map(|part| if part == "%20" { "+" } else { part }).collect()
}

fn needs_escape(c: char) -> bool {
    c < ' ' || c == '"' || c == '\\'
}

/// Returns a text as a JSON string, with quotes.
pub(super) fn quote_json(text: &str) -> String {
    format!("\"{}\"", escape_json(text, 1))
}

/// Escapes a text as JSON string content `depth` times over, in one pass.
fn escape_json(text: &str, depth: usize) -> Cow<'_, str> {
    if depth == 0 || !text.contains(needs_escape) {
        return Cow::Borrowed(text);
    }
    // Number of backslashes that one backslash of the first level becomes.
    let doubled = 1_usize << (depth - 1);
    let mut escaped = String::with_capacity(text.len() + text.len() / 8 + 16);
    let mut rest = text;
    while let Some((clean, from)) = rest.find(needs_escape).and_then(|at| rest.split_at_checked(at))
    {
        escaped.push_str(clean);
        let mut chars = from.chars();
        match chars.next() {
            Some('"') => {
                push_backslashes(&mut escaped, 2 * doubled - 1);
                escaped.push('"');
            }
            Some('\\') => push_backslashes(&mut escaped, 2 * doubled),
            Some(control) => {
                push_backslashes(&mut escaped, doubled);
                push_control(&mut escaped, control);
            }
            None => {}
        }
        rest = chars.as_str();
    }
    escaped.push_str(rest);
    Cow::Owned(escaped)
}

fn push_backslashes(escaped: &mut String, count: usize) {
    escaped.extend(std::iter::repeat_n('\\', count));
}

fn push_control(escaped: &mut String, control: char) {
    match control {
        '\n' => escaped.push('n'),
        '\r' => escaped.push('r'),
        '\t' => escaped.push('t'),
        '\u{8}' => escaped.push('b'),
        '\u{c}' => escaped.push('f'),
        other => {
            escaped.push_str("u00");
            let code = u32::from(other);
            escaped.extend(
                [code >> 4, code & 15].iter().filter_map(|digit| char::from_digit(*digit, 16)),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Escapes by repeated serialization.
    fn reference(text: &str, depth: usize) -> String {
        (0..depth).fold(text.to_owned(), |text, _| {
            let quoted = serde_json::to_string(&text).unwrap();
            quoted.get(1..quoted.len() - 1).unwrap().to_owned()
        })
    }

    proptest! {
        #[test]
        fn escaping_equals_repeated_serialization(text in "(?s).{0,40}|[\\x00-\\x7f]{0,40}", depth in 0_usize..6) {
            prop_assert_eq!(escape_json(&text, depth), reference(&text, depth));
        }

        #[test]
        fn an_encoded_url_part_contains_no_delimiter(text in "(?s).{0,40}") {
            let encoded = Encoding::Url.encode(&text).unwrap().into_owned();
            prop_assert!(!encoded.contains(['/', '?', '#', '&', '=', ' ', '\\', '@', ':']));
            let decoded = percent_encoding::percent_decode_str(&encoded).decode_utf8().unwrap().into_owned();
            prop_assert_eq!(decoded, text);
        }
    }

    #[test]
    fn form_values_are_encoded_and_header_values_checked() {
        assert_eq!(Encoding::Form.encode("a b+c&d=é%20").unwrap(), "a+b%2Bc%26d%3D%C3%A9%2520");
        assert_eq!(Encoding::Header.encode("Bearer a\"b\tc").unwrap(), "Bearer a\"b\tc");
        for bad in ["a\r\nX: y", "a\u{0}", "\u{7f}", "\u{85}"] {
            assert_eq!(Encoding::Header.encode(bad), Err(TemplateErrorKind::HeaderControl));
        }
    }
}
