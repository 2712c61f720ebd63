//! Decodes response bodies: content codings, then the character encoding.

use std::io::Read;

use encoding_rs::{Encoding, UTF_8};

/// Maximum content codings of a body. A server needs one.
const MAX_CODINGS: usize = 4;

/// Returns a body as text, and whether it is longer than `max` bytes. Gatepost asks for no coding, but some servers send
/// one anyway (RFC 9110, section 8.4). What cannot be decoded is returned as received.
pub(super) fn decode(headers: &[(String, String)], body: &[u8], max: usize) -> (String, bool) {
    let mut decoded = None;
    let mut truncated = false;
    for coding in codings(headers).into_iter().rev() {
        let input = decoded.as_deref().unwrap_or(body);
        match decompress(&coding, input, max) {
            Some((output, longer)) => {
                decoded = Some(output);
                truncated |= longer;
            }
            None => break,
        }
    }
    let bytes = decoded.as_deref().unwrap_or(body);
    // A charset has no effect on JSON (RFC 8259, section 11).
    let encoding = if is_utf8_json(bytes) { UTF_8 } else { charset(headers) };
    // Recognizes a byte order mark, and removes it.
    let (text, ..) = encoding.decode(bytes);
    (text.into_owned(), truncated)
}

/// The content codings in the order in which they were applied.
fn codings(headers: &[(String, String)]) -> Vec<String> {
    values(headers, "content-encoding")
        .flat_map(|value| value.split(','))
        .map(|coding| coding.trim().to_ascii_lowercase())
        .filter(|coding| !matches!(coding.as_str(), "" | "identity"))
        .take(MAX_CODINGS)
        .collect()
}

fn values<'h>(headers: &'h [(String, String)], name: &str) -> impl Iterator<Item = &'h str> {
    let matching = headers.iter().filter(move |(one, _)| one.eq_ignore_ascii_case(name));
    matching.map(|(_, value)| value.as_str())
}

/// Undoes one coding. Returns at most `max` bytes and whether there are more, or `None` if the input is invalid.
fn decompress(coding: &str, input: &[u8], max: usize) -> Option<(Vec<u8>, bool)> {
    match coding {
        "gzip" | "x-gzip" => read(flate2::read::MultiGzDecoder::new(input), max),
        // The name means zlib, but some servers send raw deflate (RFC 1951).
        "deflate" if is_zlib(input) => read(flate2::read::ZlibDecoder::new(input), max),
        "deflate" => read(flate2::read::DeflateDecoder::new(input), max),
        "br" if has_large_window(input) => None,
        "br" => read(brotli_decompressor::Decompressor::new(input, 4096), max),
        _ => None,
    }
}

/// Whether a Brotli stream asks for a window of up to 1 GiB, which RFC 7932, section 9.1, does not permit but the library
/// allocates.
fn has_large_window(input: &[u8]) -> bool {
    input.first().is_some_and(|first| first & 0x7f == 0x11)
}

/// Whether a text has the header of zlib (RFC 1950, section 2.2).
fn is_zlib(input: &[u8]) -> bool {
    matches!(input, [method, flags, ..] if method & 0x0f == 8
        && u16::from_be_bytes([*method, *flags]).is_multiple_of(31))
}

/// Reads up to `max` bytes. What was decoded before an error is kept: many servers add bytes after the end, or omit the
/// checksum.
fn read(decoder: impl Read, max: usize) -> Option<(Vec<u8>, bool)> {
    let mut output = Vec::new();
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    let ended = decoder.take(limit).read_to_end(&mut output);
    if ended.is_err() && output.is_empty() {
        return None;
    }
    let is_longer = output.len() > max;
    output.truncate(max);
    Some((output, is_longer))
}

fn is_utf8_json(bytes: &[u8]) -> bool {
    matches!(bytes.trim_ascii_start(), [b'{' | b'[', ..]) && std::str::from_utf8(bytes).is_ok()
}

