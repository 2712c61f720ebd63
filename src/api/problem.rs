//! Errors as problem documents (RFC 9457).

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use strum::{IntoStaticStr, VariantNames};

use crate::identity::{LoggedRefusal, Refusal};
use crate::model::event::EventError;

/// After how many seconds a client should repeat a request that the server could not serve.
const UNAVAILABLE_SECS: u16 = 2;

/// Kinds of problems. The `type` is `/problems/` followed by the name. The names in snake case are label values of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, IntoStaticStr, VariantNames)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "snake_case")]
pub enum ProblemId {
    /// The body is not JSON.
    NotJson,
    /// The body is incomplete or malformed.
    IncompleteBody,
    /// The body did not arrive in time.
    Timeout,
    /// There is no token, or it is unknown.
    Unauthorized,
    /// The token does not have the required scope.
    Forbidden,
    /// There is no such route.
    NotFound,
    /// The route does not have this method.
    MethodNotAllowed,
    /// The object is in a state that does not allow this.
    Conflict,
    /// The request or an event is too large.
    TooLarge,
    /// The request is for another host.
    Misdirected,
    /// The Content-Type is not JSON.
    UnsupportedMediaType,
    /// The JSON is not valid for this request.
    Invalid,
    /// The sender must wait.
    TooManyRequests,
    /// Temporarily unavailable.
    Unavailable,
    /// An internal error.
    Internal,
}

/// An error response.
#[derive(Debug, Clone, Serialize)]
pub struct Problem {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldProblem>,
    #[serde(skip)]
    id: ProblemId,
    /// The methods that the route has.
    #[serde(skip)]
    allow: &'static str,
    /// After how many seconds the same request can succeed.
    #[serde(skip)]
    retry_after: Option<u16>,
}

#[derive(Debug, Clone, Serialize)]
struct FieldProblem {
    pointer: String,
    message: String,
}

impl Problem {
    /// Creates a problem. The detail says what is wrong and how to fix it.
    pub fn new(id: ProblemId, detail: impl Into<String>) -> Self {
        let (status, title) = match id {
            ProblemId::NotJson => (StatusCode::BAD_REQUEST, "Not JSON"),
            ProblemId::IncompleteBody => (StatusCode::BAD_REQUEST, "Incomplete body"),
            ProblemId::Timeout => (StatusCode::REQUEST_TIMEOUT, "Request timeout"),
            ProblemId::Unauthorized => (StatusCode::UNAUTHORIZED, "Not authenticated"),
            ProblemId::Forbidden => (StatusCode::FORBIDDEN, "Not allowed"),
            ProblemId::NotFound => (StatusCode::NOT_FOUND, "Not found"),
            ProblemId::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"),
            ProblemId::Conflict => (StatusCode::CONFLICT, "Not possible in this state"),
            ProblemId::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Too large"),
            ProblemId::UnsupportedMediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported media type")
            }
            ProblemId::Misdirected => (StatusCode::MISDIRECTED_REQUEST, "Other host"),
            ProblemId::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, "Invalid input"),
            ProblemId::TooManyRequests => (StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
            ProblemId::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "Not available"),
            ProblemId::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "Internal error"),
        };
        let name = serde_json::to_value(id).ok().and_then(|name| name.as_str().map(str::to_owned));
        Self {
            kind: format!("/problems/{}", name.unwrap_or_default()),
            title,
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
            id,
            allow: "POST",
            retry_after: (id == ProblemId::Unavailable).then_some(UNAVAILABLE_SECS),
        }
    }

    /// Returns the kind.
    pub fn id(&self) -> ProblemId {
        self.id
    }

    /// Sets after how many seconds the same request can succeed.
    #[must_use]
    pub fn with_retry_after(self, seconds: u16) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// Adds the invalid fields.
    #[must_use]
    pub fn with_errors(mut self, errors: impl IntoIterator<Item = EventError>) -> Self {
        self.errors = errors
            .into_iter()
            .map(|EventError { pointer, message }| FieldProblem { pointer, message })
            .collect();
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let (id, allow, retry_after) = (self.id, self.allow, self.retry_after);
        let is_refusal = matches!(id, ProblemId::Unauthorized | ProblemId::Forbidden);
        let refusal =
            is_refusal.then(|| Refusal { user: String::new(), reason: self.detail.clone() });
        let mut response = (status, Json(self)).into_response();
        if let Some(refusal) = refusal {
            response.extensions_mut().insert(refusal);
        }
        if id == ProblemId::TooManyRequests {
            // A sender over its limit is logged once a minute.
            response.extensions_mut().insert(LoggedRefusal);
        }
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match id {
            ProblemId::Unauthorized => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            ProblemId::MethodNotAllowed => {
                headers.insert(header::ALLOW, HeaderValue::from_static(allow));
            }
            ProblemId::NotJson
            | ProblemId::IncompleteBody
            | ProblemId::Timeout
            | ProblemId::Misdirected
            | ProblemId::Forbidden
            | ProblemId::NotFound
            | ProblemId::Conflict
            | ProblemId::TooLarge
            | ProblemId::UnsupportedMediaType
            | ProblemId::Invalid
            | ProblemId::TooManyRequests
            | ProblemId::Unavailable
            | ProblemId::Internal => {}
        }
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// Response for unknown paths.
pub(super) async fn not_found() -> Problem {
    Problem::new(ProblemId::NotFound, "There is no such path. Send events to POST /api/v1/events.")
}

/// Response for methods that a route does not have.
pub(super) async fn method_not_allowed() -> Problem {
    Problem::new(ProblemId::MethodNotAllowed, "Unsupported method. Use POST.")
}

/// Response for other methods than GET.
pub(super) async fn only_get() -> Problem {
    let problem = Problem::new(ProblemId::MethodNotAllowed, "Unsupported method. Use GET.");
    Problem { allow: "GET, HEAD", ..problem }
}
