//! A request and its response, ready to print.

use axum::http::StatusCode;

use crate::model::exchange::Exchange;
use crate::web::{display_time, highlight};

/// A body, as received and pretty-printed.
pub(super) struct Body {
    /// Prefix of the element ids.
    pub(super) id: String,
    pub(super) title: &'static str,
    pub(super) raw: String,
    /// Pretty-printed if it is JSON, as safe HTML.
    pub(super) shown: String,
    pub(super) is_pretty: bool,
    pub(super) note: &'static str,
}

/// A request and its response.
pub(super) struct ExchangeView {
    pub(super) took: String,
    pub(super) request_line: String,
    pub(super) request_headers: Vec<(String, String)>,
    pub(super) request_body: Option<Body>,
    /// Empty if there was no response.
    pub(super) response_line: String,
    pub(super) response_headers: Vec<(String, String)>,
    pub(super) response_body: Option<Body>,
}

/// Converts several exchanges, each with unique element ids.
pub(super) fn exchanges(prefix: &str, exchanges: &[Exchange]) -> Vec<ExchangeView> {
    let numbered = exchanges.iter().enumerate();
    numbered.map(|(n, one)| ExchangeView::new(&format!("{prefix}-{n}-"), one)).collect()
}

impl ExchangeView {
    /// Element ids start with the prefix.
    pub(super) fn new(prefix: &str, exchange: &Exchange) -> Self {
        let request = &exchange.request;
        let response = exchange.response.as_ref();
        let body = |name: &str, title, raw: &str, note| {
            Body::new(format!("{prefix}{name}-body"), title, raw, note)
        };
        Self {
            took: display_time::duration(exchange.timings.total_us),
            request_line: format!("{} {}", request.method, request.url),
            request_headers: request.headers.clone(),
            request_body: request.body.as_ref().map(|raw| body("request", "Request body", raw, "")),
            response_line: response.map_or_else(String::new, |response| {
                format!("{} {}", response.version, status_line(response.status))
            }),
            response_headers: response.map(|one| one.headers.clone()).unwrap_or_default(),
            response_body: response.filter(|one| !one.body.is_empty()).map(|one| {
                let note = if one.truncated { "Truncated: the response was longer." } else { "" };
                body("response", "Response body", &one.body, note)
            }),
        }
    }
}

impl Body {
    fn new(id: String, title: &'static str, raw: &str, note: &'static str) -> Self {
        let pretty = highlight::pretty_json(raw);
        Self {
            id,
            title,
            raw: raw.to_owned(),
            shown: highlight::to_html(pretty.as_deref().unwrap_or(raw)),
            is_pretty: pretty.is_some_and(|pretty| pretty != raw),
            note,
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
