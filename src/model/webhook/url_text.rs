//! The text of a URL. URL parsers drop or replace some characters and resolve `..`, so that the request would go to
//! another address than the one that is shown. Such texts are rejected.

use percent_encoding::percent_decode_str;
use url::{Position, Url};

use crate::template::dot_segment;

/// Checks the text of a URL outside its placeholders.
pub(super) fn check_literal(url: &str) -> Result<(), String> {
    let literal = without_placeholders(url);
    if let Some(control) = literal.chars().find(|c| c.is_control()) {
        let name = match control {
            '\r' | '\n' => "a line break".to_owned(),
            '\t' => "a tab".to_owned(),
            other => format!("a control character (U+{:04X})", u32::from(other)),
        };
        return Err(format!("The URL contains {name}, which would not be sent: remove it."));
    }
    if literal.contains('\\') {
        return Err(
            "The URL contains \\, which would be sent as /: write /, or %5C for \\ itself."
                .to_owned(),
        );
    }
    if let Some(segment) = dot_segment(&literal) {
        return Err(format!(
            "The path of the URL contains \"{segment}\", which leads to another address: enter the path without it."
        ));
    }
    Ok(())
}

/// Checks that a parsed URL differs from its text only by percent-encoding.
pub(super) fn check_unchanged(text: &str, parsed: &Url) -> Result<(), String> {
    let (_, rest) = text.split_once("://").unwrap_or_default();
    let path = rest.find(['/', '?', '#']).and_then(|at| rest.get(at..)).unwrap_or_default();
    let slash = if path.starts_with('/') { "" } else { "/" };
    let written = percent_decode_str(slash).chain(percent_decode_str(path));
    let sent = &parsed[Position::BeforePath..];
    if written.eq(percent_decode_str(sent)) {
        return Ok(());
    }
    Err(format!(
        "The URL would be sent as {parsed}, which is another address: write it without spaces at its end, \\, \
         control characters, \".\" and \"..\"."
    ))
}

/// Replaces each placeholder by a letter.
fn without_placeholders(url: &str) -> String {
    let mut literal = String::with_capacity(url.len());
    let mut rest = url;
    while let Some((before, placeholder)) = rest.split_once("{{") {
        literal.push_str(before);
        literal.push('x');
        rest = placeholder.split_once("}}").map_or("", |(_, after)| after);
    }
    literal + rest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::http::{Rules, check_rendered_url, check_url};
    use super::*;

    #[test]
    fn texts_that_would_be_changed_are_rejected() {
        for (bad, hint) in [
            ("https://h/a\\b", "contains \\, which would be sent as /"),
            ("https://h\\a", "contains \\"),
            ("https://h/a\tb", "contains a tab"),
            ("https://h/a?b=\nc", "contains a line break"),
            ("https://h/a\u{7}", "control character (U+0007)"),
            ("https://h/a/../b", "contains \"..\", which leads to another address"),
            ("https://h/{{data.id}}/./b", "contains \".\""),
            ("https://h/%2E%2e/b", "contains \"%2E%2e\""),
            ("https://h/\\{{x}}", "contains \\"),
        ] {
            let error = check_literal(bad).unwrap_err();
            assert!(error.contains(hint), "{bad}: {error}");
        }
        for good in [
            "https://h/a..b/...?x=../y&z=.",
            "https://h",
            "https://h?x={{default data.id 'a\\b'}}",
            "https://h/{{data.id}}{{event_type}}/ü é",
        ] {
            assert_eq!(check_literal(good), Ok(()), "{good}");
        }
    }

    proptest! {
        #[test]
        fn an_accepted_url_is_sent_as_written(
            parts in prop::collection::vec(
                prop_oneof![
                    prop::sample::select(&["/", "?", ".", "..", "%2e", "\\", " ", "\t", "\n", "é", "%", "%5c", "a", "{", "\"", ";", "=", "&", ":", "@", "|", "'", "<", "\u{0}", "\u{a0}"][..]).prop_map(str::to_owned),
                    "(?s).{0,3}",
                ],
                0..10,
            ),
        ) {
            let url = format!("https://h/{}", parts.concat());
            if check_url(&url, Rules::default()).and_then(|()| check_literal(&url)).is_ok()
                && let Ok(parsed) = check_rendered_url(&url)
            {
                let sent = parsed.as_str().strip_prefix("https://h").unwrap();
                let written = url.strip_prefix("https://h").unwrap();
                prop_assert!(percent_decode_str(sent).eq(percent_decode_str(written)), "{:?} sent as {}", url, parsed);
            }
        }
    }
}
