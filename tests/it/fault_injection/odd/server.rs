//! A TLS server that sends exactly the given bytes.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use rcgen::KeyPair;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::task::AbortOnDropHandle;

/// What happens to the connection after a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It stays open for another request.
    KeepOpen,
    /// It is closed with `close_notify`.
    Close,
    /// It is closed without `close_notify`.
    Cut,
    /// It is reset.
    Reset,
}

/// What the server does with a request.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub(super) bytes: Vec<u8>,
    pub(super) end: End,
}

/// What is known of a path.
#[derive(Debug, Default)]
struct Place {
    /// The replies, in order. The last one repeats.
    replies: Vec<Reply>,
    requests: usize,
}

/// What is known of each path.
#[derive(Debug, Clone, Default)]
struct Places(Arc<Mutex<HashMap<String, Place>>>);

/// A server whose replies depend on the path. Stops when dropped.
pub(super) struct OddServer {
    address: SocketAddr,
    places: Places,
    _accepting: AbortOnDropHandle<()>,
}

impl OddServer {
    /// Starts a server with a self-signed certificate.
    pub(super) async fn start() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        Self::with_certificates(vec![made.cert.der().clone()], &made.signing_key).await
    }

    /// Starts a server with a certificate, followed by its issuers.
    pub(super) async fn with_certificates(
        chain: Vec<CertificateDer<'static>>,
        key: &KeyPair,
    ) -> Self {
        let acceptor = acceptor(chain, key);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let places = Places::default();
        let served = places.clone();
        #[expect(clippy::disallowed_methods, reason = "aborted when the server is dropped")]
        let accepting = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (places, acceptor) = (served.clone(), acceptor.clone());
                connections.spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        serve(stream, &places).await;
                    }
                });
            }
        });
        Self { address, places, _accepting: AbortOnDropHandle::new(accepting) }
    }

    /// Sets the replies at the path of this name.
    pub(super) fn reply(&self, name: &str, replies: &[Reply]) {
        self.places.0.lock().entry(path(name)).or_default().replies = replies.to_vec();
    }

    pub(super) fn url(&self, name: &str) -> String {
        format!("https://{}{}", self.address, path(name))
    }

    /// Returns the number of requests at the path of this name.
    pub(super) fn requests(&self, name: &str) -> usize {
        self.places.0.lock().get(&path(name)).map_or(0, |place| place.requests)
    }
}

fn path(name: &str) -> String {
    format!("/{}", name.replace(' ', "-"))
}

fn acceptor(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> TlsAcceptor {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

impl Places {
    /// Counts a request and returns its reply.
    fn take(&self, path: &str) -> Option<Reply> {
        let mut places = self.0.lock();
        let place = places.get_mut(path)?;
        let reply = place.replies.get(place.requests).or(place.replies.last()).cloned();
        place.requests += 1;
        reply
    }
}

async fn serve(mut stream: TlsStream<TcpStream>, places: &Places) {
    while let Some(path) = read_request(&mut stream).await {
        let Some(reply) = places.take(&path) else { return };
        if stream.write_all(&reply.bytes).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        match reply.end {
            End::KeepOpen => {}
            End::Close => {
                let _closed = stream.shutdown().await;
                return;
            }
            // Dropping the stream closes the socket and sends nothing.
            End::Cut => return,
            End::Reset => {
                stream.get_ref().0.set_zero_linger().unwrap();
                return;
            }
        }
    }
}

/// Reads a request and returns its path, or `None` when the client has closed the connection.
async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut request = Vec::new();
    loop {
        let mut bytes = [0; 4096];
        let count = stream.read(&mut bytes).await.ok().filter(|count| *count > 0)?;
        request.extend_from_slice(&bytes[..count]);
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return text.split(' ').nth(1).map(str::to_owned);
            }
        }
    }
}
