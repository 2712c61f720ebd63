//! Reuse and closing of connections.

use std::time::Duration;

use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::egress::OutgoingRequest;
use crate::model::exchange::RecordedParts;
use crate::model::exchange::Timings;
use crate::model::webhook::Trust;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n\
                         1\r\no\r\n1\r\nk\r\n0\r\nx-sum: 1\r\n\r\n";
/// Closes the connection instead of sending a response.
const CLOSE: &str = "";
const TEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Accepts one connection after another and sends the given responses. Without [`CLOSE`], the client must close the
/// connection.
async fn serve(listener: &TcpListener, connections: &[&[&str]]) {
    for responses in connections {
        let (mut stream, _) = listener.accept().await.unwrap();
        for response in *responses {
            if *response != CLOSE {
                assert_ne!(read_head(&mut stream).await, "", "the client closed the connection");
                stream.write_all(response.as_bytes()).await.unwrap();
            }
        }
        if responses.last() != Some(&CLOSE) {
            assert_eq!(read_head(&mut stream).await, "");
        }
    }
}

/// Reads a request head. Returns an empty string if the client closed the connection.
async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let mut bytes = [0; 512];
        match stream.read(&mut bytes).await.unwrap() {
            0 => break,
            count => head.push_str(std::str::from_utf8(&bytes[..count]).unwrap()),
        }
    }
    head
}

fn client() -> Client {
    Client::new(AddressRules::new(vec!["127.0.0.0/8".parse().unwrap()], Vec::new()))
}

/// Makes an exchange and returns whether it opened a connection.
async fn exchange(client: &Client, listener: &TcpListener) -> bool {
    let timings = exchange_by(client, "http", listener).await;
    assert_eq!(timings.tls_us, None);
    timings.connect_us.is_some()
}

async fn exchange_by(client: &Client, scheme: &str, listener: &TcpListener) -> Timings {
    let exchanged = exchange_within(client, scheme, listener, TEST_TIMEOUT).await;
    assert_eq!(exchanged.failure, None);
    assert_eq!(exchanged.exchange.response.unwrap().body, "ok");
    exchanged.exchange.timings
}

async fn exchange_within(
    client: &Client,
    scheme: &str,
    listener: &TcpListener,
    timeout: Duration,
) -> ExchangeResult {
    let url = format!("{scheme}://{}/?a=1", listener.local_addr().unwrap()).parse().unwrap();
    let tls = Tls::from(Trust::None);
    let (headers, body) = (Vec::new(), None);
    let outgoing = OutgoingRequest {
        method: "GET",
        url: &url,
        headers,
        body,
        timeout,
        tls: &tls,
        recorded: RecordedParts::default(),
    };
    client.exchange(outgoing).await
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

async fn both(serving: impl Future, sending: impl Future) {
    let both = async { tokio::join!(serving, sending) };
    tokio::time::timeout(TEST_TIMEOUT, both).await.expect("client and server are deadlocked");
}

#[tokio::test]
async fn reuses_a_connection() {
    let listener = listener().await;
    both(serve(&listener, &[&[OK, CHUNKED, OK]]), async {
        let client = client();
        assert!(exchange(&client, &listener).await);
        for _ in 0..2 {
            assert!(!exchange(&client, &listener).await);
        }
    })
    .await;
}

#[tokio::test]
async fn replaces_a_connection_that_the_server_closed() {
    let (first, second) = (listener().await, listener().await);
    let serving =
        async { tokio::join!(serve(&first, &[&[OK, CLOSE], &[OK]]), serve(&second, &[&[OK]])) };
    both(serving, async {
        let client = client();
        for server in [&first, &second, &first] {
            assert!(exchange(&client, server).await);
        }
    })
    .await;
}

#[tokio::test]
async fn closes_unused_connections() {
    let listener = listener().await;
    let client = client();
    both(serve(&listener, &[&[OK]]), async {
        exchange(&client, &listener).await;
        client.close_idle_at(Instant::now() + Duration::from_mins(1));
    })
    .await;
    let pools = client.pools.lock();
    assert!(pools.values().all(|pool| pool.idle.is_empty()));
}

/// A TLS server with a self-signed certificate.
fn acceptor() -> TlsAcceptor {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

#[tokio::test]
async fn sends_close_notify_before_closing_a_tls_connection() {
    let listener = listener().await;
    let serving = async {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = acceptor().accept(stream).await.unwrap();
        assert_ne!(read_head(&mut stream).await, "");
        stream.write_all(OK.as_bytes()).await.unwrap();
        // Without close_notify (RFC 8446, section 6.1) this would be an error.
        assert_eq!(read_head(&mut stream).await, "");
    };
    both(serving, async {
        let client = client();
        let timings = exchange_by(&client, "https", &listener).await;
        assert!(timings.connect_us.is_some() && timings.tls_us.is_some(), "{timings:?}");
        client.close_idle_at(Instant::now() + Duration::from_mins(1));
    })
    .await;
}

#[tokio::test]
async fn a_timeout_keeps_the_part_of_the_body_that_was_read() {
    let listener = listener().await;
    let serving = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert_ne!(read_head(&mut stream).await, "");
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n{\"success\":true}").await.unwrap();
        assert_eq!(read_head(&mut stream).await, "", "the client gives up");
    };
    both(serving, async {
        let timeout = Duration::from_millis(300);
        let exchanged = exchange_within(&client(), "http", &listener, timeout).await;
        assert!(matches!(exchanged.failure, Some(Cause::Timeout { .. })));
        let response = exchanged.exchange.response.unwrap();
        assert_eq!(response.body, "{\"success\":true}");
        assert!(response.truncated);
    })
    .await;
}
