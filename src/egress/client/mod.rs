//! The HTTP client. Connections are reused only between webhooks with the same TLS policy.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use http::Response as HttpResponse;
use hyper::body::Incoming;
use parking_lot::Mutex;
use rustls::ClientConfig;
use url::{Position, Url};

use super::address::AddressRules;
use super::body;
use super::connect::{Connector, Error};
use super::exchange::{self, ExchangeResult, MAX_RESPONSE_BYTES, OutgoingRequest};
use super::failure;
use super::http1_connection::Http1Connection;
use super::idle_pool::IdlePool;
use super::resolver::Resolver;
use super::timings::{self, SharedTrace};
use super::tls::{self, TlsError};
use crate::model::exchange::{Exchange, Response};
use crate::model::outcome::{Cause, TlsFailure};
use crate::model::security_policy::KeyPolicy;
use crate::model::webhook::Tls;

/// Maximum TLS policies with a pool of connections. Each variant of a form that is tested has its own, so their number
/// must be bounded.
const MAX_POOLS: usize = 512;

/// Sends HTTP requests.
#[derive(Debug, Clone)]
pub struct Client {
    pub(super) connector: Connector,
    pools: Arc<Mutex<HashMap<Tls, Arc<Pool>>>>,
    pub(super) keys: KeyPolicy,
    connections: Arc<ConnectionCounts>,
}

/// How many connections were opened, and how many requests were sent over an open one.
#[derive(Debug, Default)]
struct ConnectionCounts {
    opened: AtomicU64,
    reused: AtomicU64,
}

/// The connections of one TLS policy.
#[derive(Debug)]
struct Pool {
    tls: Arc<ClientConfig>,
    idle: IdlePool,
    connections: Arc<ConnectionCounts>,
}

/// A response whose body may not be complete yet.
struct PartialResponse {
    response: Response,
    /// The part of the body that was read, as received.
    body: Vec<u8>,
    remote_address: Option<String>,
    /// When the head arrived.
    responded_at: Instant,
}

#[derive(Debug, thiserror::Error)]
enum SendError {
    #[error("{0:?}")]
    Cause(Cause),
    #[error(transparent)]
    Http(#[from] Error),
}

impl Client {
    /// Creates a client that connects only to addresses permitted by `rules`.
    pub fn new(rules: AddressRules) -> Self {
        Self {
            connector: Connector::new(Resolver(rules)),
            pools: Arc::default(),
            keys: KeyPolicy::default(),
            connections: Arc::default(),
        }
    }

    /// Connects only to servers whose keys meet a policy. Call it before the first request.
    #[must_use]
    pub fn with_key_policy(self, keys: KeyPolicy) -> Self {
        Self { keys, ..self }
    }

    /// Returns how many connections were opened, and how many requests were sent over an open connection.
    pub fn connection_counts(&self) -> (u64, u64) {
        let ConnectionCounts { opened, reused } = &*self.connections;
        (opened.load(Ordering::Relaxed), reused.load(Ordering::Relaxed))
    }

    /// Checks that connections can be made with a TLS policy.
    ///
    /// # Errors
    /// If a certificate or a key cannot be used, or is too short.
    pub fn check_tls(&self, tls: &Tls) -> Result<(), TlsError> {
        tls::check(tls, self.keys)
    }

    /// Sends a request and reads the response, up to [`MAX_RESPONSE_BYTES`] of its body.
    pub async fn exchange(&self, outgoing: OutgoingRequest<'_>) -> ExchangeResult {
        let started_at = Instant::now();
        let trace = SharedTrace::default();
        let mut partial = None;
        // Boxed: the future is large and would be moved into each of the futures around it.
        let sending = Box::pin(self.send(&outgoing, &trace, &mut partial));
        let ended = tokio::time::timeout(outgoing.timeout, sending).await;
        let trace = timings::snapshot(&trace);
        let certificate = trace.certificate.as_deref().and_then(tls::describe_certificate);
        let circumstances = failure::Circumstances {
            trace: &trace,
            tls: outgoing.tls,
            certificate: certificate.as_ref(),
            has_response: partial.is_some(),
        };
        let failure = match ended {
            Ok(Ok(())) => None,
            Ok(Err(SendError::Cause(cause))) => Some(cause),
            Ok(Err(SendError::Http(error))) => Some(failure::classify(&*error, &circumstances)),
            Err(tokio::time::error::Elapsed { .. }) => Some(Cause::Timeout {
                phase: failure::phase(&trace, partial.is_some()),
                seconds: outgoing.timeout.as_secs(),
            }),
        };
        let responded_at = partial.as_ref().map(|partial| partial.responded_at);
        let timings = exchange::measure(&trace, started_at, responded_at);
        let (response, remote_address) = match partial {
            Some(PartialResponse { mut response, body, remote_address, .. }) => {
                let is_longer;
                (response.body, is_longer) =
                    body::decode(&response.headers, &body, MAX_RESPONSE_BYTES);
                response.truncated |= is_longer;
                (Some(response), remote_address)
            }
            None => (None, None),
        };
        let request = exchange::recorded_request(outgoing);
        let exchange = Exchange { request, response, timings, remote_address, certificate };
        ExchangeResult { exchange, failure }
    }

