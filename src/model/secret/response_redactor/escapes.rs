//! Decoding of JSON escapes, percent-encoding and HTML entities.

use super::decoded::Decoded;
use super::entities;

/// Decodes the escapes of JSON and JavaScript strings.
pub(super) fn json(source: &[u8]) -> Option<Decoded> {
    decode(source, b'\\', |rest| {
        let (c, length) = match rest.get(1)? {
            b'n' => ('\n', 2),
            b'r' => ('\r', 2),
            b't' => ('\t', 2),
            b'b' => ('\u{8}', 2),
            b'f' => ('\u{c}', 2),
            b'v' => ('\u{b}', 2),
            b'u' => unicode(rest)?,
            b'x' => (char::from_u32(number(rest.get(2..4)?)?)?, 4),
            b'U' => (char::from_u32(number(rest.get(2..10)?)?)?, 10),
            sign if sign.is_ascii_punctuation() || *sign == b' ' => (char::from(*sign), 2),
            _ => return None,
        };
        Some((Unit::Character(c), length))
    })
}

/// Decodes percent-encoding, and `%uXXXX` of JavaScript.
pub(super) fn percent(source: &[u8]) -> Option<Decoded> {
    decode(source, b'%', |rest| {
        if let Some(byte) = rest.get(1..3).and_then(number) {
            return Some((Unit::Byte(u8::try_from(byte).ok()?), 3));
        }
        let digits = rest.strip_prefix(b"%u").and_then(|rest| rest.get(..4))?;
        Some((Unit::Character(char::from_u32(number(digits)?)?), 6))
    })
}

/// Decodes HTML entities.
pub(super) fn html(source: &[u8]) -> Option<Decoded> {
    decode(source, b'&', |rest| {
        let (c, length) = entities::read(rest)?;
        Some((Unit::Character(c), length))
    })
}

/// What an escape stands for.
enum Unit {
    Byte(u8),
    Character(char),
}

/// Decodes the escapes that start with `sign`, of which `read` returns the meaning and the length. Returns `None` if
/// there are none.
fn decode(
    source: &[u8],
    sign: u8,
    read: impl Fn(&[u8]) -> Option<(Unit, usize)>,
) -> Option<Decoded> {
    let mut decoded = Decoded::default();
    let mut at = 0;
    while let Some(found) = source.get(at..)?.iter().position(|byte| *byte == sign) {
        let start = at + found;
        let Some((unit, length)) = read(source.get(start..)?) else {
            at = start + 1;
            continue;
        };
        decoded.copy_to(source, start);
        at = start + length;
        match unit {
            Unit::Byte(byte) => decoded.push(&[byte], start..at),
            Unit::Character(c) => decoded.push(c.encode_utf8(&mut [0; 4]).as_bytes(), start..at),
        }
    }
    decoded.copy_to(source, source.len());
    decoded.is_changed().then_some(decoded)
}

/// Reads `\uXXXX`, a pair of surrogates, or `\u{X}`.
fn unicode(rest: &[u8]) -> Option<(char, usize)> {
    if rest.get(2) == Some(&b'{') {
        let end = rest.iter().take(11).position(|byte| *byte == b'}')?;
        return Some((char::from_u32(number(rest.get(3..end)?)?)?, end + 1));
    }
    let high = number(rest.get(2..6)?)?;
    if let Some(c) = char::from_u32(high) {
        return Some((c, 6));
    }
    let low =
        rest.get(6..)?.strip_prefix(b"\\u").and_then(|rest| rest.get(..4)).and_then(number)?;
    let is_pair = (0xd800..0xdc00).contains(&high) && (0xdc00..0xe000).contains(&low);
    let code = is_pair.then(|| 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))?;
    Some((char::from_u32(code)?, 12))
}

/// Reads hex digits in either case.
fn number(digits: &[u8]) -> Option<u32> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let add = |number: u32, byte: &u8| Some(number.checked_mul(16)? + digit(byte)?);
    if digits.is_empty() { None } else { digits.iter().try_fold(0, add) }
}

/// The start of an escape that is cut off at the end of a text.
pub(super) fn cut_escape(bytes: &[u8]) -> Option<usize> {
    /// Longest escape without its last character.
    const MAX_BYTES: usize = 11;
    let from = bytes.len().saturating_sub(MAX_BYTES);
    let end = bytes.get(from..)?;
    let start = end.iter().rposition(|byte| matches!(byte, b'\\' | b'%' | b'&'))?;
    let start = match end.get(..start) {
        // The second of two surrogates.
        Some(before) => before
            .iter()
            .rposition(|byte| *byte == b'\\')
            .filter(|first| {
                start - first == 6
                    && end
                        .get(*first..*first + 3)
                        .is_some_and(|it| it.eq_ignore_ascii_case(b"\\ud"))
            })
            .unwrap_or(start),
        None => start,
    };
    Some(from + start)
}
