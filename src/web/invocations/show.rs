//! The page of an invocation, which htmx shows in the side panel.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::exchange::{ExchangeView, exchanges};
use super::timing::{self, Part};
use super::{curl, troubleshooting};
use crate::identity::Permission;
use crate::model::InvocationId;
use crate::model::invocation::Invocation;
use crate::model::outcome::Cause;
use crate::store::invocations;
use crate::web::components::CertificateFacts;
use crate::web::display_time::{self, DisplayTime, LocalNow};
use crate::web::page::{self, Nav, Page};
use crate::web::session::{CurrentUser, is_htmx};
use crate::web::{Error, WebState};

/// The invocation, ready to print.
struct InvocationView {
    id: String,
    ok: bool,
    headline: String,
    meaning: String,
    remedy: String,
    /// Address of the tip for the failure; empty after a success.
    tip_href: String,
    kind: String,
    webhook_name: String,
    /// Address of the webhook, for editing if the user may; empty if it was not saved.
    webhook_href: String,
    delivery_id: String,
    /// Empty without a trace.
    trace_id: String,
    started: DisplayTime,
    took: String,
    parts: Vec<Part>,
    exchange: ExchangeView,
    /// Exchanges with the OAuth token endpoint, in order.
    tokens: Vec<ExchangeView>,
    /// Status line and size of the response; empty if there was none.
    response: String,
    remote_address: String,
    certificate: Option<CertificateFacts>,
    certificate_at_fault: bool,
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
    let mut invocation = InvocationView::new(&found, current.now(&state));
    if let Some(id) = found.webhook_id {
        let part = if current.can(Permission::EditWebhooks) { "/edit" } else { "" };
        invocation.webhook_href = format!("/webhooks/{id}{part}");
    }
    if is_htmx(&headers) {
        return page::html(&InvocationPanel { invocation });
    }
    let nav = if found.delivery_id.is_some() { Nav::Deliveries } else { Nav::Webhooks };
    let page = Page::new(&current, "Invocation data", nav).await?;
    page::html(&InvocationPage { page, invocation })
}

impl InvocationView {
    /// Whether there is a duration to show. There is none if the request was not sent, for example without a token.
    fn has_timings(&self) -> bool {
        self.parts.iter().any(|part| part.width > 0)
    }

    fn new(found: &Invocation, now: LocalNow) -> Self {
        let explanation = found.explanation();
        let recorded = &found.exchange;
        let request = &recorded.request;
        let exchange = ExchangeView::new("", recorded);
        let response = recorded.response.as_ref().map_or_else(String::new, |response| {
            format!("{} · {}", exchange.response_line, bytes(response.body.len()))
        });
        Self {
            id: found.id.to_string(),
            ok: found.succeeded(),
            headline: explanation.headline,
            meaning: explanation.meaning,
            remedy: explanation.remedy,
            tip_href: found.failure.as_ref().map(troubleshooting::href).unwrap_or_default(),
            kind: match found.delivery_id {
                Some(_) => format!("{} · attempt {}", found.trigger, found.attempt),
                None => format!("Test · {}", found.trigger),
            },
            webhook_name: found.webhook_name.clone(),
            webhook_href: String::new(),
            delivery_id: found.delivery_id.map(|id| id.to_string()).unwrap_or_default(),
            trace_id: found.trace_id.clone().unwrap_or_default(),
            started: DisplayTime::new(found.started_at, now),
            took: display_time::duration(recorded.timings.total_us),
            parts: timing::parts(&recorded.timings),
            exchange,
            tokens: exchanges("token", &found.token_exchanges),
            response,
            remote_address: recorded.remote_address.clone().unwrap_or_default(),
            certificate: recorded
                .certificate
                .as_ref()
                .map(|found| CertificateFacts::new(found, now)),
            certificate_at_fault: matches!(found.failure, Some(Cause::Certificate(_))),
            curl: curl::command(request),
        }
    }
}

fn bytes(length: usize) -> String {
    match length {
        1 => "1 byte".to_owned(),
        0..10_000 => format!("{length} bytes"),
        _ => format!("{} KiB", length / 1024),
    }
}
