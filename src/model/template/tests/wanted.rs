//! A template is as well served by what it says that it looks at as by the whole event.

use std::sync::Arc;

use proptest::prelude::*;

use super::any_text::PUBLISHED;
use super::*;
use crate::model::event::{Event, Projection};

/// Templates that reach for the same field in roundabout field_paths.
const ROUNDABOUT: &[&str] = &[
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
    "nothing",
];

/// Renders with the whole event, and with what the template looks at; gives that part of it.
fn check(source: &str, payload: &Value) -> Value {
    let template = Template::compile(source, Place::TextBody).unwrap();
    let mut projection = Projection::default();
    for way in template.field_paths() {
        projection.add(way);
    }
    let secrets = [("logpoint".to_owned(), "s3cret".to_owned())];
    let render = |payload: &Value| {
        let data = TemplateData::new(Cow::Borrowed(payload), "d", 1, "w", &secrets);
        template.render(&data).map_err(|error| error.to_string())
    };
    let event = Event::parse(&payload.to_string()).unwrap();
    let part = event.project(&Arc::new(projection));
    assert_eq!(render(part), render(payload), "{source} of {part}");
    part.clone()
}

#[test]
fn what_it_does_not_look_at_is_not_needed() {
    for source in ROUNDABOUT.iter().chain(PUBLISHED) {
        check(source, &sample(Trigger::Granted));
        check(source, &sample(Trigger::Created));
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
    let part = json!({ "event_type": granted["event_type"], "data": data });
    assert_eq!(check(source, &granted), part);
}

#[test]
fn an_event_may_have_something_else_there() {
    for odd in [json!("text"), json!(5.0), json!(true), json!(null), json!([]), json!([[{}], 1])] {
        for field in ["requester", "access_groups", "grantee"] {
            let mut payload = sample(Trigger::Granted);
            payload["data"][field] = odd.clone();
            for source in ROUNDABOUT.iter().chain(PUBLISHED) {
                check(source, &payload);
            }
        }
    }
}

/// A path, from anywhere.
fn path() -> impl Strategy<Value = String> {
    let base = prop::sample::select(&["", "this.", "./", "../", "../../", "@root."][..]);
    let names = ["data", "requester", "email", "access_groups", "[0]", "integration", "name", "id"];
    let names = prop::collection::vec(prop::sample::select(names.to_vec()), 1..5);
    (base, names).prop_map(|(base, names)| format!("{base}{}", names.join(".")))
}

fn source() -> impl Strategy<Value = String> {
    let helpers = ["", "json ", "first ", "last ", "join "];
    let leaf = (prop::sample::select(helpers.to_vec()), path())
        .prop_map(|(helper, path)| format!("{{{{{helper}{path}}}}}"));
    leaf.prop_recursive(4, 12, 3, |inner| {
        let blocks = prop::sample::select(vec!["each", "with", "if"]);
        let over = prop_oneof![path(), path().prop_map(|path| format!("(first {path})"))];
        (blocks, over, prop::collection::vec(inner, 1..3)).prop_map(|(block, over, inner)| {
            format!("{{{{#{block} {over}}}}}{}{{{{/{block}}}}}", inner.join(" "))
        })
    })
}

proptest! {
    #[test]
    fn whatever_it_looks_at_is_there(source in source()) {
        if Template::compile(&source, Place::TextBody).is_ok() {
            check(&source, &sample(Trigger::Granted));
        }
    }
}
