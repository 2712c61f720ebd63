//! Generated templates: nested blocks with all kinds of white space and of `~`.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::*;

const TEMPLATES: usize = 4_000;

fn data() -> [Value; 2] {
    [
        json!({ "a": "A", "t": true, "f": false, "l": ["x", { "a": "own" }], "e": [], "o": { "a": "in", "l": [1, 2] } }),
        json!({ "a": "", "t": 0, "f": "", "l": { "p": "P", "q": null }, "e": {}, "o": [[], ["s"]] }),
    ]
}

fn space() -> impl Strategy<Value = String> {
    let texts = [
        "", "", " ", "  ", "\n", "\n\n", " \n", "\n ", "\r\n", " \r\n ", "\t", "w", " w ", "\nw",
        "w\n", "\u{a0}", "\u{a0}\n",
    ];
    prop::sample::select(texts.to_vec()).prop_map(str::to_owned)
}

fn tilde() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", "", "", "~"])
}

/// A placeholder with these contents.
fn tag(inner: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    (tilde(), inner, tilde())
        .prop_map(|(before, inner, after)| format!("{{{{{before}{inner}{after}}}}}"))
}

fn fixed(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(texts).prop_map(str::to_owned)
}

fn path() -> impl Strategy<Value = String> {
    fixed(&[
        "a", "t", "f", "l", "e", "o", "o.a", "l.length", "a.length", "this", ".", "l.[0]",
        "@root.a", "@root.l", "missing", "./a", "\"a\"",
    ])
}

/// A block around two programs: its opening, and its name in the closing placeholder.
fn block() -> impl Strategy<Value = (String, String)> {
    let builtin = (fixed(&["if", "unless", "each", "with"]), path())
        .prop_map(|(name, path)| (format!("#{name} {path}"), name));
    let inverse = (fixed(&["if", "unless", "each", "with"]), path())
        .prop_map(|(name, path)| (format!("^{name} {path}"), name));
    let sections = fixed(&["a", "t", "f", "l", "e", "o", "o.a", "missing", "this", ".", "@root.l"]);
    let section = (sections, any::<bool>())
        .prop_map(|(path, inverted)| (format!("{}{path}", if inverted { '^' } else { '#' }), path));
    prop_oneof![builtin, inverse, section]
}

fn program() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        4 => space(),
        2 => tag(path()),
        1 => tag(fixed(&["! c ", "!-- c --"])),
        1 => Just("\\{{a}}".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        let nodes = || prop::collection::vec(prop_oneof![space(), inner.clone()], 0..4).prop_map(|nodes| nodes.concat());
        let middle = prop_oneof![
            2 => Just(String::new()).boxed(),
            2 => (tag(fixed(&["else", "^"])), nodes()).prop_map(|(tag, body)| tag + &body).boxed(),
        ];
        let chain = prop_oneof![
            Just(String::new()).boxed(),
            prop::collection::vec((tag(fixed(&["else if t", "else if f", "else with o", "else l"])), nodes()), 1..3)
                .prop_map(|links| links.into_iter().map(|(tag, body)| tag + &body).collect::<String>())
                .boxed(),
        ];
        (block(), tilde(), tilde(), nodes(), chain, middle, tilde(), tilde()).prop_map(
            |((open, name), before, after, body, chain, middle, end_before, end_after)| {
                // A chain follows only blocks that are not inverted.
                let chain = if open.starts_with('^') { String::new() } else { chain };
                format!("{{{{{before}{open}{after}}}}}{body}{chain}{middle}{{{{{end_before}/{name}{end_after}}}}}")
            },
        )
    })
}

#[test]
fn generated_templates_render_as_with_handlebars_js() {
    let mut runner = TestRunner::deterministic();
    let programs = prop::collection::vec(program(), 1..4).prop_map(|parts| parts.concat());
    let sources: Vec<String> =
        (0..TEMPLATES).map(|_| programs.new_tree(&mut runner).unwrap().current()).collect();
    compare(&sources, &data(), |_| false);
}
