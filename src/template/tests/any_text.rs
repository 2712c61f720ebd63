//! Property: published templates with arbitrary texts in all fields render valid JSON at every level, with
//! the same texts in it.

use proptest::prelude::*;

use super::*;
use crate::template::check_json;

/// Bodies from Apono's documentation and presets, and of calls to Logpoint.
const PUBLISHED: &[&str] = &[
    r#"{"event_type": "{{event_type}}", "event_time": "{{event_time}}", "metadata": "{{data.metadata}}", "email": "{{ data.requester.email }}", "integration": "{{data.access_groups.[0].[integration].name}}", "groups": "{{data.access_groups}}", "fields": {{data.custom_fields}}}"#,
    r#"{"ddsource":"apono","ddtags":"env:{{data.custom_fields.ticket}}","hostname":"apono","message":"{ \"event_type\": \"{{event_type}}\", \"event_time\": {{event_time}}, \"id\": \"{{ data.id }}\", \"justification\": \"{{data.justification}}\", \"grantee\": {{json data.grantee}}, \"groups\": {{data.access_groups}} }","service":"apono"}"#,
    r#"{"message":"{ \"id\": \"{{data.friendly_id}}\", \"requester\": { \"name\": \"{{data.requester.name}}\" }, \"flow\": \"{{data.access_flow.name}}\" }","type":"Apono"}"#,
    r#"{"alias":"apono-webhook","integration_type_fields":"{ \"event\": \"{{event_type}}\", \"deeper\": \"{ \\\"why\\\": \\\"{{data.justification}}\\\", \\\"deepest\\\": \\\"{ \\\\\\\"who\\\\\\\": \\\\\\\"{{data.requester.name}}\\\\\\\" }\\\" }\" }"}"#,
    r#"{"title":"Apono - New {{event_type}} made by {{data.requester.name}}","message":{"shortMessage":"{ \"approvals\": [{{#each data.approvals}}{ \"{{name}}\": \"{{approver.email}}\" }{{#unless @last}}, {{/unless}}{{/each}}] }"}}"#,
    r#"{"caused_by":"{{ data.requester.name }}","short_description":"{{ data.access_groups.[0].integration.name }}","cause":"{{ event_type }}","description":"{ \"justification\": \"{{data.justification}}\" }"}"#,
    r#"{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","content":{"type":"AdaptiveCard","version":"1.2","body":[{{#each data.access_groups}}{"type":"TextBlock","text":"{{integration.name}}: {{#each access_units}}{{resource.path}} ({{permission.name}}){{#unless @last}}, {{/unless}}{{/each}}"}{{#unless @last}},{{/unless}}{{/each}}]}}]}"#,
    r#"{"fields":{"event type":"{{event_type}}","requester":"{{data.requester.email}}"}}"#,
    r#"{"body":{"event":"New Apono {{event_type}} request made by {{data.requester.name}}"}}"#,
    r#"{"text": "*{{data.requester.name}}* asked for \"{{data.access_groups.[0].integration.name}}\": {{#if data.justification}}{{data.justification}}{{else}}no reason{{/if}}"}"#,
    r#"{"username": "svc", "secret_key": "{{secrets.logpoint}}", "requestData": {"version": "0.1", "states": [{"_id": "5a62bd8cce983de89085429c", "comments": ["{{event_type}} {{data.friendly_id}} by {{data.requester.email}}: {{data.justification}} [{{delivery.id}}]"]}]}}"#,
    r#"{"custom": { {{#each data.custom_fields}}"{{@key}}": "{{this}}"{{#unless @last}},{{/unless}}{{/each}} }, "all": {{json this}}, "upper": "{{truncate data.justification 100000}}"}"#,
    r#"{{#if data.justification}}{"why": {{data.justification}}}{{else}}{"why": null}{{/if}}"#,
];

