//! Decoding of the texts around a credential, so that its value is found as the template engine would escape
//! it again.

use super::view::View;

impl View {
    /// Decodes the content of a JSON string. Unknown escapes stand for their character.
    pub(super) fn decode_json(&self) -> Self {
        let mut characters = self.characters();
        let mut decoded = Vec::with_capacity(self.text().len());
        while let Some((c, start)) = characters.next() {
            if c != '\\' {
                decoded.push((c, start));
                continue;
            }
            let Some((escape, _)) = characters.next() else { break };
            let c = match escape {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'b' => '\u{8}',
                'f' => '\u{c}',
                'u' => unicode_escape(&mut characters),
                other => other,
            };
            decoded.push((c, start));
        }
        self.decoded(decoded.into_iter())
    }

    /// Decodes percent-encoding, and `+` if it stands for a space. Invalid UTF-8 becomes U+FFFD.
    pub(super) fn decode_percent(&self, plus_is_space: bool) -> Self {
        let mut bytes = self.bytes().peekable();
        let mut decoded: Vec<(u8, usize)> = Vec::with_capacity(self.text().len());
        let text = self.text().as_bytes();
        let mut at = 0;
        while let Some((byte, start)) = bytes.next() {
            at += 1;
            let hex = |offset: usize| {
                text.get(at + offset).and_then(|byte| char::from(*byte).to_digit(16))
            };
            match (byte, hex(0), hex(1)) {
                (b'%', Some(high), Some(low)) => {
                    decoded.push((u8::try_from(high * 16 + low).unwrap_or_default(), start));
                    bytes.nth(1);
                    at += 2;
                }
                (b'+', _, _) if plus_is_space => decoded.push((b' ', start)),
                _ => decoded.push((byte, start)),
            }
        }
        let raw: Vec<u8> = decoded.iter().map(|(byte, _)| *byte).collect();
        let mut characters = Vec::with_capacity(raw.len());
        let mut at = 0;
        let start_of = |at: usize| decoded.get(at).map_or(0, |(_, start)| *start);
        for chunk in raw.utf8_chunks() {
            let valid = chunk.valid().char_indices();
            characters.extend(valid.map(|(offset, c)| (c, start_of(at + offset))));
            at += chunk.valid().len();
            if !chunk.invalid().is_empty() {
                characters.push((char::REPLACEMENT_CHARACTER, start_of(at)));
            }
            at += chunk.invalid().len();
        }
        self.decoded(characters.into_iter())
    }

    /// Decodes the references of XML (XML 1.0, section 4.1). Unknown ones stay.
    pub(super) fn decode_xml(&self) -> Self {
        let mut characters = self.characters();
        let mut decoded = Vec::with_capacity(self.text().len());
        while let Some((c, start)) = characters.next() {
            let reference = (c == '&').then(|| xml_reference(characters.clone())).flatten();
            if let Some((_, length)) = reference {
                characters.nth(length - 1);
            }
            decoded.push((reference.map_or(c, |(c, _)| c), start));
        }
        self.decoded(decoded.into_iter())
    }

    /// Decodes the doubled quotes of a quoted CSV field.
    pub(super) fn decode_csv(&self) -> Self {
        let mut characters = self.characters().peekable();
        let mut decoded = Vec::with_capacity(self.text().len());
        while let Some((c, start)) = characters.next() {
            if c == '"' {
                characters.next_if(|(next, _)| *next == '"');
            }
            decoded.push((c, start));
        }
        self.decoded(decoded.into_iter())
    }
}

/// Reads what follows `\u`. A pair of surrogates is one character, a lone one becomes U+FFFD.
fn unicode_escape(characters: &mut (impl Iterator<Item = (char, usize)> + Clone)) -> char {
    let Some(unit) = hex_digits(characters) else { return char::REPLACEMENT_CHARACTER };
    if (0xd800..0xdc00).contains(&unit) {
        let mut ahead = characters.clone();
        let is_escape = ahead.next().is_some_and(|(c, _)| c == '\\')
            && ahead.next().is_some_and(|(c, _)| c == 'u');
        if is_escape
            && let Some(low) = hex_digits(&mut ahead)
            && (0xdc00..0xe000).contains(&low)
        {
            *characters = ahead;
            let code = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
            return char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        }
    }
    char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Reads four hex digits. Reads nothing if there are fewer.
fn hex_digits(characters: &mut (impl Iterator<Item = (char, usize)> + Clone)) -> Option<u32> {
    let mut ahead = characters.clone();
    let mut value = 0;
    for _ in 0..4 {
        value = value * 16 + ahead.next()?.0.to_digit(16)?;
    }
    *characters = ahead;
    Some(value)
}

/// Longest reference without `&`, in characters.
const MAX_REFERENCE_CHARS: usize = 12;

/// Reads the reference after `&`. Returns its character and its length without `&`, in characters.
fn xml_reference(characters: impl Iterator<Item = (char, usize)>) -> Option<(char, usize)> {
    let ahead: String = characters.map(|(c, _)| c).take(MAX_REFERENCE_CHARS).collect();
    let (name, _) = ahead.split_once(';')?;
    let code = name.strip_prefix('#').and_then(|number| match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => number.parse().ok(),
    });
    let c = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => char::from_u32(code?)?,
    };
    Some((c, name.chars().count() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_are_decoded() {
        let view = |text: &str| View::of_text(text);
        assert_eq!(
            view(r#"a\"\/\u00e9\ud83d\ude00\n\ud800x"#).decode_json().text(),
            "a\"/é😀\n\u{fffd}x"
        );
        assert_eq!(view("a%2Bb+%C3%A9%%zz%ff").decode_percent(true).text(), "a+b é%%zz\u{fffd}");
        assert_eq!(view("a+b").decode_percent(false).text(), "a+b");
        assert_eq!(view("&lt;a&#65;&#x42;&quot;&x;&").decode_xml().text(), "<aAB\"&x;&");
        assert_eq!(view("a\"\"b").decode_csv().text(), "a\"b");
    }

    proptest! {
        /// Each part of a decoded text is decoded from its source.
        #[test]
        fn decoding_keeps_the_positions(text in "(?s)([\\\\\"%&+a-f0-9u;#x]|.){0,40}") {
            for decode in [View::decode_json, View::decode_xml, View::decode_csv, |view: &View| view.decode_percent(true)] {
                let view = decode(&View::of_text(&text));
                prop_assert!(text.get(view.source(&(0..view.text().len()))).is_some());
                for (at, c) in view.text().char_indices() {
                    let source = view.source(&(at..at + c.len_utf8()));
                    let source = text.get(source).unwrap();
                    let decoded = decode(&View::of_text(source));
                    prop_assert!(decoded.text().starts_with(c) || c == '\u{fffd}', "{:?} {:?}", source, c);
                }
            }
        }
    }
}
