//! Limits on size, nesting and time.

use super::*;
use crate::template::{MAX_JSON_DEPTH, TemplateErrorKind};

fn kind(source: &str, data: &TemplateData<'_>) -> TemplateErrorKind {
    try_render(OutputContext::TextBody, source, data).unwrap_err().kind
}

fn long_lists() -> TemplateData<'static> {
    only(json!({ "xs": vec![1; 2_000], "long": "x".repeat(100_000) }))
}

#[test]
fn nested_loops_are_stopped() {
    let data = long_lists();
    // A release build exceeds the output limit first, a debug build the time limit.
    let twice = kind("{{#each xs}}{{#each ../xs}}.{{/each}}{{/each}}", &data);
    assert!(matches!(twice, TemplateErrorKind::OutputTooLong | TemplateErrorKind::TooSlow));
    for endless in [
        "{{#each xs}}{{#each ../xs}}{{#each ../../xs}}{{/each}}{{/each}}{{/each}}",
        "{{#each xs}}{{#each ../xs}}{{#if (eq (upper @root.long) 'x')}}{{/if}}{{/each}}{{/each}}",
        "{{#each xs}}{{#each ../xs}}{{#if (eq (json @root) 'x')}}{{/if}}{{/each}}{{/each}}",
    ] {
        assert_eq!(kind(endless, &data), TemplateErrorKind::TooSlow, "{endless}");
    }
}

#[test]
fn source_and_output_length_are_limited() {
    assert_eq!(kind(&"x".repeat(65 * 1024), &only(json!({}))), TemplateErrorKind::SourceTooLong);
    let eleven = "{{long}}".repeat(11);
    assert_eq!(kind(&eleven, &long_lists()), TemplateErrorKind::OutputTooLong);
    let ten = "{{long}}".repeat(10);
    assert_eq!(try_render(OutputContext::TextBody, &ten, &long_lists()).unwrap().len(), 1_000_000);
}

#[test]
fn nesting_is_limited() {
    let nested =
        |depth: usize| format!("{}x{}", "{{#if a}}".repeat(depth), "{{/if}}".repeat(depth));
    assert!(try_render(OutputContext::TextBody, &nested(32), &only(json!({ "a": 1 }))).is_ok());
    assert_eq!(kind(&nested(33), &only(json!({}))), TemplateErrorKind::TooDeep);
    let chained = format!("{{{{#if a}}}}{}{{{{/if}}}}", "{{else if a}}".repeat(5_000));
    assert_eq!(kind(&chained, &only(json!({}))), TemplateErrorKind::TooDeep);
    let parentheses = format!("{{{{not {}a{}}}}}", "(not ".repeat(5_000), ")".repeat(5_000));
    assert_eq!(kind(&parentheses, &only(json!({}))), TemplateErrorKind::TooDeep);
    let literals = format!("{{{{json {}{}}}}}", "[".repeat(20_000), "]".repeat(20_000));
    assert_eq!(kind(&literals, &only(json!({}))), TemplateErrorKind::TooDeep);
    for unclosed in [
        "{{#if a}}".repeat(7_000),
        "{{".repeat(30_000),
        "{{(".repeat(20_000),
        "{{a.[".repeat(13_000),
    ] {
        assert!(try_render(OutputContext::TextBody, &unclosed, &only(json!({}))).is_err());
    }
}

#[test]
fn depth_of_json_strings_is_limited() {
    let nested = |depth: usize| {
        (0..depth).fold("[\"{{x}}\"]".to_owned(), |inner, _| json!([inner]).to_string())
    };
    let deepest = nested(MAX_JSON_DEPTH - 1);
    let mut rendered =
        try_render(OutputContext::JsonBody, &deepest, &only(json!({ "x": "\"\n" }))).unwrap();
    for _ in 0..MAX_JSON_DEPTH {
        let list: Vec<String> = serde_json::from_str(&rendered).unwrap();
        rendered = list.into_iter().next().unwrap();
    }
    assert_eq!(rendered, "\"\n");
    let error =
        try_render(OutputContext::JsonBody, &nested(MAX_JSON_DEPTH), &only(json!({}))).unwrap_err();
    assert_eq!(error.kind, TemplateErrorKind::JsonTooDeep);
}

#[test]
fn a_large_template_compiles() {
    let source = "\"{ \\\"a\\\": \\\"{{data.requester.email}}\\\" }\", ".repeat(1_500);
    Template::compile(&source, OutputContext::JsonBody).unwrap();
}

#[test]
fn messages_quote_only_the_start_of_long_texts() {
    let long = "x".repeat(60_000);
    for source in [
        format!("{{{{{long} 1}}}}"),
        format!("{{{{#{long}}}}}{{{{/{long}}}}}"),
        format!("{{{{secrets.{long}}}}}"),
        format!("{{{{@{long}}}}}"),
        format!("{{{{{long}[0]}}}}"),
        format!("{{{{#{long}}}}}{{{{/y}}}}"),
        format!("{{{{{long}..}}}}"),
        format!("{{{{delivery.{long}}}}}"),
        format!("{{{{date 1 '{long}'}}}}"),
        format!("{{{{join 1 {long}=1}}}}"),
    ] {
        let message = error(OutputContext::JsonBody, &source);
        assert!(message.chars().count() <= 300, "{}", message.chars().count());
    }
}