/// Replaces every text of the payload. Numbers, keys and the structure stay.
fn with_texts(value: &Value, next: &mut impl FnMut() -> String) -> Value {
    match value {
        Value::String(_) => json!(next()),
        Value::Array(list) => list.iter().map(|entry| with_texts(entry, next)).collect(),
        Value::Object(map) if map.contains_key("ticket") => json!({ next(): next() }),
        Value::Object(map) => Value::Object(
            map.iter().map(|(key, value)| (key.clone(), with_texts(value, next))).collect(),
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn data_of(texts: &[String]) -> TemplateData<'static> {
    let mut texts = texts.iter().cycle().cloned();
    let payload = with_texts(&event(), &mut || texts.next().unwrap());
    let value: &str = Box::leak(texts.next().unwrap().into_boxed_str());
    let secrets = [TemplateSecret { name: "logpoint", value, label: "[secret:logpoint]" }];
    TemplateData::new(Cow::Owned(payload), "d", 1, "w", Box::leak(Box::new(secrets)))
}

fn token(index: usize) -> String {
    format!("token{index:03}end")
}

/// Compares the output for harmless tokens with that for hostile texts, at every level.
fn compare(
    harmless: &Value,
    hostile: &Value,
    swap: &dyn Fn(&str) -> String,
) -> Result<(), TestCaseError> {
    match (harmless, hostile) {
        (Value::Object(a), Value::Object(b)) => {
            prop_assert_eq!(a.len(), b.len());
            for ((key, value), (other_key, other)) in a.iter().zip(b) {
                prop_assert_eq!(&swap(key), other_key);
                compare(value, other, swap)?;
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            prop_assert_eq!(a.len(), b.len());
            for (value, other) in a.iter().zip(b) {
                compare(value, other, swap)?;
            }
        }
        (Value::String(a), Value::String(b)) => match serde_json::from_str::<Value>(a) {
            Ok(inner) if inner.is_object() || inner.is_array() => {
                prop_assert!(check_json(b).is_ok(), "{}", b);
                compare(&inner, &serde_json::from_str(b).unwrap(), swap)?;
            }
            _ => prop_assert_eq!(&swap(a), b),
        },
        (a, b) => prop_assert_eq!(a, b),
    }
    Ok(())
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "(?s).{1,30}",
        "[\"\\\\{}\\[\\]\n\r\t\u{0}\u{1f}/'<&a ]{1,30}",
        "(\\{\\{|\\}\\}|\\\\u0022|\\\\|\"|\u{2028}|\u{1f600}|,){1,12}",
    ]
}

/// Number of texts in the payload.
const TEXTS: usize = 48;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn published_templates_preserve_every_text(
        template in proptest::sample::select(PUBLISHED),
        texts in prop::collection::vec(any_text(), TEXTS),
    ) {
        let compiled = Template::compile(template, OutputContext::JsonBody).unwrap();
        let tokens: Vec<_> = (0..TEXTS).map(token).collect();
        let harmless = compiled.render(&data_of(&tokens)).unwrap();
        let hostile = compiled.render(&data_of(&texts)).unwrap();
        prop_assert!(check_json(&harmless).is_ok(), "{}: {:?}", harmless, check_json(&harmless));
        prop_assert!(check_json(&hostile).is_ok(), "{}: {:?}", hostile, check_json(&hostile));
        let swap = |text: &str| {
            // In one pass, because a text may look like a token.
            let mut swapped = String::new();
            let mut rest = text;
            while let Some((before, after)) = rest.split_once("token") {
                swapped.push_str(before);
                let (index, after) = after.split_once("end").unwrap();
                swapped.push_str(&texts[index.parse::<usize>().unwrap()]);
                rest = after;
            }
            swapped + rest
        };
        let harmless: Value = serde_json::from_str(&harmless).unwrap();
        compare(&harmless, &serde_json::from_str(&hostile).unwrap(), &swap)?;
    }

    #[test]
    fn any_source_compiles_or_is_rejected_without_panic(
        source in "(\\{\\{|\\}\\}|#if |#each |/if|/each|else|data|\\.|\\[0\\]|\"|'|\\\\|~|!|--|\\(|\\)|eq | |\n|\\{|\\}|[|a1@=]){0,40}",
        context in prop_oneof![Just(OutputContext::JsonBody), Just(OutputContext::TextBody), Just(OutputContext::Url)],
    ) {
        if let Ok(template) = Template::compile(&source, context) {
            drop(template.render(&data("x")));
        }
    }
}
