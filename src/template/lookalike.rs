//! Characters that look like others or like nothing: spaces that are no spaces, invisible characters and
//! typographic quotes. Word processors and chat programs insert them, and a name that contains one is never
//! the name of the field that was meant.

use super::error::TemplateErrorKind as Kind;

const SPACE: &str = "write a plain space";
const NOTHING: &str = "remove it";
const QUOTE: &str = "write ' or \"";

/// First and last code point, Unicode name and correction. The first match applies.
const LOOKALIKES: &[(char, char, &str, &str)] = &[
    ('\u{b}', '\u{b}', "line tabulation", SPACE),
    ('\u{c}', '\u{c}', "form feed", SPACE),
    ('\u{0}', '\u{8}', "control character", NOTHING),
    ('\u{e}', '\u{1f}', "control character", NOTHING),
    ('\u{7f}', '\u{84}', "control character", NOTHING),
    ('\u{85}', '\u{85}', "next line", SPACE),
    ('\u{86}', '\u{9f}', "control character", NOTHING),
    ('\u{a0}', '\u{a0}', "no-break space", SPACE),
    ('\u{ad}', '\u{ad}', "soft hyphen", NOTHING),
    ('\u{34f}', '\u{34f}', "combining grapheme joiner", NOTHING),
    ('\u{61c}', '\u{61c}', "Arabic letter mark", NOTHING),
    ('\u{115f}', '\u{1160}', "Hangul filler", NOTHING),
    ('\u{1680}', '\u{1680}', "Ogham space mark", SPACE),
    ('\u{17b4}', '\u{17b5}', "invisible character", NOTHING),
    ('\u{180b}', '\u{180f}', "invisible character", NOTHING),
    ('\u{2002}', '\u{2002}', "en space", SPACE),
    ('\u{2003}', '\u{2003}', "em space", SPACE),
    ('\u{2009}', '\u{2009}', "thin space", SPACE),
    ('\u{2000}', '\u{200a}', "typographic space", SPACE),
    ('\u{200b}', '\u{200b}', "zero width space", NOTHING),
    ('\u{200c}', '\u{200c}', "zero width non-joiner", NOTHING),
    ('\u{200d}', '\u{200d}', "zero width joiner", NOTHING),
    ('\u{200e}', '\u{200e}', "left-to-right mark", NOTHING),
    ('\u{200f}', '\u{200f}', "right-to-left mark", NOTHING),
    ('\u{2028}', '\u{2028}', "line separator", SPACE),
    ('\u{2029}', '\u{2029}', "paragraph separator", SPACE),
    ('\u{202a}', '\u{202e}', "mark of the text direction", NOTHING),
    ('\u{202f}', '\u{202f}', "narrow no-break space", SPACE),
    ('\u{205f}', '\u{205f}', "mathematical space", SPACE),
    ('\u{2060}', '\u{2060}', "word joiner", NOTHING),
    ('\u{2066}', '\u{2069}', "mark of the text direction", NOTHING),
    ('\u{2061}', '\u{206f}', "invisible character", NOTHING),
    ('\u{2800}', '\u{2800}', "blank Braille pattern", SPACE),
    ('\u{3000}', '\u{3000}', "ideographic space", SPACE),
    ('\u{3164}', '\u{3164}', "Hangul filler", NOTHING),
    ('\u{fe00}', '\u{fe0f}', "variation selector", NOTHING),
    ('\u{feff}', '\u{feff}', "byte order mark", NOTHING),
    ('\u{ffa0}', '\u{ffa0}', "Hangul filler", NOTHING),
    ('\u{fff9}', '\u{fffb}', "invisible character", NOTHING),
    ('\u{1bca0}', '\u{1bca3}', "invisible character", NOTHING),
    ('\u{1d173}', '\u{1d17a}', "invisible character", NOTHING),
    ('\u{e0000}', '\u{e0fff}', "invisible character", NOTHING),
    ('“', '“', "left double quotation mark", QUOTE),
    ('”', '”', "right double quotation mark", QUOTE),
    ('„', '„', "double low-9 quotation mark", QUOTE),
    ('‟', '‟', "double high-reversed-9 quotation mark", QUOTE),
    ('‘', '‘', "left single quotation mark", QUOTE),
    ('’', '’', "right single quotation mark", QUOTE),
    ('‚', '‚', "single low-9 quotation mark", QUOTE),
    ('‛', '‛', "single high-reversed-9 quotation mark", QUOTE),
    ('«', '«', "left-pointing double angle quotation mark", QUOTE),
    ('»', '»', "right-pointing double angle quotation mark", QUOTE),
    ('‹', '‹', "single left-pointing angle quotation mark", QUOTE),
    ('›', '›', "single right-pointing angle quotation mark", QUOTE),
    ('″', '″', "double prime", QUOTE),
    ('′', '′', "prime", QUOTE),
    ('´', '´', "acute accent", QUOTE),
    ('`', '`', "grave accent", QUOTE),
    ('〝', '〟', "double prime quotation mark", QUOTE),
    ('＂', '＂', "fullwidth quotation mark", QUOTE),
    ('＇', '＇', "fullwidth apostrophe", QUOTE),
];

/// Checks a character of a placeholder, outside of quoted texts and brackets.
pub(super) fn check(c: char) -> Result<(), Kind> {
    let found = LOOKALIKES.iter().find(|(first, last, ..)| (*first..=*last).contains(&c));
    let Some((_, _, name, correction)) = found else { return Ok(()) };
    // The others would not be visible in the message.
    let shown = if *correction == QUOTE { format!(" {c}") } else { String::new() };
    let code = u32::from(c);
    let character = format!("{name}{shown} (U+{code:04X})");
    Err(Kind::Lookalike { character, correction })
}

/// Makes characters visible that are not.
pub(super) fn visible(text: &str) -> String {
    let is_hidden =
        |c| matches!(check(c), Err(Kind::Lookalike { correction, .. }) if correction != QUOTE);
    text.chars()
        .map(|c| if is_hidden(c) { format!("\\u{{{:04X}}}", u32::from(c)) } else { c.to_string() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_that_looks_like_a_space_is_known() {
        for c in (0..=0x0010_ffff).filter_map(char::from_u32) {
            if (c.is_whitespace() || c.is_control()) && !" \t\r\n".contains(c) {
                assert!(check(c).is_err(), "{c:?}");
            }
            if c.is_ascii_graphic() && c != '`' || " \t\r\n".contains(c) || c.is_numeric() {
                assert!(check(c).is_ok(), "{c:?}");
            }
        }
    }

    #[test]
    fn hidden_characters_are_made_visible() {
        assert_eq!(visible("friendly_id\u{a0}"), "friendly_id\\u{00A0}");
        assert_eq!(visible("ticket é 🎫"), "ticket é 🎫");
    }
}
