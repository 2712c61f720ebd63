//! Tests of the public behavior: dialect, escaping, limits, and published templates with arbitrary texts.

mod any_text;
mod contexts;
mod dialect;
mod formats;
mod limits;
mod lookalikes;
mod scanner;
mod secrets;

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{OutputContext, Template, TemplateData, TemplateError, TemplateSecret};

/// The documented event.
fn event() -> Value {
    serde_json::from_str(include_str!("event.json")).unwrap()
}

/// The secrets of the tests.
const SECRETS: &[TemplateSecret<'static>] = &[
    TemplateSecret { name: "logpoint", value: "s3cret\"", label: "[secret:logpoint]" },
    TemplateSecret { name: "number", value: "12345", label: "[secret:number]" },
];

/// The documented event with this justification, and a secret.
fn data(justification: &str) -> TemplateData<'static> {
    let mut payload = event();
    payload["data"]["justification"] = json!(justification);
    TemplateData::new(Cow::Owned(payload), "019ac3f2", 2, "Logpoint \"A\"", SECRETS)
}

/// Another payload, without secrets.
fn only(payload: Value) -> TemplateData<'static> {
    TemplateData::new(Cow::Owned(payload), "d", 1, "w", &[])
}

fn try_render(
    context: OutputContext,
    source: &str,
    data: &TemplateData<'_>,
) -> Result<String, TemplateError> {
    Template::compile(source, context)?.render(data)
}

fn render_with(context: OutputContext, source: &str, data: &TemplateData<'_>) -> String {
    try_render(context, source, data).unwrap_or_else(|error| panic!("{source}: {error}"))
}

fn body(source: &str) -> String {
    render_with(OutputContext::JsonBody, source, &data("a \"b\"\nc\\"))
}

fn text(source: &str) -> String {
    render_with(OutputContext::TextBody, source, &data("a \"b\"\nc\\"))
}

fn error(context: OutputContext, source: &str) -> String {
    try_render(context, source, &data("x")).unwrap_err().to_string()
}