/// The encoding in `charset` of `Content-Type` (RFC 9110, section 8.3.2), or UTF-8.
fn charset(headers: &[(String, String)]) -> &'static Encoding {
    let label = values(headers, "content-type")
        .flat_map(|value| value.split(';').skip(1))
        .find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
        });
    label.and_then(|label| Encoding::for_label(label.as_bytes())).unwrap_or(UTF_8)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use proptest::prelude::*;

    use super::*;

    const MAX: usize = 1000;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn raw_deflate(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn coded(coding: &str, body: &[u8]) -> (String, bool) {
        decode(&[("content-encoding".to_owned(), coding.to_owned())], body, MAX)
    }

    fn typed(content_type: &str, body: &[u8]) -> String {
        decode(&[("Content-Type".to_owned(), content_type.to_owned())], body, MAX).0
    }

    #[test]
    fn all_names_of_a_coding_are_known() {
        let text = b"{\"success\": true}";
        let expected = ("{\"success\": true}".to_owned(), false);
        for name in ["gzip", "x-gzip", "GZIP", " gzip ", "identity, gzip"] {
            assert_eq!(coded(name, &gzip(text)), expected, "{name}");
        }
        for deflated in [zlib(text), raw_deflate(text)] {
            assert_eq!(coded("deflate", &deflated), expected);
        }
        assert_eq!(coded("deflate, gzip", &gzip(&zlib(text))), expected);
        assert_eq!(coded("identity", text), expected);
    }

    #[test]
    fn a_wrong_or_unknown_coding_leaves_the_body_as_it_is() {
        for name in ["gzip", "br", "zstd", "gzip, zstd"] {
            assert_eq!(coded(name, b"{}").0, "{}", "{name}");
        }
        assert_eq!(coded("deflate", b"plain text").0, "plain text");
    }

    #[test]
    fn bytes_after_the_end_and_a_missing_checksum_do_not_matter() {
        let whole = gzip(b"{\"success\": true}");
        let with_end = |end: &[u8]| [whole.as_slice(), end].concat();
        for body in [with_end(b"\r\n"), with_end(&[0; 8]), whole[..whole.len() - 8].to_vec()] {
            assert_eq!(coded("gzip", &body).0, "{\"success\": true}");
        }
    }

    #[test]
    fn a_brotli_window_that_the_standard_does_not_permit_is_not_allocated() {
        let params = brotli::enc::BrotliEncoderParams {
            large_window: true,
            lgwin: 30,
            ..brotli::enc::BrotliEncoderParams::default()
        };
        let mut encoded = Vec::new();
        brotli::BrotliCompress(&mut &b"{}"[..], &mut encoded, &params).unwrap();
        assert_ne!(coded("br", &encoded).0, "{}");
        let params = brotli::enc::BrotliEncoderParams::default();
        encoded.clear();
        brotli::BrotliCompress(&mut &b"{}"[..], &mut encoded, &params).unwrap();
        assert_eq!(coded("br", &encoded).0, "{}");
    }

    #[test]
    fn a_bomb_is_cut() {
        let bomb = gzip(&vec![b'x'; 10 * 1024 * 1024]);
        assert_eq!(coded("gzip", &bomb), ("x".repeat(MAX), true));
        assert_eq!(coded("gzip, gzip", &gzip(&bomb)).0.len(), MAX);
    }

    #[test]
    fn the_character_encoding_is_recognized() {
        assert_eq!(typed("application/json", b"\xef\xbb\xbf{}"), "{}");
        assert_eq!(typed("text/plain; charset=iso-8859-1", b"caf\xe9"), "café");
        assert_eq!(typed("text/plain; Charset=\"UTF-16LE\"", b"a\0b\0"), "ab");
        assert_eq!(typed("application/json", b"\xff\xfe{\0}\0"), "{}");
        assert_eq!(typed("application/json; charset=utf-16", b"{\"a\": 1}"), "{\"a\": 1}");
        assert_eq!(typed("application/json; charset=iso-2022-kr", b"[1]"), "[1]");
        assert_eq!(typed("text/plain; charset=klingon", "ä".as_bytes()), "ä");
        assert_eq!(typed("text/plain", b"a\xffb"), "a\u{fffd}b");
    }

    proptest! {
        #[test]
        fn any_coded_text_is_decoded(text in ".{0,50}") {
            let expected = text.strip_prefix('\u{feff}').unwrap_or(&text);
            for (coding, body) in [("gzip", gzip(text.as_bytes())), ("deflate", zlib(text.as_bytes()))] {
                let (decoded, truncated) = coded(coding, &body);
                prop_assert_eq!(&decoded, expected);
                prop_assert!(!truncated);
            }
        }

        #[test]
        fn any_bytes_are_decoded_without_panic(
            coding in "(gzip|deflate|br|x)(, ?(gzip|br))?", kind in "text/plain; ?(charset=[\"a-z0-9-]{0,12})?",
            body in prop::collection::vec(any::<u8>(), 0..200)
        ) {
            let headers = [("content-encoding", coding), ("content-type", kind)];
            let (text, _) = decode(&headers.map(|(name, value)| (name.to_owned(), value)), &body, MAX);
            prop_assert!(text.len() <= 3 * MAX);
        }
    }
}
