//! Writes each log entry on one line, whatever the texts in it contain, so that no text can look like another entry.

use std::borrow::Cow;
use std::io::{self, Write};

use tracing_subscriber::fmt::MakeWriter;

/// Standard error, for entries on one line.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogLines;

impl<'a> MakeWriter<'a> for LogLines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        *self
    }
}

impl Write for LogLines {
    /// Writes one entry, which the formatter passes on as a whole.
    fn write(&mut self, entry: &[u8]) -> io::Result<usize> {
        io::stderr().lock().write_all(&on_one_line(entry))?;
        Ok(entry.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Escapes the line breaks of an entry, except for the one at its end.
fn on_one_line(entry: &[u8]) -> Cow<'_, [u8]> {
    let (text, end) = match entry.strip_suffix(b"\n") {
        Some(text) => (text, &b"\n"[..]),
        None => (entry, &b""[..]),
    };
    if !text.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
        return Cow::Borrowed(entry);
    }
    let escape = |byte: &u8| match byte {
        b'\n' => b"\\n".to_vec(),
        b'\r' => b"\\r".to_vec(),
        other => vec![*other],
    };
    Cow::Owned(text.iter().flat_map(escape).chain(end.iter().copied()).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_entry_has_one_line_whatever_it_contains(text in "(\\PC|[\n\r\t]){0,40}") {
            let entry = format!("{text}\n");
            let written = on_one_line(entry.as_bytes());
            let written = std::str::from_utf8(&written).unwrap();
            prop_assert_eq!(written.matches(['\n', '\r']).count(), 1);
            prop_assert!(written.ends_with('\n'));
            if !text.contains(['\n', '\r', '\\']) {
                prop_assert_eq!(written, entry.as_str());
            }
        }
    }
}
