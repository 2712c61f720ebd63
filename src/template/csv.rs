//! CSV bodies (RFC 4180): a value is a whole field, or is inside the quotes of one.

use std::borrow::Cow;

use super::error::TemplateErrorKind as Kind;

/// A position in the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum CsvPlace {
    #[default]
    FieldStart,
    Unquoted,
    Quoted,
    /// After a quote inside quotes, which ends the field or is the first of two.
    Quote,
    /// After a field that is a value.
    AfterValue,
}

impl CsvPlace {
    /// Reads literal text.
    pub(super) fn feed(&mut self, text: &str) -> Result<(), Kind> {
        for c in text.chars() {
            *self = match (*self, c) {
                (Self::Quoted, '"') => Self::Quote,
                (Self::Quoted, _) | (Self::FieldStart | Self::Quote, '"') => Self::Quoted,
                (_, ',' | ';' | '\t' | '\r' | '\n') => Self::FieldStart,
                (Self::AfterValue, _) => return Err(Kind::CsvPart),
                (Self::FieldStart | Self::Unquoted | Self::Quote, _) => Self::Unquoted,
            };
        }
        Ok(())
    }

    /// Escapes a value at this position.
    pub(super) fn value(&mut self, text: &str) -> Result<String, Kind> {
        match self {
            Self::Quoted => Ok(text.replace('"', "\"\"")),
            Self::FieldStart => {
                *self = Self::AfterValue;
                Ok(field(text).into_owned())
            }
            Self::Unquoted | Self::Quote | Self::AfterValue => Err(Kind::CsvPart),
        }
    }
}

/// A text as a field, in quotes where a program could read it differently without them.
pub(super) fn field(text: &str) -> Cow<'_, str> {
    // A byte order mark at the start of a file is not read.
    let is_special = |c: char| matches!(c, '"' | ',' | ';' | '|' | '\u{feff}') || c.is_control();
    let is_plain = text.trim() == text && !text.is_empty() && !text.contains(is_special);
    if is_plain {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("\"{}\"", text.replace('"', "\"\"")))
}

/// Puts `'` before a text that a spreadsheet would run as a formula.
pub(super) fn without_formula(text: Cow<'_, str>) -> Cow<'_, str> {
    let starts = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    if text.starts_with(starts) { Cow::Owned(format!("'{text}")) } else { text }
}
