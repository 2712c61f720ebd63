//! The wire types of one HTTP exchange, and how its request is built and recorded.

use std::fmt;
use std::time::{Duration, Instant};

use http::{Request as HttpRequest, header};
use url::{Position, Url};

use super::timings::ConnectTrace;
use crate::model::exchange::{Exchange, RecordedParts, Request, Timings};
use crate::model::outcome::Cause;
use crate::model::webhook::Tls;

/// Maximum size of a response body that is read and recorded, in bytes.
pub const MAX_RESPONSE_BYTES: usize = 64 * 1024;

/// Value of the `User-Agent` header.
pub(super) const USER_AGENT: &str = concat!("Gatepost/", env!("CARGO_PKG_VERSION"));

/// A request to send.
#[derive(Clone)]
pub struct OutgoingRequest<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// The full URL.
    pub url: &'a Url,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<String>,
    /// Time limit for the whole exchange.
    pub timeout: Duration,
    /// The TLS policy.
    pub tls: &'a Tls,
    /// What is recorded instead of the parts with secrets.
    pub recorded: RecordedParts,
}

impl fmt::Debug for OutgoingRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutgoingRequest").field("method", &self.method).finish_non_exhaustive()
    }
}

/// The outcome of an exchange. The response is not judged yet, and secrets are not redacted.
#[derive(Debug, Clone)]
pub struct ExchangeResult {
    /// The request and the response.
    pub exchange: Exchange,
    /// Why there is no complete response, if there is none.
    pub failure: Option<Cause>,
}

/// Builds the HTTP request. The connection adds only `Content-Length`.
pub(super) fn build_request(
    outgoing: &OutgoingRequest<'_>,
) -> Result<HttpRequest<String>, http::Error> {
    let url = outgoing.url;
    let mut request = HttpRequest::builder()
        .method(outgoing.method)
        .uri(&url[Position::BeforePath..Position::AfterQuery])
        .header(header::HOST, &url[Position::BeforeHost..Position::AfterPort]);
    for (name, value) in &outgoing.headers {
        request = request.header(name, value);
    }
    if let Some(headers) = request.headers_mut() {
        let defaults = [
            (header::USER_AGENT, USER_AGENT),
            (header::ACCEPT, "*/*"),
            (header::ACCEPT_ENCODING, "identity"),
        ];
        for (name, value) in defaults {
            headers.entry(name).or_insert(header::HeaderValue::from_static(value));
        }
    }
    request.body(outgoing.body.clone().unwrap_or_default())
}

/// Returns the request as it is recorded.
pub fn recorded_request(outgoing: OutgoingRequest<'_>) -> Request {
    let mut headers = outgoing.headers;
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("user-agent")) {
        headers.push(("User-Agent".to_owned(), USER_AGENT.to_owned()));
    }
    let (method, url) = (outgoing.method.to_owned(), outgoing.url.to_string());
    let mut request = Request { method, url, headers, body: outgoing.body };
    request.record(outgoing.recorded);
    request
}

/// Returns how long each phase of an exchange took. `responded_at` is when the response head arrived.
pub(super) fn measure(
    trace: &ConnectTrace,
    started_at: Instant,
    responded_at: Option<Instant>,
) -> Timings {
    let now = Instant::now();
    let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    let between = |from: Option<Instant>, to: Option<Instant>| {
        Some(micros(to?.saturating_duration_since(from?)))
    };
    let connect_started = trace.dns_ended.or(trace.connect_started);
    Timings {
        dns_us: between(trace.dns_started, trace.dns_ended),
        connect_us: between(connect_started, trace.tls_started.or(trace.connect_ended)),
        tls_us: between(trace.tls_started, trace.connect_ended),
        wait_us: between(Some(trace.connect_ended.unwrap_or(started_at)), responded_at),
        read_us: between(responded_at, Some(now)),
        total_us: micros(now.saturating_duration_since(started_at)),
    }
}
