//! Slow and broken clients, with short timeouts.

use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::limits::{Limits, Timeouts};
use super::*;

const SHORT: Duration = Duration::from_millis(300);
/// Longer than every timeout of these tests.
const LONG: Duration = Duration::from_secs(20);

struct TestServer {
    address: SocketAddr,
    registry: Arc<Registry>,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl TestServer {
    async fn start(connections: usize, timeouts: Timeouts) -> Self {
        let read = async |body: Body| match axum::body::to_bytes(body, 1024).await {
            Ok(bytes) => (StatusCode::OK, format!("{} bytes", bytes.len())),
            Err(error) => (StatusCode::BAD_REQUEST, format!("{error:?}")),
        };
        let large = async || vec![b'x'; 64 * 1024 * 1024];
        let router = Router::new()
            .route("/healthz", get(async || "ok"))
            .route("/page", get(async || "page"))
            .route("/large", get(large))
            .route("/wait", get(std::future::pending::<()>))
            .route("/live", get(slow_stream))
            .route("/read", post(read))
            .route("/unread", post(async || StatusCode::UNAUTHORIZED));
        let reserved = connections / 4;
        let server = Server::with_limits(router, Limits { connections, reserved, timeouts });
        let registry = Arc::clone(&server.registry);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        #[expect(clippy::disallowed_methods, reason = "waited for in stop")]
        let running = tokio::spawn(async move {
            let stopped = async {
                let _ended = stopped.await;
            };
            server.run(listener, stopped).await;
        });
        Self { address, registry, stop, running }
    }

    async fn connect(&self) -> Client {
        Client(TcpStream::connect(self.address).await.unwrap())
    }

    /// Stops the server. Fails if that takes long.
    async fn stop(self) {
        self.stop.send(()).unwrap();
        timeout(LONG, self.running).await.unwrap().unwrap();
    }
}

/// Sends a line, and another one after all short timeouts. Does not end.
async fn slow_stream() -> Body {
    let lines = futures_util::stream::unfold(0, async |count| {
        if count == 2 {
            return std::future::pending().await;
        }
        let mut interval = tokio::time::interval(3 * SHORT);
        for _ in 0..=count {
            interval.tick().await;
        }
        Some((Ok::<_, Infallible>("line\n"), count + 1))
    });
    Body::from_stream(lines)
}

struct Client(TcpStream);

impl Client {
    async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    async fn get(&mut self, path: &str) -> String {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
        self.read().await
    }

    /// Reads what has arrived; nothing if the connection was closed.
    async fn read(&mut self) -> String {
        let mut buffer = vec![0; 4096];
        let read = timeout(LONG, self.0.read(&mut buffer)).await.expect("the server does nothing");
        // A connection that is closed while data is on its way is reset.
        String::from_utf8_lossy(&buffer[..read.unwrap_or(0)]).into_owned()
    }

