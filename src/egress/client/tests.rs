//! What connections are used for, and when they end.

use std::time::Duration;

use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::egress::Outgoing;
use crate::model::exchange::Timings;
use crate::model::webhook::Trust;

const FINE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const IN_CHUNKS: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n\
                         1\r\no\r\n1\r\nk\r\n0\r\nx-sum: 1\r\n\r\n";
/// In the place of an answer: the connection is closed.
const CLOSE: &str = "";
const PATIENCE: Duration = Duration::from_secs(10);

/// Serves one connection after the other, each with its answers; the last until the client closes it.
async fn serve(listener: &TcpListener, connections: &[&[&str]]) {
    for answers in connections {
        let (mut stream, _) = listener.accept().await.unwrap();
        for answer in *answers {
            if *answer != CLOSE {
                assert_ne!(request(&mut stream).await, "", "the client has closed it");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        }
        if answers.last() != Some(&CLOSE) {
            assert_eq!(request(&mut stream).await, "");
        }
    }
}

/// Up to its empty line; empty where the client has closed the connection.
async fn request(stream: &mut (impl AsyncRead + Unpin)) -> String {
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

/// Fails where the answer is not as it should be; tells whether a connection was made for it.
async fn exchange(client: &Client, listener: &TcpListener) -> bool {
    let timings = exchange_by(client, "http", listener).await;
    assert_eq!(timings.tls_us, None);
    timings.connect_us.is_some()
}

async fn exchange_by(client: &Client, scheme: &str, listener: &TcpListener) -> Timings {
    let url = format!("{scheme}://{}/?a=1", listener.local_addr().unwrap()).parse().unwrap();
    let tls = Tls::from(Trust::None);
    let outgoing = Outgoing {
        method: "GET",
        url: &url,
        headers: Vec::new(),
        body: None,
        timeout: PATIENCE,
        tls: &tls,
    };
    let exchanged = client.exchange(outgoing).await;
    assert_eq!(exchanged.failure, None);
    assert_eq!(exchanged.exchange.response.unwrap().body, "ok");
    exchanged.exchange.timings
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

async fn both(serving: impl Future, sending: impl Future) {
    let both = async { tokio::join!(serving, sending) };
    tokio::time::timeout(PATIENCE, both).await.expect("one waits for the other in vain");
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let listener = listener().await;
    both(serve(&listener, &[&[FINE, IN_CHUNKS, FINE]]), async {
        let client = client();
        assert!(exchange(&client, &listener).await);
        for _ in 0..2 {
            assert!(!exchange(&client, &listener).await);
        }
    })
    .await;
}

#[tokio::test]
async fn one_that_the_server_has_closed_is_replaced() {
    let (first, second) = (listener().await, listener().await);
    let serving = async {
        tokio::join!(serve(&first, &[&[FINE, CLOSE], &[FINE]]), serve(&second, &[&[FINE]]))
    };
    both(serving, async {
        let client = client();
        for server in [&first, &second, &first] {
            assert!(exchange(&client, server).await);
        }
    })
    .await;
}

#[tokio::test]
async fn one_that_nobody_uses_is_closed() {
    let listener = listener().await;
    let client = client();
    both(serve(&listener, &[&[FINE]]), async {
        exchange(&client, &listener).await;
        client.close_idle_at(Instant::now() + Duration::from_mins(1));
    })
    .await;
    let pools = client.pools.lock().unwrap();
    assert!(pools.values().all(|pool| pool.idle.is_empty()));
}

/// With a certificate of its own.
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
async fn a_secured_one_is_closed_with_a_word() {
    let listener = listener().await;
    let serving = async {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = acceptor().accept(stream).await.unwrap();
        assert_ne!(request(&mut stream).await, "");
        stream.write_all(FINE.as_bytes()).await.unwrap();
        // Without close_notify (RFC 8446, section 6.1) this would be an error.
        assert_eq!(request(&mut stream).await, "");
    };
    both(serving, async {
        let client = client();
        let timings = exchange_by(&client, "https", &listener).await;
        assert!(timings.connect_us.is_some() && timings.tls_us.is_some(), "{timings:?}");
        client.close_idle_at(Instant::now() + Duration::from_mins(1));
    })
    .await;
}
