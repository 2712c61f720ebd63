//! Properties of finding and replacing credentials in any draft.

use std::borrow::Cow;
use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::strategy::Union;
use serde_json::{Value, json};

use super::*;
use crate::model::Trigger;
use crate::model::event::sample;
use crate::model::webhook::{AuthDraft, TlsDraft};
use crate::template::{OutputContext, Template, TemplateData, TemplateSecret};

/// Parts of texts that matter.
const PARTS: &[&str] = &[
    "\"",
    "\\",
    "\\\"",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "=",
    "&",
    "?",
    "/",
    "://",
    "https://hooks.slack.com/services/",
    "{{",
    "}}",
    "{{data.id}}",
    "{{secrets.a}}",
    "\\{{",
    "\\\\{{x}}",
    "{{!--",
    "--}}",
    "{{#if a}}",
    "{{/if}}",
    "{{else}}",
    "token",
    "\"token\":",
    "\"pin\":12",
    "password=",
    "\"a\":",
    "hJ7k2LqP9xZv4Tn8WcR3",
    "-----BEGIN PRIVATE KEY-----",
    "-----END PRIVATE KEY-----",
    "<token>",
    "</token>",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "<a key='",
    "%22",
    "%7B%22",
    "%",
    "+",
    "&amp;",
    "\n",
    " ",
    "é",
    "😀",
    "abc",
    "1",
    "\\u0022",
    "\\ud83d",
    "Bearer ",
    "code",
    "'",
    "@",
    ":pw@",
];

const CONTENT_TYPES: [&str; 6] = [
    "application/json",
    "text/plain",
    "application/x-www-form-urlencoded",
    "text/xml",
    "text/csv",
    "a/b+json",
];

fn any_text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        6 => prop::sample::select(PARTS).prop_map(str::to_owned),
        1 => "(?s).{0,4}",
    ];
    prop::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
}

fn any_draft() -> impl Strategy<Value = Draft> {
    let texts = prop::array::uniform6(any_text());
    (texts, prop::sample::select(&CONTENT_TYPES[..])).prop_map(
        |([url, header, body, token, pem, name], content_type)| Draft {
            url: format!("https://a/{url}"),
            headers: vec![("Content-Type".to_owned(), content_type.to_owned()), (name, header)],
            body_template: body,
            authentication: AuthDraft {
                token: token.clone(),
                password: token,
                ..AuthDraft::default()
            },
            tls: TlsDraft { client_certificate: pem.clone(), pem, ..TlsDraft::default() },
            ..Draft::default()
        },
    )
}

/// A secret that no other part of a generated text contains.
fn any_secret() -> impl Strategy<Value = String> {
    prop_oneof!["[A-Za-z0-9]{8,30}", "[ -~]{8,30}", "(?s).{8,20}", "[\"\\\\%&+'<>é ]{8,20}",]
        .prop_map(|text| {
            format!("Zq9{}9", text.replace(['{', '}', '\u{10fffd}', '\u{10fffc}'], "x"))
        })
}

/// Serializes JSON, with every character of strings as an escape if it is not a letter or digit.
fn escaped(value: &Value) -> String {
    let mut result = String::new();
    for c in value.to_string().chars() {
        if c.is_ascii() {
            result.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                write!(result, "\\u{unit:04X}").unwrap();
            }
        }
    }
    result
}

/// JSON with secrets in it: in strings, lists, nested JSON.
fn any_json(secret: &str) -> impl Strategy<Value = Value> + use<> {
    let leaf = {
        prop_oneof![
            Just(json!("text")),
            Just(json!({"secret_key": secret})),
            Just(json!({"credentials": ["a", secret]})),
            Just(json!({"name": "token", "value": secret})),
            Just(json!({"Authorization": format!("Bearer {secret}")})),
            Just(json!({"pin": 1234})),
            Just(json!({"text": "{{data.friendly_id}} \"x\""})),
        ]
    };
    leaf.prop_recursive(4, 16, 3, |inner| {
        let inner = inner.boxed();
        let nested = |value: Value| {
            if value.is_object() {
                json!({"m": value.to_string()})
            } else {
                json!({"m": escaped(&json!({"n": value}))})
            }
        };
        Union::new([
            prop::collection::vec(inner.clone(), 1..3).prop_map(Value::from).boxed(),
            inner.clone().prop_map(nested).boxed(),
            (inner.clone(), inner).prop_map(|(a, b)| json!({"a": a, "b": b})).boxed(),
        ])
    })
}

/// A rendered text with the JSON in its strings parsed, and numbers as texts.
fn parsed(value: Value) -> Value {
    match value {
        Value::String(text) => match serde_json::from_str::<Value>(&text) {
            Ok(inner @ (Value::Object(_) | Value::Array(_))) => json!({"parsed": parsed(inner)}),
            _ => Value::String(text),
        },
        Value::Number(number) => Value::String(number.to_string()),
        Value::Array(items) => items.into_iter().map(parsed).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(name, value)| (name, parsed(value))).collect()
        }
        other @ (Value::Null | Value::Bool(_)) => other,
    }
}

