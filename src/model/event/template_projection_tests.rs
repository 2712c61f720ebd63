//! Property: a template renders the same from the fields that it declares as from the complete event.

use std::borrow::Cow;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Event, Projection, sample};
use crate::model::Trigger;
use crate::model::webhook::preset::PRESETS;
use crate::template::{OutputContext, Template, TemplateData, TemplateSecret};

/// Templates that read fields in unusual ways.
const UNUSUAL: &[&str] = &[
    "{{data.friendly_id}} {{this.data.friendly_id}} {{./data.friendly_id}} {{@root.data.friendly_id}}",
    "{{#with data}}{{friendly_id}} {{../event_type}} {{@root.event_time}}{{/with}}",
    "{{#with data.requester}}{{email}} {{../data.id}}{{#with ../data}}{{status}}{{/with}}{{/with}}",
    "{{#each data.access_groups}}{{integration.name}} {{../event_type}} {{#each access_units}}{{@root.data.id}} {{../id}}{{/each}}{{/each}}",
    "{{#each data.access_groups as |group number|}}{{number}} {{group.integration.type}}{{/each}}",
    "{{#each (first data.access_groups)}}{{@key}} {{this}}{{/each}}",
    "{{#with (first data.access_groups)}}{{integration.name}}{{/with}}",
    "{{join data.access_groups.[0].access_units}} {{data.access_groups.[0].[integration].name}}",
    "{{#if data.justification}}{{data.grantee.name}}{{else}}{{data.requester.name}}{{/if}}",
    "{{default data.nothing (upper data.requester.email)}}",
    "{{json this}}",
    "{{#each this}}{{@key}} {{/each}}",
    "{{#with this}}{{data.id}}{{/with}}",
    "{{json data}}",
    "{{data}} {{data.id}}",
    "{{delivery.id}} {{webhook.name}}",
    "{{#data.access_groups}}{{integration.name}} {{../event_type}}{{#access_units}}{{.}}{{/access_units}}{{/data.access_groups}}",
    "{{#data.requester}}{{email}} {{../event_type}}{{/data.requester}}{{^data.nothing}}{{event_type}}{{/data.nothing}}",
    "{{#data.requester}}{{data.id}}{{event_type}}{{#name}}{{.}}{{event_time}}{{/name}}{{/data.requester}}",
    "{{#data.requester.name}}{{.}} {{length}} {{#data}}{{id}}{{/data}}{{/data.requester.name}}",
    "{{data.access_groups.length}} {{data.friendly_id.length}} {{data.friendly_id.[0]}} {{data.requester.length}} {{length}}",
    "{{#if data.approvals.length}}{{data.approvals.length}}{{/if}} {{#with data.justification}}{{length}}{{/with}}",
    "{{#each data.access_groups}}{{access_units.length}}{{integration.name.length}}{{@key}}{{/each}}",
    "nothing",
];

/// The unusual templates and those of the presets.
fn templates() -> Vec<String> {
    let presets = PRESETS.iter().map(|preset| preset.draft().body_template);
    UNUSUAL.iter().map(|source| (*source).to_owned()).chain(presets).collect()
}

/// Compares the output for the complete payload with that for the projected one. Returns the latter.
fn check(source: &str, payload: &Value) -> Value {
    let template = Template::compile(source, OutputContext::TextBody).unwrap();
    let mut projection = Projection::default();
    for path in template.field_paths() {
        projection.add(path);
    }
    let secret = TemplateSecret { name: "logpoint", value: "s3cret", label: "[secret:logpoint]" };
    let secrets = [secret];
    let render = |payload: &Value| {
        let data = TemplateData::new(Cow::Borrowed(payload), "d", 1, "w", &secrets);
        template.render(&data).map_err(|error| error.to_string())
    };
    let event = Event::parse(&payload.to_string()).unwrap();
    let projected = event.project(&Arc::new(projection));
    assert_eq!(render(projected), render(payload), "{source} with {projected}");
    projected.clone()
}

#[test]
fn templates_render_from_the_fields_they_declare() {
    for source in templates() {
        check(&source, &sample(Trigger::Granted));
        check(&source, &sample(Trigger::Created));
    }
    let granted = sample(Trigger::Granted);
    assert_eq!(check("nothing", &granted), json!({}));
    assert_eq!(check("{{json this}}", &granted), granted);
    assert_eq!(
        check("{{#with data}}{{id}}{{/with}}", &granted),
        json!({ "data": granted["data"] })
    );
    let source = "{{event_type}} {{data.id}} {{data.requester.email}} {{data.requester}}";
    let data = json!({ "id": granted["data"]["id"], "requester": granted["data"]["requester"] });
    let expected = json!({ "event_type": granted["event_type"], "data": data });
    assert_eq!(check(source, &granted), expected);
}

#[test]
fn fields_may_have_unexpected_types() {
    for odd in [
        json!("text"),
        json!(5.0),
        json!(true),
        json!(false),
        json!({}),
        json!(null),
        json!([]),
        json!([[{}], 1]),
    ] {
        for field in ["requester", "access_groups", "grantee"] {
            let mut payload = sample(Trigger::Granted);
            payload["data"][field] = odd.clone();
            for source in templates() {
                check(&source, &payload);
            }
        }
    }
}

fn path() -> impl Strategy<Value = String> {
    let base = prop::sample::select(&["", "this.", "./", "../", "../../", "@root."][..]);
    let names = [
        "data",
        "requester",
        "email",
        "access_groups",
        "[0]",
        "integration",
        "name",
        "id",
        "length",
        "active",
    ];
    let names = prop::collection::vec(prop::sample::select(names.to_vec()), 1..5);
    let long = (base, names).prop_map(|(base, names)| format!("{base}{}", names.join(".")));
    let short = prop::sample::select(vec![
        "this",
        ".",
        "..",
        "data.active",
        "data",
        "data.requester",
        "length",
    ]);
    prop_oneof![3 => long, 1 => short.prop_map(str::to_owned)]
}

fn source() -> impl Strategy<Value = String> {
    let helpers = ["", "json ", "first ", "last ", "join "];
    let leaf = (prop::sample::select(helpers.to_vec()), path())
        .prop_map(|(helper, path)| format!("{{{{{helper}{path}}}}}"));
    leaf.prop_recursive(4, 12, 3, |inner| {
        let blocks = prop::sample::select(vec!["each", "with", "if"]);
        let over = prop_oneof![path(), path().prop_map(|path| format!("(first {path})"))];
        let inner = prop::collection::vec(inner, 1..3).prop_map(|inner| inner.join(" "));
        let section = (path(), inner.clone(), inner.clone()).prop_map(|(path, inner, other)| {
            format!("{{{{#{path}}}}}{inner}{{{{else}}}}{other}{{{{/{path}}}}}")
        });
        let block = (blocks, over, inner).prop_map(|(block, over, inner)| {
            format!("{{{{#{block} {over}}}}}{inner}{{{{/{block}}}}}")
        });
        prop_oneof![section, block]
    })
}

proptest! {
    #[test]
    fn any_template_renders_from_the_fields_it_declares(source in source()) {
        if Template::compile(&source, OutputContext::TextBody).is_ok() {
            let mut payload = sample(Trigger::Granted);
            check(&source, &payload);
            // Sections of `true` do not change `this`.
            payload["data"]["active"] = json!(true);
            payload["data"]["requester"] = json!(true);
            check(&source, &payload);
        }
    }
}
