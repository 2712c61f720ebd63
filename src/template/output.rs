//! The output of a rendering.

use super::csv::CsvPlace;
use super::error::{TemplateError, TemplateErrorKind as Kind};
use super::escape::Encoding;
use super::limits::MAX_OUTPUT_BYTES;
use super::position::Position;

/// Longest text that is escaped at once, in bytes. Escaping can multiply it by 64 before the length of the
/// output is checked.
const CHUNK_BYTES: usize = 4096;

/// The text that was rendered so far.
#[derive(Debug)]
pub(super) struct Output {
    text: String,
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
            csv: is_csv.then(CsvPlace::default),
            last_value: Position::START,
        }
    }

    /// Returns the text.
    pub(super) fn finish(self) -> String {
        self.text
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