fn rendered(source: &str, context: OutputContext, secrets: &[(String, String)]) -> String {
    let secrets: Vec<TemplateSecret<'_>> = secrets
        .iter()
        .map(|(name, value)| TemplateSecret { name, value, label: "[secret]" })
        .collect();
    let template = Template::compile(source, context);
    let template = template.unwrap_or_else(|error| panic!("{source}: {error}"));
    let payload = Cow::Owned(sample(Trigger::Created));
    let data = TemplateData::new(payload, "d", 1, "w", &secrets);
    template.render(&data).unwrap_or_else(|error| panic!("{source}: {error}"))
}

/// The texts of a generated draft, which its debug output redacts.
fn texts(draft: &Draft) -> String {
    let tls = (&draft.tls.client_key, &draft.tls.client_certificate, &draft.tls.pem);
    let parts =
        (&draft.url, &draft.headers, &draft.body_template, &draft.authentication.token, tls);
    format!("{parts:?}")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(512)))]

    #[test]
    fn after_replacing_everything_nothing_is_found(draft in any_draft()) {
        let (after, _) = replaced(&draft);
        let again = Credentials::find(&after);
        prop_assert!(again.is_empty(), "{:?}\nbefore: {}\nafter: {}", again, texts(&draft), texts(&after));
    }

    #[test]
    fn replacing_some_keeps_the_places_of_the_others(draft in any_draft(), parity in 0_usize..2) {
        let credentials = Credentials::find(&draft);
        let mut index = 0;
        let after = credentials.replace(&draft, |one| {
            index += 1;
            (index % 2 == parity).then(|| one.suggested.clone())
        });
        let needs_name = credentials.iter().filter(|one| !one.is_only_removed);
        let kept: Vec<&str> =
            needs_name.enumerate().filter(|(index, _)| (index + 1) % 2 != parity).map(|(_, one)| one.place.as_str()).collect();
        let found = found(&after);
        let found: Vec<&str> = found.iter().map(|(place, _)| place.as_str()).collect();
        prop_assert_eq!(found, kept, "before: {}\nafter: {}", texts(&draft), texts(&after));
    }

    #[test]
    fn json_renders_to_the_same_value(
        (secret, body) in any_secret().prop_flat_map(|secret| (Just(secret.clone()), any_json(&secret))),
        is_escaped: bool,
    ) {
        let text = if is_escaped { escaped(&body) } else { body.to_string() };
        let draft = with_body("application/json", &text);
        let (after, secrets) = replaced(&draft);
        prop_assert!(!after.body_template.contains("Zq9"), "{}", after.body_template);
        prop_assert_eq!(text.contains("Zq9"), secrets.iter().any(|(_, value)| *value == secret));
        let render = |source: &str, secrets: &[(String, String)]| {
            let text = rendered(source, OutputContext::JsonBody, secrets);
            parsed(serde_json::from_str(&text).unwrap())
        };
        prop_assert_eq!(render(&text, &[]), render(&after.body_template, &secrets), "{}", after.body_template);
    }

    #[test]
    fn other_texts_render_to_the_same_text(secret in any_secret()) {
        let form = ::url::form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>();
        let xml = secret.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
        for (context, content_type, source) in [
            (OutputContext::FormBody, CONTENT_TYPES[2], format!("a=1&token={form}&b={{{{data.friendly_id}}}}")),
            (OutputContext::XmlBody, "text/xml", format!("<a><token>{xml}</token><b c=\"{{{{data.id}}}}\" password=\"{xml}\"/></a>")),
        ] {
            let draft = with_body(content_type, &source);
            let (after, secrets) = replaced(&draft);
            prop_assert!(!after.body_template.contains("Zq9"), "{}", after.body_template);
            let decode = |text: String| if context == OutputContext::FormBody { View::of_text(&text).decode_percent(true).text().to_owned() } else { View::of_text(&text).decode_xml().text().to_owned() };
            let has_controls = secret.contains(|c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'));
            if context == OutputContext::FormBody || !has_controls {
                prop_assert_eq!(decode(rendered(&source, context, &[])), decode(rendered(&after.body_template, context, &secrets)));
            }
        }
        let draft = with_url(&format!("https://a/x?y={{{{data.id}}}}&sig={form}"));
        let (after, secrets) = replaced(&draft);
        prop_assert!(!after.url.contains("Zq9"), "{}", after.url);
        let decode = |text: String| View::of_text(&text).decode_percent(true).text().to_owned();
        prop_assert_eq!(
            decode(rendered(&draft.url, OutputContext::Url, &[])),
            decode(rendered(&after.url, OutputContext::Url, &secrets))
        );
        if !secret.contains(char::is_control) {
            let draft = with_header("Authorization", &format!("Bearer {secret}"));
            let (after, secrets) = replaced(&draft);
            prop_assert_eq!(&after.headers[0].1, "Bearer {{secrets.authorization}}");
            let sent = rendered(&after.headers[0].1, OutputContext::Header, &secrets);
            prop_assert_eq!(sent.trim_end(), draft.headers[0].1.trim_end());
        }
    }
}

#[test]
fn a_large_body_is_searched_quickly() {
    for part in PARTS {
        let body = part.repeat(16 * 1024 / part.len());
        for content_type in CONTENT_TYPES.into_iter().take(4) {
            let start = std::time::Instant::now();
            drop(replaced(&with_body(content_type, &body)));
            let elapsed = start.elapsed();
            assert!(elapsed.as_secs() < 2, "{part} as {content_type}: {elapsed:?}");
        }
    }
}
