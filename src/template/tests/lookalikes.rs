//! Invisible characters and typographic quotes in placeholders.

use proptest::prelude::*;

use super::*;

#[test]
fn invisible_characters_and_typographic_quotes_are_rejected_with_their_name() {
    for (source, expected) in [
        (
            "{{data.friendly_id\u{a0}}}",
            "line 1, column 19: this placeholder contains a no-break space (U+00A0): write a plain space",
        ),
        (
            "\n{{\u{200b}data.id}}",
            "line 2, column 3: this placeholder contains a zero width space (U+200B): remove it",
        ),
        (
            "{{data.\u{feff}id}}",
            "line 1, column 8: this placeholder contains a byte order mark (U+FEFF)",
        ),
        (
            "{{default data.id “none”}}",
            "line 1, column 19: this placeholder contains a left double quotation mark “ (U+201C): write ' or \"",
        ),
        ("{{default data.id ‘none’}}", "left single quotation mark ‘ (U+2018)"),
        ("{{#if\u{a0}data.id}}{{/if}}", "line 1, column 6: "),
        ("{{#if data.id}}{{else\u{a0}}}{{/if}}", "line 1, column 22: "),
        ("{{#if data.id}}{{/if\u{200d}}}", "line 1, column 21: "),
        ("{{#each data.approvals as |a\u{ad}|}}{{/each}}", "line 1, column 29: "),
        ("{{#if (eq data.id\u{2009}1)}}{{/if}}", "thin space"),
    ] {
        for context in [OutputContext::JsonBody, OutputContext::Url, OutputContext::Header] {
            let message = error(context, source);
            assert!(message.contains(expected), "{source:?}: {message}");
            assert!(message.contains("brackets"), "{message}");
        }
    }
}

#[test]
fn names_in_brackets_and_quoted_texts_may_contain_any_character() {
    let payload = json!({ "a\u{a0}b": 1, "“q”": 2, "x": null });
    let text = |source| render_with(OutputContext::TextBody, source, &only(payload.clone()));
    assert_eq!(text("{{[a\u{a0}b]}} {{this.[“q”]}}"), "1 2");
    assert_eq!(text("{{default x 'a\u{a0}“b”\u{200b}'}}"), "a\u{a0}“b”\u{200b}");
    assert_eq!(text("{{! “\u{a0} }}\u{a0}“{{x}}”"), "\u{a0}“”");
}

/// The tokens of a template, between which a character can be inserted.
const TEMPLATES: &[&[&str]] = &[
    &["{{", "data", ".", "requester", ".", "email", "}}"],
    &["{{", "default", " ", "data", ".", "nothing", " ", "'none'", "}}"],
    &[
        "{{#", "if", " ", "(", "eq", " ", "data", ".", "id", " ", "5", ")", "}}", "x", "{{",
        "else", "}}", "{{/", "if", "}}",
    ],
    &[
        "{{#",
        "each",
        " ",
        "data",
        ".",
        "approvals",
        " ",
        "as",
        " ",
        "|",
        "a",
        " ",
        "i",
        "|",
        "}}",
        "{{",
        "a",
        ".",
        "name",
        "}}",
        "{{/",
        "each",
        "}}",
    ],
];

proptest! {
    #[test]
    fn a_lookalike_is_rejected_at_its_place(
        tokens in prop::sample::select(TEMPLATES),
        at in any::<prop::sample::Index>(),
        odd in prop::sample::select(&['\u{a0}', '\u{200b}', '\u{feff}', '“', '”', '‘', '’', '\u{2028}', '\u{7}'][..]),
    ) {
        // Before a token other than the first, but inside the braces.
        let at = 1 + at.index(tokens.len() - 1);
        let before: String = tokens[..at].concat();
        let source = format!("{before}{odd}{}", tokens[at..].concat());
        let is_inside = before.rfind("{{") > before.rfind("}}");
        prop_assume!(is_inside);
        let error = Template::compile(&source, OutputContext::TextBody).unwrap_err();
        prop_assert!(error.to_string().contains(&format!("U+{:04X}", u32::from(odd))), "{source:?}: {error}");
        prop_assert_eq!(error.column, before.chars().count() + 1);
    }
}
