//! Compares templates with handlebars.js, which needs Node.js and npm.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod corpus;
mod differences;
mod generated;

use std::borrow::Cow;
use std::io::Write;
use std::process::{Command, Stdio};

use gatepost::template::{OutputContext, Template, TemplateData, TemplateError, TemplateErrorKind};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A template to render.
#[derive(Debug, Serialize)]
struct Case<'c> {
    source: &'c str,
    data: &'c Value,
    /// Whether handlebars.js writes lists and objects as JSON, like Gatepost.
    as_json: bool,
}

/// What handlebars.js makes of a case.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Output(String),
    Error(String),
}

/// Renders cases with handlebars.js. Returns `None` if Node.js is not installed, except in continuous integration.
fn render_js(cases: &[Case<'_>]) -> Option<Vec<Outcome>> {
    let is_installed = |program| Command::new(program).arg("--version").output().is_ok();
    if !is_installed("node") || !is_installed("npm") {
        assert!(std::env::var_os("CI").is_none(), "CI must have Node.js and npm");
        return None;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/script/handlebars-js");
    let mut command = Command::new(script);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the script starts");
    let input = serde_json::to_vec(cases).unwrap();
    child.stdin.take().unwrap().write_all(&input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{script} failed");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// The data with what Gatepost adds to an event.
fn with_added(data: &Value) -> Value {
    let mut data = data.clone();
    data["delivery"] = json!({ "id": "d", "attempt": 1 });
    data["webhook"] = json!({ "name": "w" });
    data
}

/// Whether the documentation says that such templates are rejected.
fn is_documented(kind: &TemplateErrorKind) -> bool {
    matches!(kind, TemplateErrorKind::AboveTop)
}

fn render_here(source: &str, data: &Value) -> Result<String, TemplateError> {
    let data = TemplateData::new(Cow::Borrowed(data), "d", 1, "w", &[]);
    Template::compile(source, OutputContext::TextBody)?.render(&data)
}

/// Compares the results of all cases. A template that handlebars.js renders must give the same text here. One
/// that it rejects must be rejected here, unless `is_extension` accepts it.
fn compare(sources: &[String], data: &[Value], is_extension: fn(&str) -> bool) {
    let data: Vec<_> = data.iter().map(with_added).collect();
    let pairs: Vec<_> =
        data.iter().flat_map(|data| sources.iter().map(move |source| (source, data))).collect();
    let cases: Vec<_> =
        pairs.iter().map(|(source, data)| Case { source, data, as_json: true }).collect();
    let Some(outcomes) = render_js(&cases) else { return };
    assert_eq!(outcomes.len(), pairs.len());
    let differing: Vec<String> = pairs
        .iter()
        .zip(outcomes)
        .filter_map(|((source, data), there)| {
            let here = render_here(source, data);
            let is_same = match (&here, &there) {
                (Ok(here), Outcome::Output(there)) => here == there,
                (Ok(_), Outcome::Error(_)) => is_extension(source),
                (Err(_), Outcome::Error(_)) => true,
                (Err(error), Outcome::Output(_)) => is_documented(&error.kind),
            };
            (!is_same)
                .then(|| format!("{source:?} with {data}\n  here: {here:?}\n  there: {there:?}"))
        })
        .collect();
    let shown: Vec<_> = differing.iter().take(30).map(String::as_str).collect();
    assert!(
        differing.is_empty(),
        "{} of {} differ:\n{}",
        differing.len(),
        cases.len(),
        shown.join("\n")
    );
}
