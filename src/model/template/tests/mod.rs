//! What templates promise, from outside: the dialect, the places, the bounds, and the published templates.

mod any_text;
mod bounds;
mod dialect;
mod places;
mod scan;
mod wanted;

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{Place, Template, TemplateData, TemplateError};
use crate::model::Trigger;
use crate::model::event::sample;

/// The documented event, with a text that a person typed.
fn data(justification: &str) -> TemplateData<'static> {
    let mut payload = sample(Trigger::Granted);
    payload["data"]["justification"] = json!(justification);
    let secrets = [("logpoint".to_owned(), "s3cret\"".to_owned())];
    TemplateData::new(Cow::Owned(payload), "019ac3f2", 2, "Logpoint \"A\"", &secrets)
}

/// Another payload, and nothing secret.
fn only(payload: Value) -> TemplateData<'static> {
    TemplateData::new(Cow::Owned(payload), "d", 1, "w", &[])
}

fn try_render(
    place: Place,
    source: &str,
    data: &TemplateData<'_>,
) -> Result<String, TemplateError> {
    Template::compile(source, place)?.render(data)
}

fn render_with(place: Place, source: &str, data: &TemplateData<'_>) -> String {
    try_render(place, source, data).unwrap_or_else(|error| panic!("{source}: {error}"))
}

fn body(source: &str) -> String {
    render_with(Place::JsonBody, source, &data("a \"b\"\nc\\"))
}

fn text(source: &str) -> String {
    render_with(Place::TextBody, source, &data("a \"b\"\nc\\"))
}

fn fault(place: Place, source: &str) -> String {
    try_render(place, source, &data("x")).unwrap_err().to_string()
}
