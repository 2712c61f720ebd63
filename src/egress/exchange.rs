//! One request and its answer, with everything that is worth knowing of them.

use std::time::{Duration, Instant};

use http::{Request as HttpRequest, header};
use hyper::body::Incoming;
use url::{Position, Url};

use super::client::Client;
use super::connect::Error;
use super::link::Link;
use super::trace::{self, Shared, Trace};
use super::{USER_AGENT, certificate, failure};
use crate::model::exchange::{Exchange, Request, Response, Timings};
use crate::model::outcome::{Cause, TlsFailure};
use crate::model::webhook::Tls;

/// How much of an answer is read and kept, in bytes.
pub const MAX_BODY: usize = 64 * 1024;

/// What to send.
#[derive(Debug, Clone)]
pub struct Outgoing<'a> {
    /// The method.
    pub method: &'a str,
    /// The full URL.
    pub url: &'a Url,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<String>,
    /// For the whole exchange.
    pub timeout: Duration,
    /// Whom to trust.
    pub tls: &'a Tls,
}

/// What came of it. Nothing is judged yet, and secrets still stand in it.
#[derive(Debug, Clone)]
pub struct Exchanged {
    /// What went over the wire.
    pub exchange: Exchange,
    /// Why there is no whole answer, if there is none.
    pub failure: Option<Cause>,
}

/// An answer on its way in.
struct Answered {
    response: Response,
    remote_address: Option<String>,
    at: Instant,
}

impl Client {
    /// Sends a request and reads the answer, up to [`MAX_BODY`].
    pub async fn exchange(&self, outgoing: Outgoing<'_>) -> Exchanged {
        let begun = Instant::now();
        let trace = Shared::default();
        let mut answered = None;
        // On the heap, where it stays: it is large, and would be moved into each of the futures around it.
        let sending = Box::pin(self.send(&outgoing, &trace, &mut answered));
        let ended = tokio::time::timeout(outgoing.timeout, sending).await;
        let trace = trace::read(&trace);
        let certificate = trace.certificate.as_deref().and_then(certificate::describe);
        let self_signed = certificate.as_ref().is_some_and(|certificate| certificate.self_signed);
        let failure = match ended {
            Ok(Ok(())) => None,
            Ok(Err(SendError::Cause(cause))) => Some(cause),
            Ok(Err(SendError::Http(error))) => {
                Some(failure::classify(&*error, &trace, &outgoing.tls.trust, self_signed))
            }
            Err(tokio::time::error::Elapsed { .. }) => Some(Cause::Timeout {
                phase: failure::phase(&trace, answered.is_some()),
                seconds: outgoing.timeout.as_secs(),
            }),
        };
        let timings = timings(&trace, begun, answered.as_ref().map(|answered| answered.at));
        let (response, remote_address) = match answered {
            Some(answered) => (Some(answered.response), answered.remote_address),
            None => (None, None),
        };
        let request = record(outgoing);
        let exchange = Exchange { request, response, timings, remote_address, certificate };
        Exchanged { exchange, failure }
    }

    async fn send(
        &self,
        outgoing: &Outgoing<'_>,
        trace: &Shared,
        answered: &mut Option<Answered>,
    ) -> Result<(), SendError> {
        let pool = self.pool(outgoing.tls).map_err(|error| {
            SendError::Cause(Cause::Certificate(TlsFailure::Other(error.to_string())))
        })?;
        let request = request(outgoing).map_err(Error::from)?;
        let sending = pool.send(&self.connector, outgoing.url, request, trace);
        let (mut link, answer) = sending.await?;
        let response = Response {
            status: answer.status().as_u16(),
            version: format!("{:?}", answer.version()),
            headers: answer
                .headers()
                .iter()
                .map(|(name, value)| {
                    (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
                })
                .collect(),
            ..Response::default()
        };
        let remote_address = Some(link.remote_address.to_string());
        let answered = answered.insert(Answered { response, remote_address, at: Instant::now() });
        let mut bytes = Vec::new();
        let read = read_body(&mut link, answer.into_body(), &mut bytes).await;
        answered.response.body = String::from_utf8_lossy(&bytes).into_owned();
        answered.response.truncated = read.map_err(Error::from)?;
        if !answered.response.truncated {
            pool.keep(outgoing.url, link).await;
        }
        Ok(())
    }
}

#[derive(Debug, thiserror::Error)]
enum SendError {
    #[error("{0:?}")]
    Cause(Cause),
    #[error(transparent)]
    Http(#[from] Error),
}

/// As it goes over the wire, but for what HTTP itself adds.
fn request(outgoing: &Outgoing<'_>) -> Result<HttpRequest<String>, http::Error> {
    let url = outgoing.url;
    let mut request = HttpRequest::builder()
        .method(outgoing.method)
        .uri(&url[Position::BeforePath..Position::AfterQuery])
        .header(header::HOST, &url[Position::BeforeHost..Position::AfterPort]);
    for (name, value) in &outgoing.headers {
        request = request.header(name, value);
    }
    if let Some(headers) = request.headers_mut() {
        let defaults = [(header::USER_AGENT, USER_AGENT), (header::ACCEPT, "*/*")];
        for (name, value) in defaults {
            headers.entry(name).or_insert(header::HeaderValue::from_static(value));
        }
    }
    request.body(outgoing.body.clone().unwrap_or_default())
}

/// Reads up to [`MAX_BODY`]; true where there was more, which is not read.
async fn read_body(
    link: &mut Link,
    mut body: Incoming,
    bytes: &mut Vec<u8>,
) -> Result<bool, hyper::Error> {
    while let Some(chunk) = link.chunk(&mut body).await? {
        let room = MAX_BODY - bytes.len();
        bytes.extend(chunk.iter().take(room));
        if chunk.len() > room {
            return Ok(true);
        }
    }
    Ok(false)
}

fn record(outgoing: Outgoing<'_>) -> Request {
    let mut headers = outgoing.headers;
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("user-agent")) {
        headers.push(("User-Agent".to_owned(), USER_AGENT.to_owned()));
    }
    Request {
        method: outgoing.method.to_owned(),
        url: outgoing.url.to_string(),
        headers,
        body: outgoing.body,
    }
}

fn timings(trace: &Trace, begun: Instant, answered: Option<Instant>) -> Timings {
    let now = Instant::now();
    let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    let between = |from: Option<Instant>, to: Option<Instant>| {
        Some(micros(to?.saturating_duration_since(from?)))
    };
    let connect_begun = trace.dns_ended.or(trace.connect_begun);
    Timings {
        dns_us: between(trace.dns_begun, trace.dns_ended),
        connect_us: between(connect_begun, trace.tls_begun.or(trace.connect_ended)),
        tls_us: between(trace.tls_begun, trace.connect_ended),
        wait_us: between(Some(trace.connect_ended.unwrap_or(begun)), answered),
        read_us: between(answered, Some(now)),
        total_us: micros(now.saturating_duration_since(begun)),
    }
}
