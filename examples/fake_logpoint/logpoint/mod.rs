//! A simulated Logpoint over real TLS: for tests, and for trying Gatepost without an appliance.
//!
//! Tests include this folder by `#[path = "../../examples/fake_logpoint/logpoint/mod.rs"]`; it knows
//! nothing of Gatepost. A server is scripted by [`Behaviour`]s, records what it was sent, and stops
//! when it is dropped:
//!
//! ```ignore
//! let logpoint = FakeLogpoint::start(Options::default()).await;
//! logpoint.behave([Behaviour::Status(502, String::new()), Behaviour::Normal]);
//! post(logpoint.url("/reopen_incident"), …).await;
//! let requests = logpoint.wait_for_requests(2).await;
//! ```

mod behaviour;
mod http;
mod incidents;
mod record;
#[cfg(test)]
mod tests;
mod tls;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

pub(crate) use behaviour::Behaviour;
pub(crate) use incidents::{ANALYST, API_USER, INCIDENTS, Incident, State};
pub(crate) use record::Recorded;
pub(crate) use tls::{Certificate, Demands, Pem};

use behaviour::Reply;
use http::{Io, Request};
use incidents::Logpoint;
use record::Record;
use tls::Identity;

/// How long a test waits for requests before it gives up.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a simulated Logpoint is like.
pub(crate) struct Options {
    pub(crate) listen: SocketAddr,
    pub(crate) username: String,
    pub(crate) secret_key: String,
    pub(crate) certificate: Certificate,
    pub(crate) demands: Demands,
    /// How many requests are kept, the newest; the rest is only counted.
    pub(crate) keep: usize,
    /// Is told one line per request; never the secret key.
    pub(crate) log: Option<fn(&str)>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            username: "svc-gatepost".to_owned(),
            secret_key: "demo-key".to_owned(),
            certificate: Certificate::SelfSigned,
            demands: Demands::default(),
            keep: 100_000,
            log: None,
        }
    }
}

/// A running simulated Logpoint.
pub(crate) struct FakeLogpoint {
    address: SocketAddr,
    server: Arc<Server>,
    /// Dropping it aborts the listener, and that its connections.
    tasks: JoinSet<()>,
}

struct Server {
    logpoint: Logpoint,
    identity: Identity,
    record: Record,
    log: Option<fn(&str)>,
}

impl FakeLogpoint {
    /// Starts one.
    ///
    /// # Panics
    /// Where it cannot: a test cannot go on without.
    #[expect(clippy::expect_used, reason = "for tests; programs call `try_start`")]
    pub(crate) async fn start(options: Options) -> Self {
        Self::try_start(options).await.expect("a simulated Logpoint")
    }

    /// Starts one.
    ///
    /// # Errors
    /// Where the address is taken, or the given certificate is of no use.
    pub(crate) async fn try_start(options: Options) -> io::Result<Self> {
        let Options { listen, username, secret_key, certificate, demands, keep, log } = options;
        let server = Arc::new(Server {
            logpoint: Logpoint::new(username, secret_key),
            identity: Identity::new(certificate, &demands)?,
            record: Record::new(keep),
            log,
        });
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&server)));
        Ok(Self { address, server, tasks })
    }

    /// Stops it, and waits until it has: the address is free again.
    pub(crate) async fn stop(mut self) {
        self.tasks.shutdown().await;
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a path, which begins with a slash.
    pub(crate) fn url(&self, path: &str) -> String {
        let scheme = if self.server.identity.acceptor.is_some() { "https" } else { "http" };
        format!("{scheme}://{}{path}", self.address)
    }

    /// The certificate's SHA-256, `AB:CD:…`; empty for plain HTTP.
    pub(crate) fn fingerprint(&self) -> &str {
        &self.server.identity.fingerprint
    }

    /// The certificate; empty for plain HTTP.
    pub(crate) fn certificate_pem(&self) -> &str {
        &self.server.identity.certificate_pem
    }

    /// The certificate of the authority that signed: the server's own one where it signed itself.
    pub(crate) fn ca_pem(&self) -> &str {
        &self.server.identity.ca_pem
    }

    /// An incident, by its id.
    pub(crate) fn incident(&self, id: &str) -> Option<Incident> {
        self.server.logpoint.incidents().iter().find(|incident| incident.id == id).cloned()
    }

    /// Scripts the next requests, after those that are scripted already; then all is as before.
    pub(crate) fn behave(&self, script: impl IntoIterator<Item = Behaviour>) {
        self.server.record.script(script);
    }

    /// How it behaves when nothing is scripted: as Logpoint would, until told otherwise.
    pub(crate) fn always(&self, behaviour: Behaviour) {
        self.server.record.always(behaviour);
    }

    /// What it was sent so far, whole requests only, the oldest first.
    pub(crate) fn requests(&self) -> Vec<Recorded> {
        self.server.record.requests()
    }

    /// Waits until so many requests have come since the start, and gives all of them.
    ///
    /// # Panics
    /// Where they do not come within ten seconds.
    #[expect(clippy::panic, reason = "a test that waits in vain has failed")]
    pub(crate) async fn wait_for_requests(&self, count: usize) -> Vec<Recorded> {
        let mut arrived = self.server.record.arrived();
        let waited = tokio::time::timeout(PATIENCE, arrived.wait_for(|so_far| *so_far >= count));
        if waited.await.is_err() {
            let so_far = *self.server.record.arrived().borrow();
            panic!("{so_far} of {count} requests came within {} s", PATIENCE.as_secs())
        }
        self.requests()
    }
}

async fn accept(listener: TcpListener, server: Arc<Server>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _peer)) = accepted {
                connections.spawn(connection(stream, Arc::clone(&server)));
            },
            Some(_ended) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, server: Arc<Server>) {
    stream.set_nodelay(true).ok();
    if server.record.leaves_unread() {
        server.log("a connection is not read from");
        return std::future::pending().await;
    }
    let ended = match &server.identity.acceptor {
        None => server.serve(stream).await,
        Some(acceptor) => match acceptor.accept(stream).await {
            Ok(stream) => server.serve(stream).await,
            Err(error) => {
                server.log(&format!("a client gave up in the TLS handshake: {error}"));
                return;
            }
        },
    };
    // A client may go away when it likes; what is no HTTP is told.
    if let Err(error) = ended
        && error.kind() == io::ErrorKind::InvalidData
    {
        server.log(&format!("a client sent what is no HTTP: {error}"));
    }
}

impl Server {
    async fn serve(&self, stream: impl Io) -> io::Result<()> {
        let mut stream = BufReader::new(stream);
        while let Some(request) = http::read(&mut stream).await? {
            let behaviour = self.record.add(&request);
            let answer = match behaviour.reply().await {
                Reply::Logpoint => self.logpoint.answer(&request),
                Reply::Answer(answer) => answer,
                Reply::Broken(broken) => {
                    self.log_request(&request, broken.says());
                    return broken.run(&mut stream).await;
                }
            };
            self.log_request(&request, &format!("{} {}", answer.status, answer.says));
            answer.write(&request, &mut stream).await?;
            if request.last {
                break;
            }
        }
        stream.shutdown().await
    }

    fn log_request(&self, request: &Request, says: &str) {
        // Without its query, which may hold anything.
        let path = request.path.split('?').next().unwrap_or_default();
        self.log(&format!("{} {path} -> {says}", request.method));
    }

    fn log(&self, line: &str) {
        if let Some(log) = self.log {
            log(line);
        }
    }
}
