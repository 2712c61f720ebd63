//! An entry of the audit log.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Map, Value};

use super::{EntryView, sentence_case};
use crate::model::audit::RecordedEntry;
use crate::model::webhook::Difference;
use crate::store::audit;
use crate::web::page::{self, Nav, Page};
use crate::web::session::CurrentUser;
use crate::web::webhooks::history::DifferenceView;
use crate::web::{Error, WebState};

/// A further fact, ready to print.
struct FactView {
    label: String,
    value: String,
}

#[derive(Template)]
#[template(path = "audit/show.html")]
struct ShowPage {
    page: Page,
    entry: EntryView,
    request_id: String,
    object_id: String,
    /// Address of the page of the object; empty if there is none.
    object_href: String,
    facts: Vec<FactView>,
    /// The changes of a webhook, if the entry has any.
    differences: Option<Vec<DifferenceView>>,
    hash: String,
    previous_hash: String,
}

/// `GET /audit/{seq}`
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(seq): Path<String>,
) -> Result<Response, Error> {
    let seq: i64 = seq.parse().map_err(|_error: std::num::ParseIntError| Error::NotFound)?;
    let recorded = audit::find(&state.db, seq).await?.ok_or(Error::NotFound)?;
    let entry = EntryView::new(&recorded, current.now(&state));
    let mut detail: Map<String, Value> = serde_json::from_str(&recorded.detail).unwrap_or_default();
    let changes = detail.remove("changes");
    let title = format!("{} · Audit log", entry.action);
    let page = Page::new(&current, title, Nav::Audit).await?;
    page::html(&ShowPage {
        page,
        request_id: recorded.request_id.clone(),
        object_id: recorded.object.id.clone(),
        object_href: object_href(&recorded),
        facts: detail.iter().map(|(name, value)| FactView::new(name, value)).collect(),
        differences: changes.map(|changes| differences(&changes)),
        hash: hex::encode(&recorded.hash),
        previous_hash: hex::encode(&recorded.previous_hash),
        entry,
    })
}

impl FactView {
    fn new(name: &str, value: &Value) -> Self {
        Self { label: sentence_case(&name.replace('_', " ")), value: text(value) }
    }
}

/// Prints a value. Lists are separated by commas.
fn text(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) if text.is_empty() => "none".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) if values.is_empty() => "none".to_owned(),
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

fn differences(changes: &Value) -> Vec<DifferenceView> {
    let field = |change: &Value, name: &str| change[name].as_str().map(str::to_owned);
    let difference = |change: &Value| Difference {
        label: field(change, "field").unwrap_or_default(),
        before: field(change, "before"),
        after: field(change, "after"),
    };
    DifferenceView::all(changes.as_array().into_iter().flatten().map(difference).collect())
}

fn object_href(entry: &RecordedEntry) -> String {
    let object = &entry.object;
    match object.kind.as_str() {
        _ if object.id.is_empty() => String::new(),
        "webhook" => format!("/webhooks/{}", object.id),
        "secret" => format!("/secrets/{}", object.id),
        "delivery" => format!("/deliveries/{}", object.id),
        "bulk_action" => format!("/deliveries/batches/{}", object.id),
        "sample" => format!("/events/samples/{}", object.id),
        _ => String::new(),
    }
}
