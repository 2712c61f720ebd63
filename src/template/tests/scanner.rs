//! Positions of placeholders, and messages for common mistakes.

use super::*;
use crate::template::TemplateErrorKind as Kind;

fn error(source: &str) -> (usize, usize, Kind) {
    let error = Template::compile(source, OutputContext::TextBody).unwrap_err();
    (error.line, error.column, error.kind)
}

#[test]
fn placeholders_have_positions() {
    let source = "a\n\"é {{ x }}{{!-- {{ }} --}}{{~#if y~}}\\{{no}}{{else if (eq z.w 1)}}{{/if}}";
    let template = Template::compile(source, OutputContext::TextBody).unwrap();
    let found: Vec<_> = template
        .paths()
        .iter()
        .map(|used| (used.paths[0].as_str(), used.line, used.column))
        .collect();
    assert_eq!(found, [("x", 2, 7), ("y", 2, 34), ("z.w", 2, 59)]);
}

#[test]
fn common_mistakes_have_their_own_messages() {
    assert_eq!(
        error("{{data.access_groups[0].x}}"),
        (1, 21, Kind::IndexWithoutDot("data.access_groups.[0].x".to_owned()))
    );
    assert_eq!(error("{{{x}}}"), (1, 1, Kind::Unescaped));
    assert_eq!(error("{{&x}}"), (1, 1, Kind::Unescaped));
    assert_eq!(error("{{~{x}~}}"), (1, 1, Kind::Unescaped));
    assert_eq!(error("{{{{raw}}}}{{{{/raw}}}}"), (1, 1, Kind::RawBlock));
    assert_eq!(error("{{> x}}"), (1, 1, Kind::Partial));
    assert_eq!(error("{{#> x}}{{/x}}"), (1, 1, Kind::Partial));
    assert_eq!(error("{{* x}}"), (1, 1, Kind::Decorator));
    assert_eq!(error("\n {{ }}"), (2, 2, Kind::Empty));
    assert_eq!(error("{{a {{b}}"), (1, 1, Kind::Unclosed));
    assert_eq!(error("{{a"), (1, 1, Kind::Unclosed));
    assert_eq!(error("{{a | upper}}"), (1, 5, Kind::Pipe));
    assert_eq!(error("{{#if a == b}}{{/if}}"), (1, 9, Kind::Operator("==".to_owned())));
    assert_eq!(error("{{default a \\\"none\\\"}}"), (1, 13, Kind::Backslash));
}

#[test]
fn unbalanced_blocks_are_rejected() {
    assert_eq!(error("{{#if a}}"), (1, 1, Kind::BlockNotClosed("if".to_owned())));
    assert_eq!(error("{{/if}}"), (1, 1, Kind::BlockNotOpened("if".to_owned())));
    assert_eq!(
        error("{{#if a}}{{/each}}"),
        (
            1,
            10,
            Kind::BlockMismatch { opened: "if".to_owned(), line: 1, closed: "each".to_owned() }
        )
    );
    assert_eq!(error("{{else}}"), (1, 1, Kind::ElseOutside));
    assert_eq!(error("{{#if a}}{{else}}{{else}}{{/if}}"), (1, 18, Kind::ElseOutside));
    assert_eq!(error(&"{{#if a}}".repeat(33)).2, Kind::TooDeep);
    assert_eq!(error(&format!("{{{{{}x", "(".repeat(200))).2, Kind::TooDeep);
}

#[test]
fn block_parameters_and_quoted_texts_are_not_mistakes() {
    let source = "{{#each xs as |x i|}}{{join x '}} | == {{'}}{{a.[b == c]}}{{/each}}";
    Template::compile(source, OutputContext::TextBody).unwrap();
}
