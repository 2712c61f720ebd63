//! Placeholders in templates, found by the rules of the template engine.

use crate::model::secret::SecretName;

/// Stands for a reference to a secret. Both are the last characters of Unicode's private planes, which no
/// credential contains.
pub(super) const REFERENCE: char = '\u{10fffd}';
/// Stands for any other placeholder.
pub(super) const OTHER: char = '\u{10fffc}';

/// Whether a character stands for a placeholder.
pub(super) fn is_placeholder(c: char) -> bool {
    matches!(c, REFERENCE | OTHER)
}

/// Whether a text contains placeholders.
pub(super) fn has_placeholder(text: &str) -> bool {
    text.contains(is_placeholder)
}

/// Returns the characters of a template as they are sent, with their positions, and one character for each
/// placeholder. A placeholder that is not closed lasts until the end, because such a template is not valid.
pub(super) fn read(source: &str) -> Vec<(char, usize)> {
    let mut characters = Vec::with_capacity(source.len());
    let mut at = 0;
    loop {
        let rest = source.get(at..).unwrap_or_default();
        let Some(found) = rest.find("{{") else {
            characters.extend(rest.char_indices().map(|(offset, c)| (c, at + offset)));
            return characters;
        };
        let literal = rest.get(..found).unwrap_or_default();
        let backslashes = literal.bytes().rev().take_while(|byte| *byte == b'\\').count();
        // The last backslash before braces is not sent.
        let kept = literal.len() - usize::from(backslashes > 0);
        let kept_text = literal.get(..kept).unwrap_or_default();
        characters.extend(kept_text.char_indices().map(|(offset, c)| (c, at + offset)));
        let start = at + kept;
        at += found + 2;
        if backslashes == 1 {
            characters.extend([('{', start), ('{', at - 1)]);
            continue;
        }
        // With two or more, the last one that is sent stands for both, so that neither is left alone.
        let start = at - 2;
        let rest = source.get(at..).unwrap_or_default();
        let length = length(rest).unwrap_or(rest.len());
        let tag = source.get(at - 2..at + length).unwrap_or_default();
        let is_reference = SecretName::in_reference(tag).is_some();
        characters.push((if is_reference { REFERENCE } else { OTHER }, start));
        at += length;
    }
}

/// The length of a placeholder after its opening braces, including the closing ones. `None` if it is not
/// closed.
fn length(rest: &str) -> Option<usize> {
    let unstripped = rest.strip_prefix('~').unwrap_or(rest);
    if unstripped.starts_with("!--") {
        let ends = ["--}}", "--~}}"].map(|end| Some(rest.find(end)? + end.len()));
        return ends.into_iter().flatten().min();
    }
    if unstripped.starts_with('!') {
        return Some(rest.find("}}")? + 2);
    }
    let bytes = rest.as_bytes();
    let mut at = 0;
    loop {
        let text = bytes.get(at..)?;
        if text.starts_with(b"}}") {
            return Some(at + 2);
        }
        if text.starts_with(b"{{") {
            return None;
        }
        at += match text.first()? {
            quote @ (b'"' | b'\'') => quoted(text, *quote)?,
            b'[' => quoted(text, b']')?,
            _ => 1,
        };
    }
}

/// The length of a text up to its closing quote, before which a backslash has a meaning.
fn quoted(text: &[u8], quote: u8) -> Option<usize> {
    let mut at = 1;
    loop {
        match text.get(at)? {
            b'\\' if text.get(at + 1) == Some(&quote) => at += 2,
            byte if *byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_end_where_the_template_engine_ends_them() {
        for (source, expected) in [
            ("a{{x}}b", "a…b"),
            ("{{default a \"}}\"}}b", "…b"),
            ("{{default a '\\'}}'}}b", "…b"),
            ("{{a.[}}]}}b", "…b"),
            ("{{!-- }} --}}b{{! x }}c{{~!x~}}", "…b…c…"),
            ("\\{{x}}", "{{x}}"),
            ("a\\\\{{x}}", "a\\…"),
            ("{{secrets.a}} {{ secrets.a }} {{secrets.A}}", "! ! …"),
            ("a {{b {{c}}", "a …"),
            ("a {{b \"}}", "a …"),
        ] {
            let read: String = read(source)
                .into_iter()
                .map(|(c, _)| match c {
                    REFERENCE => '!',
                    OTHER => '…',
                    other => other,
                })
                .collect();
            assert_eq!(read, expected, "{source}");
        }
    }
}
