//! A simulated Logpoint with TLS, for tests and for trying Gatepost without an appliance.
//!
//! Tests include this folder with `#[path = "../../examples/fake_logpoint/logpoint/mod.rs"]`. It does not depend on
//! Gatepost. A server is scripted with [`Behaviour`]s, records its requests, and stops when it is dropped:
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
pub(crate) use record::RecordedRequest;
pub(crate) use tls::{Certificate, Pem, TlsRequirements};

use behaviour::Reply;
use http::{Io, Request};
use incidents::Logpoint;
use record::Record;
use tls::Identity;

/// How long a test waits for requests.
const WAIT_TIMEOUT: Duration = Duration::from_secs(10);

/// Options of a simulated Logpoint.
pub(crate) struct Options {
    pub(crate) listen: SocketAddr,
    pub(crate) username: String,
    pub(crate) secret_key: String,
    pub(crate) certificate: Certificate,
    pub(crate) requirements: TlsRequirements,
    /// Maximum number of recorded requests. Older ones are only counted.
    pub(crate) max_recorded: usize,
    /// Called with one line per request, which never contains the secret key.
    pub(crate) log: Option<fn(&str)>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            username: "svc-gatepost".to_owned(),
            secret_key: "demo-key".to_owned(),
            certificate: Certificate::SelfSigned,
            requirements: TlsRequirements::default(),
            max_recorded: 100_000,
            log: None,
        }
    }
}

/// A running simulated Logpoint.
pub(crate) struct FakeLogpoint {
    address: SocketAddr,
    server: Arc<Server>,
    /// Dropping the set aborts the listener, which aborts its connections.
    tasks: JoinSet<()>,
}

struct Server {
    logpoint: Logpoint,
    identity: Identity,
    record: Record,
    log: Option<fn(&str)>,
}

impl FakeLogpoint {
    /// Starts a server.
    ///
    /// # Panics
    /// If it cannot be started.
    #[expect(clippy::expect_used, reason = "for tests; programs call `try_start`")]
    pub(crate) async fn start(options: Options) -> Self {
        Self::try_start(options).await.expect("could not start a simulated Logpoint")
    }

    /// Starts a server.
    ///
    /// # Errors
    /// If the address is in use or the given certificate is invalid.
    pub(crate) async fn try_start(options: Options) -> io::Result<Self> {
        let Options { listen, username, secret_key, certificate, requirements, max_recorded, log } =
            options;
        let server = Arc::new(Server {
            logpoint: Logpoint::new(username, secret_key),
            identity: Identity::new(certificate, &requirements)?,
            record: Record::new(max_recorded),
            log,
        });
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&server)));
        Ok(Self { address, server, tasks })
    }

    /// Stops the server, and waits until its address is free.
    pub(crate) async fn stop(mut self) {
        self.tasks.shutdown().await;
    }

    /// The address of the server.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the URL of a path, which starts with a slash.
    pub(crate) fn url(&self, path: &str) -> String {
        let scheme = if self.server.identity.acceptor.is_some() { "https" } else { "http" };
        format!("{scheme}://{}{path}", self.address)
    }

    /// SHA-256 fingerprint of the certificate, as `AB:CD:…`; empty for plain HTTP.
    pub(crate) fn fingerprint(&self) -> &str {
        &self.server.identity.fingerprint
    }

    /// The certificate; empty for plain HTTP.
    pub(crate) fn certificate_pem(&self) -> &str {
        &self.server.identity.certificate_pem
    }

    /// Certificate of the authority that signed the server's certificate, or the self-signed certificate itself.
    pub(crate) fn ca_pem(&self) -> &str {
        &self.server.identity.ca_pem
    }

    /// Finds an incident by its id.
    pub(crate) fn incident(&self, id: &str) -> Option<Incident> {
        self.server.logpoint.incidents().iter().find(|incident| incident.id == id).cloned()
    }

    /// Adds behaviours for the next requests. After them, the default applies again.
    pub(crate) fn behave(&self, script: impl IntoIterator<Item = Behaviour>) {
        self.server.record.script(script);
    }

    /// Sets the default behaviour, which is [`Behaviour::Normal`] at the start.
    pub(crate) fn always(&self, behaviour: Behaviour) {
        self.server.record.always(behaviour);
    }

    /// Returns the complete requests so far, oldest first.
    pub(crate) fn requests(&self) -> Vec<RecordedRequest> {
        self.server.record.requests()
    }

    /// Waits for a total number of requests since the start, and returns all of them.
    ///
    /// # Panics
    /// If they do not arrive within ten seconds.
    #[expect(clippy::panic, reason = "for tests")]
    pub(crate) async fn wait_for_requests(&self, count: usize) -> Vec<RecordedRequest> {
        let mut arrived = self.server.record.arrived();
        let waited =
            tokio::time::timeout(WAIT_TIMEOUT, arrived.wait_for(|so_far| *so_far >= count));
        if waited.await.is_err() {
            let so_far = *self.server.record.arrived().borrow();
            panic!("{so_far} of {count} requests arrived within {} s", WAIT_TIMEOUT.as_secs())
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
        server.log("a connection is not read");
        return std::future::pending().await;
    }
    let ended = match &server.identity.acceptor {
        None => server.serve(stream).await,
        Some(acceptor) => match acceptor.accept(stream).await {
            Ok(stream) => server.serve(stream).await,
            Err(error) => {
                server.log(&format!("a TLS handshake failed: {error}"));
                return;
            }
        },
    };
    // Clients may disconnect at any time. Only invalid HTTP is logged.
    if let Err(error) = ended
        && error.kind() == io::ErrorKind::InvalidData
    {
        server.log(&format!("a client sent invalid HTTP: {error}"));
    }
}

impl Server {
    async fn serve(&self, stream: impl Io) -> io::Result<()> {
        let mut stream = BufReader::new(stream);
        while let Some(request) = http::read(&mut stream).await? {
            let behaviour = self.record.add(&request);
            let response = match behaviour.reply().await {
                Reply::Logpoint => self.logpoint.respond(&request),
                Reply::Response(response) => response,
                Reply::Broken(broken) => {
                    self.log_request(&request, broken.summary());
                    return broken.run(&mut stream).await;
                }
            };
            self.log_request(&request, &format!("{} {}", response.status, response.summary));
            response.write(&request, &mut stream).await?;
            if request.last {
                break;
            }
        }
        stream.shutdown().await
    }

    fn log_request(&self, request: &Request, summary: &str) {
        // The query can contain secrets.
        let path = request.path.split('?').next().unwrap_or_default();
        self.log(&format!("{} {path} -> {summary}", request.method));
    }

    fn log(&self, line: &str) {
        if let Some(log) = self.log {
            log(line);
        }
    }
}
