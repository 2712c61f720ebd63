//! The output of a rendering.

use std::fmt;
use std::ops::Range;

use serde_json::Number;
use zeroize::Zeroizing;

use super::csv::CsvPlace;
use super::error::{TemplateError, TemplateErrorKind as Kind};
use super::escape::{Encoding, quote_json};
use super::limits::MAX_OUTPUT_BYTES;
use super::position::Position;

/// Longest text that is escaped at once, in bytes. Escaping can multiply it by 64 before the length of the
/// output is checked.
const CHUNK_BYTES: usize = 4096;

/// A rendered template.
#[derive(Clone, PartialEq, Eq)]
pub struct RenderedText {
    /// The text to send.
    pub text: String,
    /// The text to record, with the labels of secrets in place of their values. `None` if there are no secrets.
    pub record: Option<String>,
}

impl fmt::Debug for RenderedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.record.as_ref().unwrap_or(&self.text);
        f.debug_tuple("RenderedText").field(shown).finish()
    }
}

/// A secret in the output.
struct SecretSpan {
    range: Range<usize>,
    label: String,
}

/// The text that was rendered so far.
pub(super) struct Output {
    text: String,
    /// The secrets in the text, in order.
    secrets: Vec<SecretSpan>,
    /// The position in a CSV body, which depends on the output and not only on the template.
    csv: Option<CsvPlace>,
    /// Position of the last value in the template.
    last_value: Position,
}

impl Output {
    /// An empty output with an initial capacity, in bytes.
    pub(super) fn new(capacity: usize, is_csv: bool) -> Self {
        Self {
            text: String::with_capacity(capacity),
            secrets: Vec::new(),
            csv: is_csv.then(CsvPlace::default),
            last_value: Position::START,
        }
    }

    /// Returns the text.
    pub(super) fn finish(self) -> RenderedText {
        let record = (!self.secrets.is_empty()).then(|| self.record());
        RenderedText { text: self.text, record }
    }

    fn record(&self) -> String {
        let mut record = String::with_capacity(self.text.len());
        let mut at = 0;
        for SecretSpan { range, label } in &self.secrets {
            record.push_str(self.text.get(at..range.start).unwrap_or_default());
            record.push_str(label);
            at = range.end;
        }
        record.push_str(self.text.get(at..).unwrap_or_default());
        record
    }

    /// Escapes a secret and writes it. The record has its label instead.
    pub(super) fn secret(
        &mut self,
        secret: &str,
        label: &str,
        encoding: Encoding,
        at: Position,
    ) -> Result<(), TemplateError> {
        let start = self.text.len();
        let label = if encoding.is_bare() {
            // A number stays a number. Anything else becomes a string.
            if serde_json::from_str::<Number>(secret).is_ok() {
                self.value(secret, encoding, at)?;
            } else {
                self.value(&Zeroizing::new(quote_json(secret)), encoding, at)?;
            }
            quote_json(label)
        } else {
            self.value(secret, encoding, at)?;
            label.to_owned()
        };
        self.secrets.push(SecretSpan { range: start..self.text.len(), label });
        Ok(())
    }

    /// Writes text of the template.
    #[inline]
    pub(super) fn literal(&mut self, text: &str) -> Result<(), TemplateError> {
        if let Some(csv) = &mut self.csv {
            csv.feed(text).map_err(|kind| kind.at(self.last_value))?;
        }
        self.push(text).map_err(|kind| kind.at(self.last_value))
    }

    /// Escapes a value and writes it.
    #[inline]
    pub(super) fn value(
        &mut self,
        text: &str,
        encoding: Encoding,
        at: Position,
    ) -> Result<(), TemplateError> {
        self.last_value = at;
        match &mut self.csv {
            Some(csv) => csv.value(text).and_then(|field| self.push(&field)),
            None => self.chunks(text, encoding),
        }
        .map_err(|kind| kind.at(at))
    }

    /// Writes a value in parts, so that an output that is too long is detected early.
    fn chunks(&mut self, text: &str, encoding: Encoding) -> Result<(), Kind> {
        if text.len() <= CHUNK_BYTES {
            return self.push(&encoding.encode(text)?);
        }
        let mut rest = text;
        loop {
            let (chunk, after) = rest.split_at(rest.floor_char_boundary(CHUNK_BYTES));
            self.push(&encoding.encode(chunk)?)?;
            if after.is_empty() {
                return Ok(());
            }
            rest = after;
        }
    }

    #[inline]
    fn push(&mut self, text: &str) -> Result<(), Kind> {
        if self.text.len() + text.len() > MAX_OUTPUT_BYTES {
            return Err(Kind::OutputTooLong);
        }
        self.text.push_str(text);
        Ok(())
    }
}
