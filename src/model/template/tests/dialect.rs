//! Handlebars as people know it from Apono's pages.

use super::*;

#[test]
fn the_published_constructs_work() {
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
fn blocks() {
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
    assert_eq!(text("{{#with data.nothing}}x{{else}}nobody{{/with}}"), "nobody");
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
fn comments_whitespace_and_escapes() {
    assert_eq!(text("a{{! {{x}} }}b"), "a }}b");
    assert_eq!(text("a{{!-- {{x}} --}}b"), "ab");
    assert_eq!(text("a  {{~event_type~}}  b"), "aAccessRequestGrantedb");
    assert_eq!(text("a\n  {{#if data.id}}\n  b\n  {{/if}}\nc"), "a\n  b\nc");
    assert_eq!(text("\\{{event_type}}"), "{{event_type}}");
}

#[test]
fn helpers_stand_alone_and_within_each_other() {
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
fn faults_are_told_with_their_place_and_the_way_out() {
    for (source, told) in [
        (
            "\n  {{data.access_groups[0].x}}",
            "line 2, column 23: a list entry is written with a dot before the bracket: {{data.access_groups.[0].x}}",
        ),
        ("{{{data.id}}}", "would skip the escaping: write {{x}}"),
        ("{{&data.id}}", "would skip the escaping"),
        (
            "{{lookup data 'id'}}",
            "the helper \"lookup\" does not exist here: write the path itself",
        ),
        ("{{log data}}", "a template only writes its result"),
        ("{{> other}}", "partials"),
        ("{{* other}}", "decorators"),
        ("{{{{raw}}}}{{{{/raw}}}}", "raw blocks"),
        ("{{#list data.id}}{{/list}}", "there is no block #list: use #if, #unless, #each or #with"),
        ("{{#each}}{{/each}}", "#each takes one value, such as {{#each data.access_groups}}"),
        ("{{shout data.id}}", "the helper \"shout\" does not exist here; there are json, join"),
        ("{{#if (shout data.id)}}{{/if}}", "line 1, column 8: the helper \"shout\""),
        ("{{truncate data.id}}", "truncate takes a text and a number"),
        ("{{truncate data.id 'x'}}", "truncate takes a text and a number"),
        ("{{date event_time '%Q'}}", "\"%Q\" is not a date format"),
        ("{{join data.approvals between=1}}", "join knows no \"between=\""),
        ("{{data..id}}", "this is not a placeholder that can be read: \"data..id\""),
        ("ok {{event_type}}\n{{ data. }}", "line 2, column 1: this is not a placeholder"),
        (
            "{{secrets.logpiont}}",
            "there is no secret called \"logpiont\": add it, or correct the name; did you mean logpoint?",
        ),
        ("{{upper secrets.other}}", "there is no secret called \"other\""),
        ("{{#each secrets}}{{this}}{{/each}}", "one by one"),
        ("{{@index}}", "only within {{#each}}"),
    ] {
        let message = fault(Place::JsonBody, source);
        assert!(message.contains(told), "{source}: {message}");
        assert!(message.chars().count() <= 300, "{message}");
    }
}

#[test]
fn secrets_come_out_only_by_name() {
    assert_eq!(text("{{secrets.logpoint}}"), "s3cret\"");
    assert_eq!(text("{{#with secrets.logpoint}}{{this}}{{/with}}"), "s3cret\"");
    assert_eq!(text("{{#if secrets.other}}x{{/if}}{{default secrets.other 'none'}}"), "none");
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
        Place::Url,
    )
    .unwrap();
    assert_eq!(template.secrets(), ["a", "b"]);
    let template = Template::compile("{{secrets.b}}", Place::Header).unwrap();
    assert!(
        !format!("{:?}", Template::compile("Bearer abc", Place::Header).unwrap()).contains("abc")
    );
    assert_eq!((template.paths()[0].line, template.paths()[0].column), (1, 3));
}

#[test]
fn unknown_top_level_fields_are_kept() {
    let payload = json!({ "event_type": "X", "tenant": "acme", "secrets": "no" });
    let data = only(payload);
    assert_eq!(render_with(Place::TextBody, "{{tenant}}", &data), "acme");
    assert_eq!(render_with(Place::TextBody, "{{json this}}", &data).matches("secrets").count(), 0);
    let error = try_render(Place::TextBody, "{{secrets.no}}", &data).unwrap_err().to_string();
    assert!(error.contains("no"), "{error}");
}
