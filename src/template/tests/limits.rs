//! Limits on size, nesting and time.

use std::time::{Duration, Instant};

use super::*;
use crate::template::{
    Budget, FieldKind, MAX_JSON_DEPTH, MAX_WARNINGS, SchemaField, TemplateErrorKind, lint,
};

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

/// A payload of about 1 MB for each kind of value whose size an event can choose.
fn large_payloads() -> Vec<Value> {
    let texts: Vec<String> =
        (0..10_000).map(|n| format!("entry {n:04} {}", "x".repeat(80))).collect();
    let members: serde_json::Map<String, Value> =
        texts.iter().enumerate().map(|(n, text)| (format!("m{n}"), json!({ "n": text }))).collect();
    let long = "\"\\\u{1}é".repeat(160_000);
    [json!(texts), json!(vec![json!({ "n": [1] }); 60_000]), Value::Object(members), json!(long)]
        .into_iter()
        .map(|x| json!({ "x": x.clone(), "y": x, "z": long }))
        .collect()
}

/// Rendering stops soon after its limit, also in a debug build on a busy machine.
const MAX_TEST_TIME: Duration = Duration::from_secs(2);

#[test]
fn no_expression_works_longer_than_the_limit() {
    let expressions = [
        "{{truncate x 1}}",
        "{{truncate x 200000}}",
        "{{truncate (json x) 1}}",
        "{{#if (eq x y)}}{{/if}}",
        "{{#if (ne (upper x) (lower y))}}{{/if}}",
        "{{#if (not (join x z z))}}{{/if}}",
        "{{truncate (join x z) 1}}",
        "{{truncate (join (join x z) z) 1}}",
        "{{truncate (default x y) 1}}",
        "{{truncate (date x x x) 1}}",
        "{{#with (upper x)}}{{/with}}",
        "{{#if (eq this @root)}}{{/if}}",
        "{{truncate (json @root) 1}}",
        "{{#each x}}{{#each @root.x}}{{#if (eq this z)}}{{/if}}{{/each}}{{/each}}",
        "{{#with (first x)}}{{#if (eq this @root.x)}}{{/if}}{{/with}}",
        "{{x}}",
        "{{json x}}",
        "[\"[\\\"[\\\\\\\"{{x}}\\\\\\\"]\\\"]\"]",
    ];
    for payload in large_payloads() {
        let data = only(payload);
        for expression in expressions {
            for context in [OutputContext::TextBody, OutputContext::FormBody, OutputContext::Url] {
                let template = Template::compile(&expression.repeat(250), context).unwrap();
                let started = Instant::now();
                drop(template.render(&data));
                assert!(started.elapsed() < MAX_TEST_TIME, "{expression}: {:?}", started.elapsed());
            }
        }
    }
}

#[test]
fn a_helper_does_not_convert_what_it_drops() {
    let long = only(json!({ "x": vec!["y".repeat(99); 10_000] }));
    let rendered = try_render(OutputContext::TextBody, &"{{truncate x 3}}".repeat(250), &long);
    assert_eq!(rendered.unwrap(), "[\"…".repeat(250));
}

#[test]
fn templates_of_a_request_share_the_limit() {
    let data = only(large_payloads().remove(0));
    let budget = Budget::start();
    let template = Template::compile("{{#if (eq x y)}}{{/if}}", OutputContext::Header).unwrap();
    let started = Instant::now();
    let rendered = (0..1_000).map(|_| template.render_within(&data, &budget));
    let errors: Vec<_> = rendered.filter_map(Result::err).collect();
    assert!(started.elapsed() < MAX_TEST_TIME, "{:?}", started.elapsed());
    assert!(errors.iter().all(|error| error.kind == TemplateErrorKind::TooSlow));
    assert!(!errors.is_empty());
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
    for unclosed in [
        "{{#if a}}".repeat(7_000),
        "{{".repeat(30_000),
        "{{(".repeat(20_000),
        "{{a.[".repeat(13_000),
        format!("{{{{json {}{}}}}}", "[".repeat(20_000), "]".repeat(20_000)),
        format!("{{{{join {}}}}}", "a ".repeat(30_000)),
        "{{^a}}".repeat(7_000),
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

#[test]
fn warnings_about_a_large_template_are_found_quickly() {
    let fields = (0..900).map(|n| format!("{{{{data.{}{n}}}}}", "x".repeat(55)));
    let template = Template::compile(&fields.collect::<String>(), OutputContext::TextBody).unwrap();
    let names: Vec<String> = (0..30).map(|n| format!("data.{}{n:03}", "y".repeat(55))).collect();
    let schema: Vec<_> =
        names.iter().map(|path| SchemaField { path, kind: FieldKind::Scalar }).collect();
    let started = Instant::now();
    let warnings = lint(&template, &schema);
    assert!(started.elapsed() < MAX_TEST_TIME, "{:?}", started.elapsed());
    assert_eq!(warnings.len(), MAX_WARNINGS);
}
