//! The Handlebars dialect, as in Apono's documentation.

use super::*;

#[test]
fn documented_constructs_work() {
    assert_eq!(text("{{event_type}}"), "AccessRequestGranted");
    assert_eq!(text("{{ data.requester.email }}"), "user@example.com");
    assert_eq!(text("{{data.access_groups.[0].integration.name}}"), "prod db");
    assert_eq!(text("{{data.access_groups.[0].[integration].name}}"), "prod db");
    assert_eq!(text("{{data.access_groups.0.integration.name}}"), "prod db");
    assert_eq!(
        body("{\"event_time\": \"{{event_time}}\"}"),
        "{\"event_time\": \"1696263265.851898000\"}"
    );
    assert_eq!(body("{\"metadata\": \"{{data.metadata}}\"}"), "{\"metadata\": \"\"}");
    assert_eq!(
        body(r#"{"message": "{ \"id\": \"{{ data.id }}\" }"}"#),
        r#"{"message": "{ \"id\": \"123\" }"}"#
    );
}

#[test]
fn blocks_choose_repeat_and_nest() {
    assert_eq!(text("{{#if data.justification}}yes{{else}}no{{/if}}"), "yes");
    assert_eq!(text("{{#if data.nothing}}yes{{/if}}"), "");
    assert_eq!(text("{{#unless data.nothing.at.all}}none{{/unless}}"), "none");
    assert_eq!(
        text("{{#if delivery.nothing_}}{{/if}}x".replace("delivery.nothing_", "data.no").as_str()),
        "x"
    );
    assert_eq!(
        text("{{#if (eq event_type 'A')}}a{{else if (eq delivery.attempt 2)}}b{{else}}c{{/if}}"),
        "b"
    );
    assert_eq!(
        text("{{#with data.requester}}{{name}} {{email}}{{/with}}"),
        "User user@example.com"
    );
    assert_eq!(text("{{#with data.nothing}}x{{else}}none{{/with}}"), "none");
    assert_eq!(
        text("{{#each data.approvals}}{{@index}}{{approver.name}}{{@last}}{{else}}auto{{/each}}"),
        "0Approvertrue"
    );
    assert_eq!(text("{{#each data.nothing}}x{{else}}auto{{/each}}"), "auto");
    assert_eq!(text("{{#each data.custom_fields}}{{@key}}={{this}};{{/each}}"), "ticket=SEC-42;");
    assert_eq!(
        text(
            "{{#each data.access_groups as |group i|}}{{i}}:{{group.integration.id}}:{{../event_type}}{{/each}}"
        ),
        "0:integration-1:AccessRequestGranted"
    );
    assert_eq!(
        text(
            "{{#each data.access_groups}}{{#each access_units}}{{../integration.name}}/{{resource.name}}/\
             {{@../index}}{{@root.data.id}}{{/each}}{{/each}}"
        ),
        "prod db/DB 1/0123"
    );
    assert_eq!(
        text(
            "{{#each data.access_groups}}{{#with integration}}{{@index}}{{name}}{{/with}}{{/each}}"
        ),
        "0prod db"
    );
}

#[test]
fn sections_lengths_and_characters_work() {
    assert_eq!(
        text("{{#data.approvals}}{{name}}: {{approver.name}}{{/data.approvals}}"),
        "Approver group: Approver"
    );
    assert_eq!(
        text("{{^data.nothing}}none{{/data.nothing}}{{^data.id}}x{{else}}{{.}}{{/data.id}}"),
        "none123"
    );
    assert_eq!(
        text("{{#data.requester}}{{email}} {{../event_type}}{{/data.requester}}"),
        "user@example.com AccessRequestGranted"
    );
    assert_eq!(
        text(
            "{{#if data.approvals.length}}{{data.approvals.length}}{{/if}}{{data.friendly_id.length}}"
        ),
        "16"
    );
    assert_eq!(
        text("{{data.friendly_id.[0]}}{{#each data.approvals}}{{@key}}{{/each}}{{\"event_type\"}}"),
        "A0AccessRequestGranted"
    );
    assert_eq!(
        body("[{{#data.approvals}}{{name}}{{^@last}},{{/@last}}{{/data.approvals}}]"),
        "[\"Approver group\"]"
    );
    let error =
        error(OutputContext::JsonBody, "[{{#data.approvals}}\"{{name}}{{/data.approvals}}\"]");
    assert!(error.contains("{{#data.approvals}} starts inside"), "{error}");
}

#[test]
fn comments_whitespace_control_and_escapes_work() {
    assert_eq!(text("a{{! {{x}} }}b"), "a }}b");
    assert_eq!(text("a{{!-- {{x}} --}}b"), "ab");
    assert_eq!(text("a  {{~event_type~}}  b"), "aAccessRequestGrantedb");
    assert_eq!(text("a\n  {{#if data.id}}\n  b\n  {{/if}}\nc"), "a\n  b\nc");
    assert_eq!(text("\\{{event_type}}"), "{{event_type}}");
}

#[test]
fn helpers_can_be_nested() {
    assert_eq!(text("{{upper (default data.nothing 'none')}}"), "NONE");
    assert_eq!(text("{{join data.approvals '; ' 'approver.email'}}"), "approver@example.com");
    assert_eq!(text("{{date event_time '%Y-%m-%d'}}"), "2023-10-02");
    assert_eq!(
        text("{{#with (first data.access_groups)}}{{integration.type}}{{/with}}"),
        "Postgresql"
    );
    assert_eq!(text("{{#if (and data.id (not data.nothing))}}ok{{/if}}"), "ok");
    assert_eq!(body("[{{json data.custom_fields}}]"), "[{\"ticket\":\"SEC-42\"}]");
    assert_eq!(
        body("[{{data.access_duration_in_seconds}}, {{event_time}}]"),
        "[3600, 1696263265.851898000]"
    );
}

#[test]
fn errors_name_the_position_and_the_fix() {
    for (source, expected) in [
        (
            "\n  {{data.access_groups[0].x}}",
            "line 2, column 23: an index needs a dot before the bracket: write {{data.access_groups.[0].x}}",
        ),
        ("{{{data.id}}}", "skip escaping: write {{x}}"),
        ("{{&data.id}}", "skip escaping"),
        ("{{lookup data 'id'}}", "the helper \"lookup\" does not exist: write the path itself"),
        ("{{log data}}", "a template only produces output"),
        ("{{> other}}", "partials"),
        ("{{* other}}", "decorators"),
        ("{{{{raw}}}}{{{{/raw}}}}", "raw blocks"),
        (
            "{{#list data.id}}{{/list}}",
            "the block #list does not exist: use #if, #unless, #each or #with",
        ),
        ("{{#each}}{{/each}}", "#each takes one value, such as {{#each data.access_groups}}"),
        ("{{shout data.id}}", "the helper \"shout\" does not exist: use json, join"),
        ("{{#if (shout data.id)}}{{/if}}", "line 1, column 8: the helper \"shout\""),
        ("{{truncate data.id}}", "truncate takes a text and a number"),
        ("{{truncate data.id 'x'}}", "truncate takes a text and a number"),
        ("{{date event_time '%Q'}}", "\"%Q\" is not a date format"),
        ("{{join data.approvals between=1}}", "join has no option \"between=\""),
        ("{{data..id}}", "\"data..id\" is not a valid placeholder"),
        (
            "ok {{event_type}}\n{{ data. }}",
            "line 2, column 1: \"data.\" is not a valid placeholder",
        ),
        (
            "{{secrets.logpiont}}",
            "there is no secret named \"logpiont\" that this webhook may use: add it, or correct the name; did you mean logpoint?",
        ),
        ("{{#each secrets}}{{this}}{{/each}}", "one by one"),
        ("{{@index}}", "only within {{#each}}"),
    ] {
        let message = error(OutputContext::JsonBody, source);
        assert!(message.contains(expected), "{source}: {message}");
        assert!(message.chars().count() <= 300, "{message}");
    }
}

#[test]
fn secrets_are_rendered_only_by_name() {
    assert_eq!(text("{{secrets.logpoint}}"), "s3cret\"");
    for whole in [
        "{{json this}}",
        "{{this}}",
        "{{json @root}}",
        "{{#each this}}{{json this}}{{/each}}",
        "{{#with this}}{{json this}}{{/with}}",
    ] {
        let rendered = text(whole);
        assert!(rendered.contains("AR-123") && !rendered.contains("s3cret"), "{whole}: {rendered}");
    }
    let template = Template::compile(
        "{{secrets.b}}{{#if data.id}}{{@root.secrets.a}}{{secrets.b}}{{/if}}",
        OutputContext::Url,
    )
    .unwrap();
    assert_eq!(template.secrets(), ["a", "b"]);
    let template = Template::compile("{{secrets.b}}", OutputContext::Header).unwrap();
    assert!(
        !format!("{:?}", Template::compile("Bearer abc", OutputContext::Header).unwrap())
            .contains("abc")
    );
    assert_eq!((template.paths()[0].line, template.paths()[0].column), (1, 3));
}

#[test]
fn undocumented_top_level_fields_can_be_used() {
    let payload = json!({ "event_type": "X", "tenant": "acme", "secrets": "no" });
    let data = only(payload);
    assert_eq!(render_with(OutputContext::TextBody, "{{tenant}}", &data), "acme");
    assert_eq!(
        render_with(OutputContext::TextBody, "{{json this}}", &data).matches("secrets").count(),
        0
    );
    let error =
        try_render(OutputContext::TextBody, "{{secrets.no}}", &data).unwrap_err().to_string();
    assert!(error.contains("no"), "{error}");
}
