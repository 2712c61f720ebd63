//! Escaping of text for XML.

use std::borrow::Cow;

/// Escapes a text for the content of an element or for a quoted attribute. Characters that XML 1.0 cannot
/// contain (section 2.2) are replaced by U+FFFD.
pub(super) fn escape_xml(text: &str, in_attribute: bool) -> Cow<'_, str> {
    let reference = |c| reference(c, in_attribute);
    if !text.contains(|c| reference(c).is_some()) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + text.len() / 8 + 16);
    for c in text.chars() {
        match reference(c) {
            Some(reference) => escaped.push_str(reference),
            None => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

/// Escapes a text for a CDATA section. A text with special characters is put between two sections, and so is
/// one after `]`, because the texts around it could form the end of the section.
pub(super) fn escape_cdata(text: &str, after_bracket: bool) -> Cow<'_, str> {
    match escape_xml(text, false) {
        Cow::Borrowed(plain) if !after_bracket && !plain.contains(']') => Cow::Borrowed(plain),
        Cow::Borrowed(text) => Cow::Owned(format!("]]>{text}<![CDATA[")),
        Cow::Owned(text) => Cow::Owned(format!("]]>{text}<![CDATA[")),
    }
}

/// The reference for a character. Parsers replace a carriage return, and white space in an attribute
/// (sections 2.11 and 3.3.3).
fn reference(c: char, in_attribute: bool) -> Option<&'static str> {
    match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        '\'' => Some("&apos;"),
        '\r' => Some("&#13;"),
        '\n' if in_attribute => Some("&#10;"),
        '\t' if in_attribute => Some("&#9;"),
        '\n' | '\t' => None,
        '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => Some("\u{fffd}"),
        _ => None,
    }
}
