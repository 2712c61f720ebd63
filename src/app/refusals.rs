//! Logs requests that are refused because of who has sent them (OWASP ASVS 5.0, 16.3.2 and 16.3.3).

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{Method, StatusCode};
use axum::response::Response;

use crate::identity::{LoggedRefusal, RecordLimit, Refusal};
use crate::model::Origin;

/// What is logged of a request if it is refused. The path is that of the route, because addresses may contain secrets, such
/// as those of old invitations.
pub(super) struct RequestedRoute {
    method: Method,
    route: Option<MatchedPath>,
}

impl RequestedRoute {
    /// Takes what is logged of a request.
    pub(super) fn of(request: &Request) -> Self {
        let route = request.extensions().get::<MatchedPath>().cloned();
        Self { method: request.method().clone(), route }
    }

    /// Logs the response if it refuses the request, unless there are too many.
    pub(super) fn log(&self, origin: Origin, response: &Response, limit: &RecordLimit) {
        if response.extensions().get::<LoggedRefusal>().is_some() {
            return;
        }
        let refusal = response.extensions().get::<Refusal>();
        let status = response.status();
        let is_refused = matches!(status, StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS);
        if (refusal.is_some() || is_refused)
            && let Some(omitted) = limit.admit(Instant::now())
        {
            tracing::warn!(
                method = %self.method,
                route = self.route.as_ref().map(MatchedPath::as_str),
                status = status.as_u16(),
                from = origin.address.map(tracing::field::display),
                request = origin.request_id.map(tracing::field::display),
                user = refusal.map(|refusal| refusal.user.as_str()),
                reason = refusal.map(|refusal| refusal.reason.as_str()),
                omitted,
                "refused a request"
            );
        }
    }
}
