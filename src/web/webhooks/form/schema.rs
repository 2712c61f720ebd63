//! The event's payload schema: a searchable list of the fields that a template can use.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{Json, Response};
use serde::{Deserialize, Serialize};

use crate::model::event::field::{FIELDS, Field};
use crate::template::helpers;
use crate::web::page::{self, Nav, Page};
use crate::web::session::{CurrentUser, is_htmx};
use crate::web::{Error, WebState};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct SchemaQuery {
    /// Search text.
    q: String,
}

struct FieldView {
    path: &'static str,
    kind: &'static str,
    description: &'static str,
    example: &'static str,
    placeholder: String,
}

#[derive(Template)]
#[template(path = "webhooks/form/schema.html")]
struct SchemaPage {
    page: Page,
    q: String,
    fields: Vec<FieldView>,
}

#[derive(Template)]
#[template(path = "webhooks/form/schema.html", block = "panel")]
struct SchemaPanel {
    q: String,
    fields: Vec<FieldView>,
}

/// `GET /webhooks/schema`
pub(in crate::web) async fn show(
    current: CurrentUser,
    headers: HeaderMap,
    Query(query): Query<SchemaQuery>,
) -> Result<Response, Error> {
    let text = query.q.trim().to_lowercase();
    let fields = FIELDS
        .iter()
        .filter(|field| {
            field.path.to_lowercase().contains(&text)
                || field.description.to_lowercase().contains(&text)
        })
        .map(|field| FieldView {
            path: field.path,
            kind: field.kind,
            description: field.description,
            example: field.example,
            placeholder: field.placeholder(),
        })
        .collect();
    if is_htmx(&headers) {
        return page::html(&SchemaPanel { q: query.q, fields });
    }
    let page = Page::new(&current, "Event payload schema", Nav::Webhooks).await?;
    page::html(&SchemaPage { page, q: query.q, fields })
}

#[derive(Serialize)]
struct FieldJson {
    path: &'static str,
    kind: &'static str,
    description: &'static str,
    example: &'static str,
}

#[derive(Serialize)]
struct HelperJson {
    name: &'static str,
    takes: &'static str,
}

#[derive(Serialize)]
struct SecretJson {
    path: String,
    description: String,
    hosts: String,
}

/// The fields, helpers and secrets that the editor completes.
#[derive(Serialize)]
pub(in crate::web) struct SchemaJson {
    fields: Vec<FieldJson>,
    helpers: Vec<HelperJson>,
    secrets: Vec<SecretJson>,
}

/// The webhook that is edited.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct CompletionQuery {
    webhook: String,
}

/// `GET /webhooks/schema.json`
pub(in crate::web) async fn json(
    State(state): State<WebState>,
    _current: CurrentUser,
    Query(query): Query<CompletionQuery>,
) -> Result<Json<SchemaJson>, Error> {
    let usable = state.actions.usable_secrets(query.webhook.parse().ok()).await?;
    let secrets = usable.into_iter().map(|secret| SecretJson {
        path: format!("secrets.{}", secret.name),
        description: secret.description,
        hosts: secret.limits.hosts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    });
    let fields = FIELDS.iter().map(|&Field { path, kind, description, example }| FieldJson {
        path,
        kind,
        description,
        example,
    });
    let helpers = helpers().map(|(name, takes)| HelperJson { name, takes });
    let (fields, helpers) = (fields.collect(), helpers.collect());
    Ok(Json(SchemaJson { fields, helpers, secrets: secrets.collect() }))
}
