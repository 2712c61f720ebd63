//! Secrets can be printed, and nothing else. Every other use is rejected when the template is compiled.

use proptest::prelude::*;

use super::*;
use crate::template::{Budget, RenderedText};

fn rendered(context: OutputContext, source: &str) -> RenderedText {
    let template = Template::compile(source, context).unwrap();
    template.render_within(&data("x"), &Budget::start()).unwrap()
}

fn record(context: OutputContext, source: &str) -> String {
    rendered(context, source).record.unwrap()
}

#[test]
fn the_record_has_labels_in_place_of_secrets() {
    for (context, source, text, record) in [
        (
            OutputContext::JsonBody,
            r#"{"a": "{{secrets.logpoint}}", "b": {{secrets.logpoint}}, "c": {{secrets.number}}}"#,
            r#"{"a": "s3cret\"", "b": "s3cret\"", "c": 12345}"#,
            r#"{"a": "[secret:logpoint]", "b": "[secret:logpoint]", "c": "[secret:number]"}"#,
        ),
        (
            OutputContext::JsonBody,
            r#"{"m": "{ \"a\": \"{{secrets.logpoint}}\" }"}"#,
            r#"{"m": "{ \"a\": \"s3cret\\\"\" }"}"#,
            r#"{"m": "{ \"a\": \"[secret:logpoint]\" }"}"#,
        ),
        (
            OutputContext::Url,
            "https://h/{{secrets.logpoint}}?a={{data.id}}",
            "https://h/s3cret%22?a=123",
            "https://h/[secret:logpoint]?a=123",
        ),
        (
            OutputContext::Header,
            "{{basic_auth 'svc' secrets.number}}",
            "Basic c3ZjOjEyMzQ1",
            "Basic [secret:number]",
        ),
        (
            OutputContext::Header,
            "{{basic_auth (base64 'svc') secrets.number}}",
            "Basic YzNaajoxMjM0NQ==",
            "Basic [secret:number]",
        ),
        (
            OutputContext::FormBody,
            "key={{secrets.logpoint}}&x={{event_type}}",
            "key=s3cret%22&x=AccessRequestGranted",
            "key=[secret:logpoint]&x=AccessRequestGranted",
        ),
        (
            OutputContext::CsvBody,
            "{{secrets.logpoint}},{{data.id}}",
            "\"s3cret\"\"\",123",
            "[secret:logpoint],123",
        ),
        (
            OutputContext::TextBody,
            "{{#each data.approvals}}{{secrets.number}};{{/each}}{{#if data.id}}{{@root.secrets.number}}{{/if}}",
            "12345;12345",
            "[secret:number];[secret:number]",
        ),
    ] {
        let expected = RenderedText { text: text.to_owned(), record: Some(record.to_owned()) };
        assert_eq!(rendered(context, source), expected, "{source}");
    }
    assert_eq!(rendered(OutputContext::JsonBody, "{}").record, None);
    assert_eq!(text("{{basic_auth 'a' 'b'}} {{base64 'ab'}}"), "Basic YTpi YWI=");
}

#[test]
fn every_other_use_of_a_secret_is_rejected() {
    let uses = [
        "{{#if secrets.number}}x{{/if}}",
        "{{#unless secrets.number}}x{{/unless}}",
        "{{#each secrets.number}}{{this}}{{/each}}",
        "{{#with secrets.number}}{{this}}{{/with}}",
        "{{#with secrets.number as |x|}}{{upper x}}{{/with}}",
        "{{#secrets.number}}x{{/secrets.number}}",
        "{{^secrets.number}}x{{/secrets.number}}",
        "{{#if data.id includeZero=secrets.number}}x{{/if}}",
        "{{#if (eq secrets.number '12345')}}x{{/if}}",
        "{{truncate (base64 secrets.number) 3}}",
        "{{upper (basic_auth 'a' secrets.number)}}",
        "{{#if (base64 secrets.number)}}x{{/if}}",
        "{{truncate data.id secrets.number}}",
        "{{json secrets.number}}",
        "{{#with data}}{{upper ../secrets.number}}{{/with}}",
        "{{#data.id}}{{upper secrets.number}}{{/data.id}}",
    ];
    for source in uses {
        let message = error(OutputContext::TextBody, source);
        assert!(message.contains("a secret can only be printed"), "{source}: {message}");
    }
    for (name, takes) in crate::template::helpers() {
        if name == "base64" || name == "basic_auth" {
            continue;
        }
        for arguments in ["secrets.number", "secrets.number 'a'", "'a' secrets.number"] {
            let source = format!("{{{{{name} {arguments}}}}}");
            let compiled = Template::compile(&source, OutputContext::TextBody);
            assert!(compiled.is_err(), "{source} ({takes})");
        }
    }
    for source in [
        "{{secrets.number.length}}",
        "{{secrets.number.[0]}}",
        "{{secrets.[0]}}",
        "{{secrets}}",
        "{{json secrets}}",
        "{{#each secrets}}{{this}}{{/each}}",
        "{{#with secrets}}{{number}}{{/with}}",
        "{{@root.secrets}}",
        "{{#with data}}{{../secrets}}{{/with}}",
    ] {
        let message = error(OutputContext::TextBody, source);
        assert!(message.contains("one by one and as a whole"), "{source}: {message}");
    }
}

