//! Values are escaped for their context.

use super::*;
use crate::template::check_json;

#[test]
fn values_are_escaped_for_every_depth_of_nested_json() {
    let source = r#"{"a": "{{data.justification}}", "b": "{ \"c\": \"{{data.justification}}\", \"d\": \"[ \\\"{{data.justification}}\\\" ]\" }", "e": {{data.justification}}}"#;
    let rendered = body(source);
    let outer: Value = serde_json::from_str(&rendered).unwrap();
    assert_eq!(outer["a"], "a \"b\"\nc\\");
    assert_eq!(outer["e"], "a \"b\"\nc\\");
    let inner: Value = serde_json::from_str(outer["b"].as_str().unwrap()).unwrap();
    assert_eq!(inner["c"], "a \"b\"\nc\\");
    let innermost: Value = serde_json::from_str(inner["d"].as_str().unwrap()).unwrap();
    assert_eq!(innermost[0], "a \"b\"\nc\\");
}

#[test]
fn values_outside_quotes_are_complete_json_at_every_depth() {
    assert_eq!(
        body(
            r#"{"a": {{data.nothing}}, "b": {{data.custom_fields}}, "c": "{ \"d\": {{data.id}} }"}"#
        ),
        r#"{"a": null, "b": {"ticket":"SEC-42"}, "c": "{ \"d\": \"123\" }"}"#
    );
}

#[test]
fn an_object_inside_quotes_is_rendered_as_its_json() {
    let outer: Value = serde_json::from_str(&body(r#"{"m": "{{data.custom_fields}}"}"#)).unwrap();
    assert_eq!(outer["m"], r#"{"ticket":"SEC-42"}"#);
    let outer: Value =
        serde_json::from_str(&body(r#"{"m": "{ \"n\": \"{{json data.approvals}}\" }"}"#)).unwrap();
    let inner: Value = serde_json::from_str(outer["m"].as_str().unwrap()).unwrap();
    let innermost: Value = serde_json::from_str(inner["n"].as_str().unwrap()).unwrap();
    assert_eq!(innermost[0]["approver"]["name"], "Approver");
}

#[test]
fn quotes_in_a_sentence_are_not_json() {
    for sentence in [
        r#""He said \"{{data.justification}}\"""#,
        r#""[{{event_type}}] \"{{data.justification}}\"""#,
        r#""[Apono] \"{{data.justification}}\"""#,
        r#""{{event_type}} {\"{{data.justification}}\"}""#,
    ] {
        let rendered: Value = serde_json::from_str(&body(sentence)).unwrap();
        assert!(rendered.as_str().unwrap().contains("\"a \"b\"\nc\\\""), "{rendered}");
    }
}

#[test]
fn the_depth_is_tracked_through_blocks() {
    let source = r#"{"m": "{ {{#each data.custom_fields}}\"{{@key}}\": \"{{this}}\"{{#unless @last}},{{/unless}}{{/each}} }", "n": "{{~#if data.justification~}} {{data.justification}} {{~else~}} none {{~/if~}}", {{!-- " --}} "o": [{{#each data.approvals}}{{#if @index}},{{/if}}"{{approver.name}}"{{/each}}]}"#;
    let outer: Value = serde_json::from_str(&body(source)).unwrap();
    let inner: Value = serde_json::from_str(outer["m"].as_str().unwrap()).unwrap();
    assert_eq!(inner, json!({ "ticket": "SEC-42" }));
    assert_eq!(outer["n"], "a \"b\"\nc\\");
    assert_eq!(outer["o"], json!(["Approver"]));
}

#[test]
fn blocks_that_open_or_close_a_string_are_rejected() {
    for (source, expected) in [
        (
            r#"{"a": {{#if data.id}}"x{{else}}1{{/if}}}"#,
            "line 1, column 7: the branches of this {{#if}} end differently",
        ),
        (
            r#"{"a": {{#if data.id}}"x{{/if}}"}"#,
            "{{#if}} starts inside a JSON string and ends outside",
        ),
        (
            r#"["{{#each data.approvals}}{{name}}","{{/each}}{{#each data.approvals}}"{{/each}}"]"#,
            "{{#each}} starts inside",
        ),
        (r#"{"a": "C:\\{{data.id}}"}"#, "Handlebars removes one \\"),
    ] {
        let message = error(OutputContext::JsonBody, source);
        assert!(message.contains(expected), "{source}: {message}");
    }
    assert_eq!(body(r#"{"a": "C:\\\{{data.id}}"}"#), r#"{"a": "C:\\123"}"#);
    assert_eq!(
        body(r#"{"a": {{#if data.id}}"{{data.id}}{{else}}"none{{/if}}"}"#),
        r#"{"a": "123"}"#
    );
}

#[test]
fn text_other_than_json_is_not_escaped() {
    assert_eq!(text("{{data.justification}} \"{{data.id}}\""), "a \"b\"\nc\\ \"123\"");
    assert_eq!(text("[{{data.id}}] {{data.justification}}"), "[123] a \"b\"\nc\\");
    let json = render_with(
        OutputContext::TextBody,
        "{\"a\": \"{{data.justification}}\"}",
        &data("\"O'Neil\""),
    );
    assert_eq!(json, "{\"a\": \"\\\"O'Neil\\\"\"}");
    assert!(check_json(&json).is_ok());
}

#[test]
fn forms_headers_and_urls_have_their_own_encoding() {
    let data = data("a b&c=\"d\"/../é");
    assert_eq!(
        render_with(
            OutputContext::FormBody,
            "x={{data.justification}}&y={{data.custom_fields}}",
            &data
        ),
        "x=a+b%26c%3D%22d%22%2F..%2F%C3%A9&y=%7B%22ticket%22%3A%22SEC-42%22%7D"
    );
    assert_eq!(
        render_with(
            OutputContext::Url,
            "https://h/{{data.justification}}?q={{data.justification}}",
            &data
        ),
        "https://h/a%20b%26c%3D%22d%22%2F..%2F%C3%A9?q=a%20b%26c%3D%22d%22%2F..%2F%C3%A9"
    );
    assert_eq!(
        render_with(OutputContext::Header, "Bearer {{secrets.logpoint}}", &data),
        "Bearer s3cret\""
    );
    let tab = super::data("a\tb");
    assert_eq!(render_with(OutputContext::Header, "{{data.justification}}", &tab), "a\tb");
    let broken = super::data("a\r\nX-Evil: 1");
    let error = try_render(OutputContext::Header, "{{data.justification}}", &broken)
        .unwrap_err()
        .to_string();
    assert!(error.contains("line break"), "{error}");
}

#[test]
fn a_value_cannot_change_the_path_of_a_url() {
    for value in ["..", "."] {
        let error =
            try_render(OutputContext::Url, "https://h/a/{{data.justification}}/b", &data(value))
                .unwrap_err();
        assert!(error.to_string().contains("leads to another address"));
    }
    assert!(
        try_render(OutputContext::Url, "https://h/a/.{{data.justification}}", &data(".")).is_err()
    );
    assert!(
        try_render(OutputContext::Url, "https://h/a/%2e{{data.justification}}", &data("."))
            .is_err()
    );
    assert!(
        try_render(OutputContext::Url, "https://h/a?x={{data.justification}}", &data("..")).is_ok()
    );
    assert!(
        try_render(OutputContext::Url, "https://h/a/{{data.justification}}", &data("a..b")).is_ok()
    );
    assert!(try_render(OutputContext::Url, "https://h/../a", &data("")).is_err());
}
