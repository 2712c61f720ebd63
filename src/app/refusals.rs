//! Logs requests that are refused because of who has sent them (OWASP ASVS 5.0, 16.3.2 and 16.3.3).

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;

use crate::identity::{RecordLimit, Refusal};
use crate::model::Origin;

/// Middleware that logs refused requests, unless there are too many. The path is that of the route, because addresses may
/// contain secrets, such as invitations.
pub(super) async fn log(
    State(limit): State<RecordLimit>,
    request: Request,
    next: Next,
) -> Response {
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let origin = request.extensions().get::<Origin>().copied().unwrap_or_default();
    let response = next.run(request).await;
    let refusal = response.extensions().get::<Refusal>();
    let status = response.status();
    let is_refused = matches!(status, StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS);
    if (refusal.is_some() || is_refused)
        && let Some(omitted) = limit.admit(Instant::now())
    {
        tracing::warn!(
            %method,
            route = route.as_ref().map(MatchedPath::as_str),
            status = status.as_u16(),
            from = origin.address.map(tracing::field::display),
            request = origin.request_id.map(tracing::field::display),
            user = refusal.map(|refusal| refusal.user.as_str()),
            reason = refusal.map(|refusal| refusal.reason.as_str()),
            omitted,
            "refused a request"
        );
    }
    response
}
