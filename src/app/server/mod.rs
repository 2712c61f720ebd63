//! The HTTP server: accepts connections, and bounds their number and their duration.
//!
//! axum's own server has neither timeouts nor a limit: clients that send nothing, or very slowly, would use up all file
//! descriptors.

mod body;
mod budget;
mod connection;
mod limits;
mod plain_http;
mod registry;
mod stream;
mod tls;

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::MissedTickBehavior;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use body::{OpenStream, RequestBody, ResponseBody, SharedBody};
use budget::{Budget, Reservation};
use connection::{Connection, Phase};
use limits::Limits;
use registry::Registry;
use stream::ObservedStream;

pub(super) use tls::ServerTls;

/// How long requests may continue after a stop was requested.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(3);
/// Interval of the search for connections whose timeout has elapsed.
const SWEEP_INTERVAL: Duration = Duration::from_millis(250);
/// Interval of the search for changed files of the certificate.
const TLS_RELOAD_INTERVAL: Duration = Duration::from_secs(10);
/// Maximum size of a request's head, and of the buffer for a connection, in bytes.
const MAX_BUFFER_BYTES: usize = 64 * 1024;
/// Paths that are served while pages are not, because almost all connections are busy.
const VITAL_PATHS: [&str; 4] = ["/healthz", "/readyz", "/metrics", "/api/v1/events"];
/// Path of the stream that open pages are updated by.
const STREAM_PATH: &str = "/live";

/// An HTTP server.
#[derive(Debug)]
pub(super) struct Server {
    router: Router,
    /// TLS, if the server speaks it itself.
    tls: Option<Arc<ServerTls>>,
    registry: Arc<Registry>,
    limits: Limits,
    budget: Arc<Budget>,
    streams: Arc<Semaphore>,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

impl Server {
    /// A server with the limits of this process.
    pub(super) fn new(router: Router, tls: Option<ServerTls>) -> Self {
        let tls = tls.map(Arc::new);
        Self { tls, ..Self::with_limits(router, Limits::of_this_process()) }
    }

    fn with_limits(router: Router, limits: Limits) -> Self {
        let registry = Arc::new(Registry::new(limits));
        let streams = Arc::new(Semaphore::new(limits.streams()));
        let (stopping, tasks) = (CancellationToken::new(), TaskTracker::new());
        let budget = Arc::default();
        Self { router, tls: None, registry, limits, budget, streams, stopping, tasks }
    }

    /// Serves until `shutdown` completes, and then lets requests in progress finish within [`DRAIN_TIMEOUT`].
    pub(super) async fn run(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let mut sweep = tokio::time::interval(SWEEP_INTERVAL);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut reload = tokio::time::interval(TLS_RELOAD_INTERVAL);
        tokio::pin!(shutdown);
        loop {
            let accepted = async {
                self.registry.wait_for_slot().await;
                listener.accept().await
            };
            tokio::select! {
                () = &mut shutdown => break,
                _instant = sweep.tick() => self.registry.close_expired(),
                _instant = reload.tick(), if self.tls.is_some() => self.reload_tls(),
                accepted = accepted => match accepted {
                    Ok((stream, peer)) => self.serve(stream, peer),
                    Err(error) => self.handle_accept_error(&error, &mut sweep).await,
                }
            }
        }
        drop(listener);
        self.stopping.cancel();
        self.registry.close_new();
        self.tasks.close();
        // A client that never completes its request must not keep the server from stopping.
        if tokio::time::timeout(DRAIN_TIMEOUT, self.tasks.wait()).await.is_err() {
            tracing::debug!("ended connections whose requests did not finish in time");
        }
        self.registry.close_all();
    }

    /// On another thread, because the files may be on a slow network file system.
    fn reload_tls(&self) {
        let Some(tls) = self.tls.clone() else { return };
        let _reload = tokio::task::spawn_blocking(move || {
            if let Err(error) = tls.reload() {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "could not reload the TLS certificate"
                );
            }
        });
    }

