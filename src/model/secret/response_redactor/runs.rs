//! Decoding of base64 and hex.

use std::ops::Range;

use super::decoded::Decoded;

/// Shortest run of base64 that is decoded, in characters: that of 8 bytes.
const MIN_BASE64_CHARS: usize = 11;
/// Shortest run of hex digits that is decoded: that of 8 bytes.
const MIN_HEX_CHARS: usize = 16;
/// Shortest text that is kept of a decoded run, in bytes.
const MIN_TEXT_BYTES: usize = 4;
/// Separates decoded texts. It occurs in no text.
const SEPARATOR: u8 = 0xff;

/// Whether a text has a run that could be base64 or hex.
pub(super) fn has_runs(source: &[u8]) -> bool {
    let mut length = 0;
    source.iter().any(|byte| {
        length = if base64_digit(*byte).is_some() { length + 1 } else { 0 };
        length >= MIN_BASE64_CHARS
    })
}

/// Decodes the texts in base64 or base64url, at each alignment, because a run may start before them. The texts
/// between the runs are left out.
pub(super) fn base64(source: &[u8]) -> Option<Decoded> {
    let mut decoded = Decoded::default();
    for run in runs(source, MIN_BASE64_CHARS, |byte| base64_digit(byte).is_some()) {
        for lead in 0..4 {
            let start = run.start + lead;
            let digits = source.get(start..run.end).unwrap_or_default();
            let mut bytes = Vec::with_capacity(digits.len());
            for group in digits.chunks(4) {
                let values = group.iter().map(|byte| base64_digit(*byte).unwrap_or_default());
                let bits = values.fold(0_u32, |bits, value| bits << 6 | u32::from(value));
                let bits = bits << (6 * (4 - group.len()));
                let [_, first, second, third] = bits.to_be_bytes();
                bytes.extend([first, second, third].iter().take(group.len().saturating_sub(1)));
            }
            add_texts(&mut decoded, &bytes, start, (3, 4), run.end);
        }
    }
    decoded.is_changed().then_some(decoded)
}

/// Decodes the texts in hex.
pub(super) fn hex(source: &[u8]) -> Option<Decoded> {
    let mut decoded = Decoded::default();
    for run in runs(source, MIN_HEX_CHARS, |byte| byte.is_ascii_hexdigit()) {
        for lead in 0..2 {
            let start = run.start + lead;
            let digits = source.get(start..run.end).unwrap_or_default();
            let value = |byte: &u8| char::from(*byte).to_digit(16).unwrap_or_default();
            let byte = |pair: &[u8]| match pair {
                [high, low] => u8::try_from(value(high) * 16 + value(low)).ok(),
                _ => None,
            };
            let bytes: Vec<u8> = digits.chunks(2).filter_map(byte).collect();
            add_texts(&mut decoded, &bytes, start, (1, 2), run.end);
        }
    }
    decoded.is_changed().then_some(decoded)
}

/// Adds the texts in decoded bytes, of which each `group.0` stand for `group.1` characters of the source.
fn add_texts(decoded: &mut Decoded, bytes: &[u8], start: usize, group: (usize, usize), end: usize) {
    let mut at = 0;
    for chunk in bytes.utf8_chunks() {
        let range = at..at + chunk.valid().len();
        at = range.end + chunk.invalid().len();
        if range.len() < MIN_TEXT_BYTES {
            continue;
        }
        let mut from = range.start;
        while from < range.end {
            let number = from / group.0;
            let to = ((number + 1) * group.0).min(range.end);
            let source = start + number * group.1;
            let bytes = bytes.get(from..to).unwrap_or_default();
            decoded.push(bytes, source..(source + group.1).min(end));
            from = to;
        }
        decoded.push(&[SEPARATOR], end..end);
    }
}

/// Returns the runs of digits.
fn runs(
    source: &[u8],
    min: usize,
    is_digit: impl Fn(u8) -> bool,
) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    let is_other = move |byte: &u8| !is_digit(*byte);
    let parts = source.split(is_other).map(move |run| {
        let start = at;
        at += run.len() + 1;
        start..start + run.len()
    });
    parts.filter(move |run| run.len() >= min)
}

/// The value of a digit of base64 or base64url.
fn base64_digit(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}