/// A target may repeat what it receives, and responses are only decoded so often.
#[test]
fn a_secret_is_encoded_at_most_once() {
    for source in [
        "{{base64 (base64 secrets.number)}}",
        "{{base64 (basic_auth 'svc' secrets.number)}}",
        "{{basic_auth (base64 secrets.number) 'x'}}",
    ] {
        let message = error(OutputContext::Header, source);
        assert!(message.contains("only be encoded once"), "{source}: {message}");
    }
}

/// Templates that refer to a secret, also in ways that must not compile.
fn any_template() -> impl Strategy<Value = String> {
    let reference = prop::sample::select(vec![
        "secrets.key",
        "@root.secrets.key",
        "../secrets.key",
        "./secrets.key",
        "this.secrets.key",
        "secrets.[key]",
        "[secrets].key",
        "secrets/key",
        "secrets",
        "@root",
        "this",
        "x",
        "data.id",
    ]);
    let operand = reference.prop_map(str::to_owned);
    let expression = operand.prop_recursive(3, 8, 3, |inner| {
        let helper = prop::sample::select(
            crate::template::helpers().map(|(name, _)| name).collect::<Vec<_>>(),
        );
        (helper, prop::collection::vec(inner, 1..3))
            .prop_map(|(helper, arguments)| format!("({helper} {})", arguments.join(" ")))
    });
    let leaf = expression.clone().prop_map(|it| format!("{{{{{it}}}}}"));
    leaf.prop_recursive(3, 12, 3, move |inner| {
        let block = prop::sample::select(vec!["if", "unless", "each", "with", "with as"]);
        (block, expression.clone(), prop::collection::vec(inner, 1..3)).prop_map(
            |(block, over, body)| {
                let body = body.concat();
                match block {
                    "with as" => format!("{{{{#with {over} as |x|}}}}{body}{{{{/with}}}}"),
                    block => format!("{{{{#{block} {over}}}}}{body}{{{{/{block}}}}}"),
                }
            },
        )
    })
}

proptest! {
    /// What is recorded does not depend on the value of a secret, so it cannot reveal any part of one.
    #[test]
    fn no_template_reveals_a_secret_in_its_record(
        source in any_template(), one in "[ -~]{8,30}", other in "[ -~]{8,30}", in_json in any::<bool>()
    ) {
        let context = if in_json { OutputContext::JsonBody } else { OutputContext::TextBody };
        if let Ok(template) = Template::compile(&source, context) {
            let record = |value: &str| {
                let secrets = [TemplateSecret { name: "key", value, label: "[secret:key]" }];
                let payload = json!({ "data": { "id": "1" }, "secrets": { "key": "payload" } });
                let data = TemplateData::new(Cow::Owned(payload), "d", 1, "w", &secrets);
                let rendered = template.render_within(&data, &Budget::start());
                rendered.map(|it| it.record.unwrap_or(it.text)).map_err(|error| error.to_string())
            };
            prop_assert_eq!(record(&one), record(&other), "{}", source);
        }
    }
}

#[test]
fn a_secret_named_in_a_list_is_found() {
    let template = Template::compile("{{secrets.b}}{{base64 secrets.a}}", OutputContext::Header);
    assert_eq!(template.unwrap().secrets(), ["a", "b"]);
    assert_eq!(record(OutputContext::Header, "a {{secrets.number}}"), "a [secret:number]");
}
