//! The invocation's page; for htmx the same as a side panel.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::curl;
use super::timing::{self, Part};
use crate::model::invocation::Invocation;
use crate::model::outcome::Cause;
use crate::model::{InvocationId, Timestamp};
use crate::store::invocations;
use crate::web::moment::{self, Moment};
use crate::web::page::{self, Nav, Page};
use crate::web::session::{CurrentUser, is_htmx};
use crate::web::webhooks::certificate::Facts;
use crate::web::{Error, WebState, markup};

/// A body, raw and pretty.
struct Body {
    /// Names the radio buttons.
    id: &'static str,
    title: &'static str,
    raw: String,
    /// Safe HTML.
    shown: String,
    is_pretty: bool,
    note: String,
}

/// The invocation, ready to print.
struct InvocationView {
    id: String,
    ok: bool,
    headline: String,
    meaning: String,
    remedy: String,
    kind: String,
    webhook_name: String,
    edit_href: String,
    delivery_id: String,
    started: Moment,
    took: String,
    parts: Vec<Part>,
    request_line: String,
    answer: String,
    remote_address: String,
    certificate: Option<Facts>,
    certificate_at_fault: bool,
    request_headers: Vec<(String, String)>,
    request_body: Option<Body>,
    response_line: String,
    response_headers: Vec<(String, String)>,
    response_body: Option<Body>,
    curl: String,
}

#[derive(Template)]
#[template(path = "invocations/show.html")]
struct InvocationPage {
    page: Page,
    invocation: InvocationView,
}

#[derive(Template)]
#[template(path = "invocations/show.html", block = "panel")]
struct InvocationPanel {
    invocation: InvocationView,
}

/// `GET /invocations/{id}`
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    current: CurrentUser,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let id: InvocationId = id.parse().map_err(|_error: uuid::Error| Error::NotFound)?;
    let found = invocations::find(&state.db, id).await?.ok_or(Error::NotFound)?;
    let invocation = InvocationView::new(&found, state.sources.now());
    if is_htmx(&headers) {
        return page::html(&InvocationPanel { invocation });
    }
    let nav = if found.delivery_id.is_some() { Nav::Deliveries } else { Nav::Webhooks };
    let page = Page::new(&current, "Invocation data", nav).await?;
    page::html(&InvocationPage { page, invocation })
}

impl InvocationView {
    fn new(found: &Invocation, now: Timestamp) -> Self {
        let explanation = found.explanation();
        let transcript = &found.transcript;
        let request = &transcript.request;
        let response = transcript.response.as_ref();
        let (response_line, answer) = response.map_or_else(Default::default, |response| {
            let line = format!("{} {}", response.version, status_line(response.status));
            let answer = format!("{line} · {}", bytes(response.body.len()));
            (line, answer)
        });
        let response_body = response.filter(|response| !response.body.is_empty()).map(|response| {
            let note = if response.truncated { "Cut off: there was more." } else { "" };
            Body::new("response-body", "Response body", &response.body, note)
        });
        Self {
            id: found.id.to_string(),
            ok: found.succeeded(),
            headline: explanation.headline,
            meaning: explanation.meaning,
            remedy: explanation.remedy,
            kind: match found.delivery_id {
                Some(_) => format!("{} · attempt {}", found.trigger, found.attempt),
                None => format!("Test · {}", found.trigger),
            },
            webhook_name: found.webhook_name.clone(),
            edit_href: found
                .webhook_id
                .map(|id| format!("/webhooks/{id}/edit"))
                .unwrap_or_default(),
            delivery_id: found.delivery_id.map(|id| id.to_string()).unwrap_or_default(),
            started: Moment::new(found.started_at, now),
            took: moment::duration(transcript.timings.total_us),
            parts: timing::parts(&transcript.timings),
            request_line: format!("{} {}", request.method, request.url),
            answer,
            remote_address: transcript.remote_address.clone().unwrap_or_default(),
            certificate: transcript.certificate.as_ref().map(|found| Facts::new(found, now)),
            certificate_at_fault: matches!(found.failure, Some(Cause::Certificate(_))),
            request_headers: request.headers.clone(),
            request_body: request
                .body
                .as_ref()
                .map(|body| Body::new("request-body", "Request body", body, "")),
            response_line,
            response_headers: response.map(|r| r.headers.clone()).unwrap_or_default(),
            response_body,
            curl: curl::command(request),
        }
    }
}

impl Body {
    fn new(id: &'static str, title: &'static str, raw: &str, note: &str) -> Self {
        let pretty = markup::pretty(raw);
        Self {
            id,
            title,
            raw: raw.to_owned(),
            shown: markup::highlight(pretty.as_deref().unwrap_or(raw)),
            is_pretty: pretty.is_some_and(|pretty| pretty != raw),
            note: note.to_owned(),
        }
    }
}

fn status_line(status: u16) -> String {
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    match reason {
        Some(reason) => format!("{status} {reason}"),
        None => status.to_string(),
    }
}

fn bytes(length: usize) -> String {
    match length {
        1 => "1 byte".to_owned(),
        0..10_000 => format!("{length} bytes"),
        _ => format!("{} KiB", length / 1024),
    }
}