    /// Sends a byte at a time until the connection is closed. Returns how long that took.
    async fn dribble(&mut self, interval: Duration) -> Duration {
        let started = Instant::now();
        let mut tick = tokio::time::interval(interval);
        let mut byte = [0];
        loop {
            assert!(started.elapsed() < LONG, "the connection is still open");
            tokio::select! {
                _instant = tick.tick() => if self.0.write_all(b"x").await.is_err() {
                    return started.elapsed();
                },
                read = self.0.read(&mut byte) => {
                    if read.is_err() || read.is_ok_and(|count| count == 0) {
                        return started.elapsed();
                    }
                }
            }
        }
    }
}

fn timeouts(change: impl FnOnce(&mut Timeouts)) -> Timeouts {
    let mut timeouts =
        Timeouts { head: LONG, idle: LONG, write: LONG, body_stall: LONG, body: LONG };
    change(&mut timeouts);
    timeouts
}

#[tokio::test]
async fn a_client_that_sends_no_head_is_disconnected() {
    let server = TestServer::start(16, timeouts(|t| t.head = SHORT)).await;
    let (mut silent, mut slow, mut second) =
        (server.connect().await, server.connect().await, server.connect().await);
    assert_eq!(silent.read().await, "");
    slow.send("GET /page HTTP/1.1\r\nX: ").await;
    slow.dribble(SHORT / 10).await;
    // Also for a further request.
    let mut third = server.connect().await;
    assert!(third.get("/page").await.starts_with("HTTP/1.1 200"));
    third.send("GET /page HTTP/1.1\r\nX: ").await;
    third.dribble(SHORT / 10).await;
    assert_eq!(second.read().await, "");
    server.stop().await;
}

#[tokio::test]
async fn an_idle_connection_is_closed_later_than_one_without_a_request() {
    let server = TestServer::start(16, timeouts(|t| (t.head, t.idle) = (LONG, SHORT))).await;
    let mut client = server.connect().await;
    assert!(client.get("/page").await.ends_with("page"));
    assert_eq!(client.read().await, "");
    server.stop().await;
}

#[tokio::test]
async fn a_stalled_and_a_dribbled_body_are_answered() {
    for (stall, total) in [(SHORT, LONG), (LONG, SHORT)] {
        let limits = timeouts(|t| (t.body_stall, t.body) = (stall, total));
        let server = TestServer::start(16, limits).await;
        let mut client = server.connect().await;
        client.send("POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc").await;
        let response = client.read().await;
        assert!(response.contains("TimedOut"), "{response}");
        let mut client = server.connect().await;
        client.send("POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc").await;
        if total == SHORT {
            assert!(client.dribble(SHORT / 10).await < LONG);
        }
        server.stop().await;
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_disconnected() {
    let server = TestServer::start(16, timeouts(|t| t.write = SHORT)).await;
    let mut client = server.connect().await;
    client.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n").await;
    for count in [1, 0] {
        let reached = async {
            let mut tick = tokio::time::interval(SHORT / 10);
            while server.registry.count() != count {
                tick.tick().await;
            }
        };
        timeout(LONG, reached).await.expect("the connection is not opened, or not closed");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_sends_a_large_body_sees_why_it_was_rejected() {
    let server = TestServer::start(16, timeouts(|_| {})).await;
    let body = "x".repeat(8 * 1024 * 1024);
    let mut client = server.connect().await;
    let head =
        format!("POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
    for _ in 0..2 {
        client.send(&head).await;
        client.send(&body).await;
        let response = client.read().await;
        assert!(response.starts_with("HTTP/1.1 401"), "{response}");
    }
    // A client that asks first does not have to send it.
    client.send(&head.replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n")).await;
    let response = client.read().await;
    assert!(response.starts_with("HTTP/1.1 401"), "{response}");
    server.stop().await;
}

#[tokio::test]
async fn malformed_bodies_are_answered_with_status_400() {
    let server = TestServer::start(16, timeouts(|_| {})).await;
    for body in [
        "zz\r\nabc\r\n0\r\n\r\n",
        "3\r\nabcdef\r\n0\r\n\r\n",
        "-1\r\n\r\n",
        "ffffffffffffffffff\r\n",
    ] {
        let mut client = server.connect().await;
        let head = "POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
        client.send(&format!("{head}{body}")).await;
        let response = client.read().await;
        assert!(response.starts_with("HTTP/1.1 400"), "{body:?}: {response}");
    }
    // Two servers that read these differently could be made to see different requests (RFC 9112, section 6.3).
    for head in [
        "Content-Length: 3\r\nContent-Length: 4",
        "Content-Length: 3, 4",
        "Content-Length: 3\r\nTransfer-Encoding: gzip",
        "Transfer-Encoding: chunked, identity",
        "Content-Length: +3",
    ] {
        let mut client = server.connect().await;
        client.send(&format!("POST /read HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\nabc")).await;
        let response = client.read().await;
        assert!(response.starts_with("HTTP/1.1 400"), "{head}: {response}");
    }
    let mut client = server.connect().await;
    client.send("POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc").await;
    client.0.shutdown().await.unwrap();
    let response = client.read().await;
    assert!(response.starts_with("HTTP/1.1 400") || response.is_empty(), "{response}");
    server.stop().await;
}

#[tokio::test]
async fn half_open_connections_make_place_for_others() {
    let server = TestServer::start(16, timeouts(|_| {})).await;
    let mut half_open = Vec::new();
    for _ in 0..100 {
        let mut client = server.connect().await;
        client.send("GET /page HTTP/1.1\r\nX: ").await;
        half_open.push(client);
        if half_open.len() % 20 == 0 {
            let mut healthy = server.connect().await;
            assert!(healthy.get("/healthz").await.ends_with("ok"));
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn health_checks_are_served_while_pages_use_all_other_connections() {
    let server = TestServer::start(16, timeouts(|_| {})).await;
    let mut busy = Vec::new();
    for _ in 0..12 {
        let mut client = server.connect().await;
        client.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n").await;
        busy.push(client);
    }
    let mut client = server.connect().await;
    assert!(client.get("/healthz").await.ends_with("ok"));
    let refused = server.connect().await.get("/page").await;
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    assert!(refused.to_lowercase().contains("connection: close"), "{refused}");
    // Even if all of the rest is used by connections that do nothing.
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(server.connect().await);
    }
    assert!(server.connect().await.get("/healthz").await.ends_with("ok"));
    drop(busy);
    let ended = async {
        let mut tick = tokio::time::interval(SHORT / 10);
        while !server.connect().await.get("/page").await.ends_with("page") {
            tick.tick().await;
        }
    };
    timeout(LONG, ended).await.expect("pages are not served again");
    server.stop().await;
}

#[tokio::test]
async fn a_stop_does_not_wait_for_connections_without_a_request() {
    let server = TestServer::start(16, timeouts(|_| {})).await;
    let mut silent = server.connect().await;
    let mut idle = server.connect().await;
    assert!(idle.get("/page").await.ends_with("page"));
    let started = Instant::now();
    server.stop().await;
    assert!(started.elapsed() < DRAIN_TIMEOUT, "{:?}", started.elapsed());
    assert_eq!(silent.read().await + &idle.read().await, "");
}

#[tokio::test]
async fn a_stream_is_neither_slow_nor_idle_and_ends_at_a_stop() {
    let short = Timeouts { head: SHORT, idle: SHORT, write: SHORT, body_stall: SHORT, body: SHORT };
    let server = TestServer::start(16, short).await;
    let mut client = server.connect().await;
    let mut received = client.get("/live").await;
    assert!(received.starts_with("HTTP/1.1 200"));
    while received.matches("line").count() < 2 {
        let more = client.read().await;
        assert_ne!(more, "", "the stream was closed");
        received += &more;
    }
    let started = Instant::now();
    server.stop().await;
    assert!(started.elapsed() < DRAIN_TIMEOUT / 2, "{:?}", started.elapsed());
    assert_eq!(client.read().await, "0\r\n\r\n");
    assert_eq!(client.read().await, "");
}

#[tokio::test]
async fn streams_leave_most_connections_to_others() {
    let server = TestServer::start(16, timeouts(|_| {})).await;
    let mut streams = Vec::new();
    for _ in 0..4 {
        let mut client = server.connect().await;
        assert!(client.get("/live").await.starts_with("HTTP/1.1 200"));
        streams.push(client);
    }
    let refused = server.connect().await.get("/live").await;
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    assert!(server.connect().await.get("/page").await.ends_with("page"));
    // One that was closed makes place for another.
    drop(streams.pop());
    let reopened = async {
        let mut tick = tokio::time::interval(SHORT / 10);
        while !server.connect().await.get("/live").await.starts_with("HTTP/1.1 200") {
            tick.tick().await;
        }
    };
    timeout(LONG, reopened).await.expect("the stream is still counted");
    server.stop().await;
}