    /// The connection may have been aborted while it waited. Otherwise the system has no descriptors left.
    async fn handle_accept_error(&self, error: &std::io::Error, sweep: &mut tokio::time::Interval) {
        use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
        if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
            return;
        }
        tracing::warn!(%error, "could not accept a connection");
        self.registry.close_one();
        self.registry.close_expired();
        sweep.tick().await;
    }

    fn serve(&self, stream: TcpStream, peer: SocketAddr) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "could not set TCP_NODELAY");
        }
        let connection = Arc::new(Connection::new(tokio::time::Instant::now()));
        let slot = self.registry.add(Arc::clone(&connection));
        let handler = Handler {
            router: self.router.clone(),
            registry: Arc::clone(&self.registry),
            connection: Arc::clone(&connection),
            limits: self.limits,
            budget: Arc::clone(&self.budget),
            streams: Arc::clone(&self.streams),
            stopping: self.stopping.clone(),
            peer,
        };
        let Some(tls) = self.tls.clone() else {
            self.tasks.spawn(async move {
                let _slot = slot;
                handler.serve(ObservedStream::new(stream, connection)).await;
            });
            return;
        };
        self.tasks.spawn(async move {
            let _slot = slot;
            // Like the head of a request, the handshake must be complete in time, or the connection is closed.
            let accepted = tokio::select! {
                accepted = accept(&tls, stream, &connection) => accepted,
                () = connection.closed() => return,
                () = handler.stopping.cancelled() => return,
            };
            match accepted {
                Ok(Some(stream)) => handler.serve(stream).await,
                Ok(None) => tracing::debug!(%peer, "a client used HTTP instead of HTTPS"),
                Err(error) => tracing::debug!(%peer, %error, "a TLS handshake failed"),
            }
        });
    }
}

/// Does the handshake of a connection. Returns `None` after a response to a client that uses HTTP.
async fn accept(
    tls: &ServerTls,
    stream: TcpStream,
    connection: &Arc<Connection>,
) -> std::io::Result<Option<TlsStream<ObservedStream<TcpStream>>>> {
    if plain_http::is_plain_http(&stream).await {
        return plain_http::refuse(stream).await.map(|()| None);
    }
    tls.accept(ObservedStream::new(stream, Arc::clone(connection))).await.map(Some)
}

/// Handles the requests of a connection.
#[derive(Clone)]
struct Handler {
    router: Router,
    registry: Arc<Registry>,
    connection: Arc<Connection>,
    limits: Limits,
    budget: Arc<Budget>,
    streams: Arc<Semaphore>,
    stopping: CancellationToken,
    peer: SocketAddr,
}

impl Handler {
    /// Serves the requests of a connection until it ends.
    async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let (connection, stopping, peer) =
            (Arc::clone(&self.connection), self.stopping.clone(), self.peer);
        let service = service_fn(move |request| self.clone().handle(request));
        let builder = http1::Builder::new().max_buf_size(MAX_BUFFER_BYTES).to_owned();
        let serving = builder.serve_connection(TokioIo::new(stream), service);
        tokio::pin!(serving);
        let mut is_stopping = false;
        loop {
            tokio::select! {
                ended = serving.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%peer, %error, "a connection ended early");
                    }
                    return;
                }
                () = connection.closed() => return,
                () = stopping.cancelled(), if !is_stopping => {
                    is_stopping = true;
                    serving.as_mut().graceful_shutdown();
                }
            }
        }
    }

    async fn handle(
        self,
        request: Request<Incoming>,
    ) -> Result<Response<ResponseBody>, Infallible> {
        self.connection.enter(Phase::Response);
        let is_vital = VITAL_PATHS.contains(&request.uri().path());
        let reservation = (!is_vital).then(|| self.budget.reserve());
        let is_stream = request.uri().path() == STREAM_PATH;
        let stream = if is_stream { self.open_stream() } else { None };
        let has_capacity = is_vital || !self.registry.is_busy();
        let response = if !has_capacity || (is_stream && stream.is_none()) {
            busy()
        } else {
            self.route(request, reservation.clone()).await
        };
        Ok(response.map(|body| ResponseBody::new(body, self.connection, reservation, stream)))
    }

    async fn route(
        &self,
        request: Request<Incoming>,
        reservation: Option<Arc<Reservation>>,
    ) -> Response {
        // A client that waits for permission has not sent its body.
        let is_body_sent = !request.headers().contains_key(header::EXPECT);
        let (head, body) = request.into_parts();
        let connection = Arc::clone(&self.connection);
        let body = RequestBody::new(body, connection, self.limits.timeouts, reservation);
        let body = SharedBody::new(body);
        let mut request = Request::from_parts(head, Body::new(body.share()));
        request.extensions_mut().insert(ConnectInfo(self.peer));
        let handled: Result<Response, Infallible> = self.router.clone().oneshot(request).await;
        if is_body_sent {
            body.discard().await;
        }
        handled.into_response()
    }

    /// `None` if too many streams are open.
    fn open_stream(&self) -> Option<OpenStream> {
        let permit = Arc::clone(&self.streams).try_acquire_owned().ok()?;
        Some(OpenStream::new(&self.stopping, permit))
    }
}

fn busy() -> Response {
    let text = "Gatepost is busy. Try again in a moment.\n";
    let mut response = (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    let headers = response.headers_mut();
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

#[cfg(test)]
mod tests;
