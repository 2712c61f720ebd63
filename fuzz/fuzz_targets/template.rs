//! A template renders within its budget, and what a JSON body inserts cannot break the JSON around it.
#![no_main]

use std::borrow::Cow;

use gatepost::model::Trigger;
use gatepost::model::event::sample;
use gatepost::template::{OutputContext, Template, TemplateData, check_json};
use libfuzzer_sys::fuzz_target;

const CONTEXTS: [OutputContext; 6] = [
    OutputContext::JsonBody,
    OutputContext::FormBody,
    OutputContext::XmlBody,
    OutputContext::CsvBody,
    OutputContext::Header,
    OutputContext::Url,
];

fuzz_target!(|input: (u8, &str, &str)| {
    let (context, source, value) = input;
    let mut payload = sample(Trigger::Granted);
    payload["data"]["justification"] = value.into();
    let data = TemplateData::new(Cow::Borrowed(&payload), "delivery", 1, "webhook", &[]);
    let context = CONTEXTS[usize::from(context) % CONTEXTS.len()];
    if let Ok(template) = Template::compile(source, context) {
        let _rendered = template.render(&data);
    }
    let body = r#"{"text": "{{data.justification}}", "value": {{data.justification}}}"#;
    if let Ok(body) = Template::compile(body, OutputContext::JsonBody) {
        let rendered = body.render(&data).expect("the template is valid");
        assert!(check_json(&rendered).is_ok(), "{rendered}");
    }
});