    async fn send(
        &self,
        outgoing: &OutgoingRequest<'_>,
        trace: &SharedTrace,
        partial: &mut Option<PartialResponse>,
    ) -> Result<(), SendError> {
        let pool = self.pool(outgoing.tls).map_err(|error| {
            SendError::Cause(Cause::Certificate(TlsFailure::Other(error.to_string())))
        })?;
        let (mut connection, received) = pool.send(&self.connector, outgoing, trace).await?;
        let response = Response {
            status: received.status().as_u16(),
            version: format!("{:?}", received.version()),
            headers: received
                .headers()
                .iter()
                .map(|(name, value)| {
                    (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
                })
                .collect(),
            body: String::new(),
            // Until the whole body has been read.
            truncated: true,
        };
        let remote_address = Some(connection.remote_address.to_string());
        let responded_at = Instant::now();
        let body = Vec::new();
        let partial =
            partial.insert(PartialResponse { response, body, remote_address, responded_at });
        let read = read_body(&mut connection, received.into_body(), &mut partial.body).await;
        let is_cut = read.map_err(Error::from)?;
        partial.response.truncated = is_cut;
        if !is_cut {
            pool.idle.put(origin(outgoing.url), connection).await;
        }
        Ok(())
    }

    /// Closes connections that have been idle for a minute. Call it periodically.
    pub fn close_idle(&self) {
        self.close_idle_at(Instant::now());
    }

    fn close_idle_at(&self, now: Instant) {
        for pool in self.pools.lock().values() {
            pool.idle.close_expired(now);
        }
    }

    /// Returns the pool of a TLS policy, creating it at first use.
    fn pool(&self, tls: &Tls) -> Result<Arc<Pool>, TlsError> {
        let mut pools = self.pools.lock();
        if let Some(pool) = pools.get(tls) {
            return Ok(Arc::clone(pool));
        }
        let config = Arc::new(tls::client_config(tls, self.keys)?);
        let connections = Arc::clone(&self.connections);
        let pool = Arc::new(Pool { tls: config, idle: IdlePool::default(), connections });
        if pools.len() >= MAX_POOLS {
            pools.clear();
        }
        pools.insert(tls.clone(), Arc::clone(&pool));
        Ok(pool)
    }
}

impl Pool {
    /// Sends a request over an idle connection, or a new one, and waits for the head of the response.
    ///
    /// A server may close an idle connection at the moment when the next request arrives. If a reused connection ends
    /// without a byte of a response, the request is therefore sent again over a new one (RFC 9112, section 9.3.1).
    async fn send(
        &self,
        connector: &Connector,
        outgoing: &OutgoingRequest<'_>,
        trace: &SharedTrace,
    ) -> Result<(Http1Connection, HttpResponse<Incoming>), Error> {
        if let Some(mut connection) = self.idle.take(origin(outgoing.url)).await {
            match connection.send(exchange::build_request(outgoing)?).await {
                Ok(response) => {
                    self.connections.reused.fetch_add(1, Ordering::Relaxed);
                    return Ok((connection, response));
                }
                Err(error) if connection.has_received() => return Err(error.into()),
                Err(error) => tracing::debug!(%error, "sent a request again over a new connection"),
            }
        }
        // Boxed: the future is large and rarely needed, so it should not enlarge the future of each exchange.
        let connecting = Box::pin(connector.connect(outgoing.url, &self.tls));
        let connected = timings::record(Arc::clone(trace), connecting).await?;
        self.connections.opened.fetch_add(1, Ordering::Relaxed);
        let mut connection =
            Http1Connection::new(connected.stream, connected.remote_address).await?;
        let response = connection.send(exchange::build_request(outgoing)?).await?;
        Ok((connection, response))
    }
}

fn origin(url: &Url) -> &str {
    &url[..Position::BeforePath]
}

/// Reads up to [`MAX_RESPONSE_BYTES`]. Returns whether the body was longer. The rest is not read.
async fn read_body(
    connection: &mut Http1Connection,
    mut body: Incoming,
    bytes: &mut Vec<u8>,
) -> Result<bool, hyper::Error> {
    while let Some(chunk) = connection.next_chunk(&mut body).await? {
        let capacity = MAX_RESPONSE_BYTES - bytes.len();
        bytes.extend(chunk.iter().take(capacity));
        if chunk.len() > capacity {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests;
