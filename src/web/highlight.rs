//! Pretty-printing and syntax highlighting of JSON.

use crate::model::json;

/// Pretty-prints a JSON object or array. `None` for any other text.
pub(super) fn pretty_json(text: &str) -> Option<String> {
    let value = json::parse(text).ok()?;
    if !value.is_object() && !value.is_array() {
        return None;
    }
    serde_json::to_string_pretty(&value).ok()
}

/// Converts a text to safe HTML, with its JSON tokens in spans.
pub(super) fn to_html(text: &str) -> String {
    let mut html = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = token_length(rest, first);
        let (token, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        match class(token, first, after) {
            Some(class) => {
                html.push_str("<span class=\"");
                html.push_str(class);
                html.push_str("\">");
                escape(token, &mut html);
                html.push_str("</span>");
            }
            None => escape(token, &mut html),
        }
        rest = after;
    }
    html
}

fn token_length(rest: &str, first: char) -> usize {
    let until = |test: fn(char) -> bool| rest.find(|c| !test(c)).unwrap_or(rest.len());
    match first {
        '"' => string_length(rest),
        '-' | '0'..='9' => until(|c| c.is_ascii_digit() || "+-.eE".contains(c)),
        c if c.is_alphabetic() => until(char::is_alphanumeric),
        c => c.len_utf8(),
    }
}

/// Length up to the closing quote, or to the end of the line if there is none.
fn string_length(rest: &str) -> usize {
    let mut escaped = false;
    for (index, c) in rest.char_indices().skip(1) {
        match c {
            '\n' => return index,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return index + 1,
            _ => {}
        }
    }
    rest.len()
}

fn class(token: &str, first: char, after: &str) -> Option<&'static str> {
    match first {
        '"' if after.trim_start().starts_with(':') => Some("t-key"),
        '"' => Some("t-str"),
        '-' | '0'..='9' => Some("t-num"),
        _ if matches!(token, "true" | "false" | "null") => Some("t-lit"),
        _ => None,
    }
}

fn escape(text: &str, html: &mut String) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn distinguishes_keys_strings_and_literals() {
        let html = to_html(r#"{"a": "<b>", "n": -1.5e3, "t": true}"#);
        assert!(html.contains(r#"<span class="t-key">&quot;a&quot;</span>"#), "{html}");
        assert!(html.contains(r#"<span class="t-str">&quot;&lt;b&gt;&quot;</span>"#), "{html}");
        assert!(html.contains(r#"<span class="t-num">-1.5e3</span>"#), "{html}");
        assert!(html.contains(r#"<span class="t-lit">true</span>"#), "{html}");
    }

    proptest! {
        #[test]
        fn escapes_every_text(text in "[\\PC\n\"\\\\<>]{0,80}") {
            let html = to_html(&text);
            let plain = to_text(&html);
            prop_assert_eq!(plain, text);
        }
    }

    /// Removes the spans and the escapes.
    fn to_text(html: &str) -> String {
        let mut out = String::new();
        let mut inside = false;
        for c in html.chars() {
            match c {
                '<' => inside = true,
                '>' if inside => inside = false,
                c if !inside => out.push(c),
                _ => {}
            }
        }
        out.replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&#39;", "'")
            .replace("&amp;", "&")
    }
}
