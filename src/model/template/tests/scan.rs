//! Placeholders are found where they stand, and slips are told in words.

use crate::model::template::error::TemplateErrorKind as Kind;
use crate::model::template::scan::scan;

fn fault(source: &str) -> (usize, usize, Kind) {
    let error = scan(source).unwrap_err();
    (error.line, error.column, error.kind)
}

#[test]
fn placeholders_are_found_where_they_stand() {
    let tags =
        scan("a\n\"é {{ x }}{{!-- {{ }} --}}{{~#if y~}}\\{{no}}{{else if z}}{{/if}}").unwrap();
    let found: Vec<_> = tags.iter().map(|tag| (tag.body, tag.at.line, tag.at.column)).collect();
    assert_eq!(found, [("x", 2, 4), ("if y", 2, 27), ("if z", 2, 45)]);
}

#[test]
fn what_people_write_is_told_in_words() {
    assert_eq!(
        fault("{{data.access_groups[0].x}}"),
        (1, 21, Kind::IndexWithoutDot("data.access_groups.[0].x".to_owned()))
    );
    assert_eq!(fault("{{{x}}}"), (1, 1, Kind::Unescaped));
    assert_eq!(fault("{{&x}}"), (1, 1, Kind::Unescaped));
    assert_eq!(fault("{{~{x}~}}"), (1, 1, Kind::Unescaped));
    assert_eq!(fault("{{{{raw}}}}{{{{/raw}}}}"), (1, 1, Kind::RawBlock));
    assert_eq!(fault("{{> x}}"), (1, 1, Kind::Partial));
    assert_eq!(fault("{{#> x}}{{/x}}"), (1, 1, Kind::Partial));
    assert_eq!(fault("{{* x}}"), (1, 1, Kind::Decorator));
    assert_eq!(fault("\n {{ }}"), (2, 2, Kind::Empty));
    assert_eq!(fault("{{a {{b}}"), (1, 1, Kind::Unclosed));
    assert_eq!(fault("{{a"), (1, 1, Kind::Unclosed));
    assert_eq!(fault("{{a | upper}}"), (1, 5, Kind::Pipe));
    assert_eq!(fault("{{#if a == b}}{{/if}}"), (1, 9, Kind::Operator("==".to_owned())));
    assert_eq!(fault("{{default a \\\"none\\\"}}"), (1, 13, Kind::Backslash));
}

#[test]
fn blocks_are_balanced() {
    assert_eq!(fault("{{#if a}}"), (1, 1, Kind::BlockNotClosed("if".to_owned())));
    assert_eq!(fault("{{/if}}"), (1, 1, Kind::BlockNotOpened("if".to_owned())));
    assert_eq!(
        fault("{{#if a}}{{/each}}"),
        (
            1,
            10,
            Kind::BlockMismatch { opened: "if".to_owned(), line: 1, closed: "each".to_owned() }
        )
    );
    assert_eq!(fault("{{else}}"), (1, 1, Kind::ElseOutside));
    assert_eq!(fault("{{#if a}}{{else}}{{else}}{{/if}}"), (1, 18, Kind::ElseOutside));
    assert_eq!(fault(&"{{#if a}}".repeat(33)).2, Kind::TooDeep);
    assert_eq!(fault(&format!("{{{{{}x", "(".repeat(200))).2, Kind::TooDeep);
}

#[test]
fn block_parameters_and_quotes_are_left_alone() {
    scan("{{#each xs as |x i|}}{{join x '}} | == {{'}}{{a.[b == c]}}{{/each}}").unwrap();
}
