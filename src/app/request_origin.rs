//! The origin of each request: its id and the address of its client.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use crate::model::{Origin, Sources};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Middleware that gives each request an id, which handlers find in [`Origin`] and clients in a header of the response.
/// Ids that clients send are ignored, because the audit log relies on them.
pub(super) async fn add(
    State(sources): State<Sources>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = sources.uuid();
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    request.extensions_mut().insert(Origin { address: peer, request_id: Some(id) });
    let mut response = next.run(request).await;
    if let Some(value) = header_value(id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

fn header_value(id: Uuid) -> Option<HeaderValue> {
    let mut buffer = [0; Hyphenated::LENGTH];
    HeaderValue::from_str(id.hyphenated().encode_lower(&mut buffer)).ok()
}
