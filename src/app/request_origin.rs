//! The origin of each request: its id and the address of its client.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use super::refusals::RequestedRoute;
use crate::identity::RecordLimit;
use crate::model::{Origin, Sources};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Middleware that gives each request an id, which handlers find in [`Origin`] and clients in a header of the response.
/// Ids that clients send are ignored, because the audit log relies on them. Refused requests are logged here, because each
/// further layer costs every event time.
pub(super) async fn add(
    State((sources, limit)): State<(Sources, RecordLimit)>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = sources.uuid();
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let origin = Origin { address: peer, request_id: Some(id) };
    request.extensions_mut().insert(origin);
    let requested = RequestedRoute::of(&request);
    let span = span(&request, id);
    let mut response = next.run(request).instrument(span.clone()).await;
    span.record("http.response.status_code", response.status().as_u16());
    requested.log(origin, &response, &limit);
    if let Some(value) = header_value(id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// A span for a request of the API. Other paths may contain secrets, such as those of old invitations.
fn span(request: &Request, id: Uuid) -> Span {
    let path = request.uri().path();
    if !path.starts_with("/api/") {
        return Span::none();
    }
    tracing::debug_span!(
        "api_request",
        otel.kind = "server",
        http.request.method = %request.method(),
        url.path = path,
        http.response.status_code = Empty,
        request.id = %id,
        event.id = Empty,
        event.count = Empty,
    )
}

fn header_value(id: Uuid) -> Option<HeaderValue> {
    let mut buffer = [0; Hyphenated::LENGTH];
    HeaderValue::from_str(id.hyphenated().encode_lower(&mut buffer)).ok()
}
