//! A proxy that breaks connections between a server and its database.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gatepost::store::PgConnectOptions;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// The target of the proxy.
#[derive(Debug, Clone)]
enum Upstream {
    Unix(PathBuf),
    Tcp(String, u16),
}

impl Upstream {
    async fn connect(&self) -> io::Result<Box<dyn Io>> {
        Ok(match self {
            Self::Unix(path) => Box::new(UnixStream::connect(path).await?),
            Self::Tcp(host, port) => Box::new(TcpStream::connect((host.as_str(), *port)).await?),
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Forward,
    /// Closes new connections at once.
    Refuse,
    /// Holds all data back until later.
    Stall,
    /// Forwards statements but drops their results.
    LoseResults,
}

/// Forwards connections from its own TCP port, in one of several modes.
#[derive(Debug)]
pub(crate) struct ChaosProxy {
    address: SocketAddr,
    mode: watch::Sender<Mode>,
    cuts: watch::Sender<usize>,
    abandons: watch::Sender<usize>,
    /// Number of dropped results.
    lost: watch::Sender<usize>,
    /// Dropping it ends all connections.
    _tasks: JoinSet<()>,
}

impl ChaosProxy {
    /// Starts a proxy for the database of a URL.
    pub(crate) async fn before_database(url: &str) -> Self {
        let options = PgConnectOptions::from_str(url).unwrap();
        let (host, port) = (options.get_host(), options.get_port());
        let upstream = options.get_socket().map_or_else(
            || Upstream::Tcp(host.to_owned(), port),
            |folder| Upstream::Unix(folder.join(format!(".s.PGSQL.{port}"))),
        );
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mode, cuts) = (watch::Sender::new(Mode::Forward), watch::Sender::new(0));
        let (abandons, lost) = (watch::Sender::new(0), watch::Sender::new(0));
        let state = ProxyState {
            upstream,
            mode: mode.clone(),
            cuts: cuts.clone(),
            abandons: abandons.clone(),
            lost: lost.clone(),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::new(state)));
        Self { address, mode, cuts, abandons, lost, _tasks: tasks }
    }

    /// Returns the address of the proxy.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the URL of a database, through the proxy.
    pub(crate) fn through(&self, url: &str) -> String {
        let mut url = url::Url::parse(url).unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(self.address.port())).unwrap();
        // The query, such as the socket directory, applies only to direct connections.
        url.set_query(Some("sslmode=disable"));
        url.to_string()
    }

    /// Cuts all connections. New ones are accepted.
    pub(crate) fn cut(&self) {
        self.cuts.send_modify(|count| *count += 1);
    }

    /// Cuts all connections and accepts no new ones.
    pub(crate) fn refuse(&self) {
        self.mode.send_replace(Mode::Refuse);
        self.cut();
    }

    /// Keeps connections but forwards nothing.
    pub(crate) fn stall(&self) {
        self.mode.send_replace(Mode::Stall);
    }

    /// Silently stops forwarding on existing connections, as if a firewall had dropped them or the machine behind was
    /// gone. New connections work.
    pub(crate) fn abandon(&self) {
        self.abandons.send_modify(|count| *count += 1);
    }

    /// Drops results of statements until one was dropped. The affected connection is unusable afterwards, so cut it.
    pub(crate) async fn lose_a_result(&self) {
        let mut lost = self.lost.subscribe();
        lost.mark_unchanged();
        self.mode.send_replace(Mode::LoseResults);
        lost.changed().await.unwrap();
    }

    /// Forwards normally again.
    pub(crate) fn heal(&self) {
        self.mode.send_replace(Mode::Forward);
    }
}

/// The shared state of the connections.
struct ProxyState {
    upstream: Upstream,
    mode: watch::Sender<Mode>,
    cuts: watch::Sender<usize>,
    abandons: watch::Sender<usize>,
    lost: watch::Sender<usize>,
}

async fn accept(listener: TcpListener, state: Arc<ProxyState>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((client, _peer)) = accepted
                && *state.mode.borrow() != Mode::Refuse
            {
                connections.spawn(forward(client, Arc::clone(&state)));
            },
            Some(_ended) = connections.join_next() => {}
        }
    }
}

async fn forward(client: TcpStream, state: Arc<ProxyState>) {
    let (mode, mut cuts) = (state.mode.subscribe(), state.cuts.subscribe());
    let mut abandons = state.abandons.subscribe();
    client.set_nodelay(true).unwrap();
    let Ok(server) = state.upstream.connect().await else { return };
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_server, mut to_server) = tokio::io::split(server);
    let runs_statement = AtomicBool::new(false);
    // PostgreSQL, "Message Formats": Bind starts the execution of a prepared statement. Other messages open a
    // connection, prepare a statement, or check the connection.
    let to_database = |bytes: &[u8], _mode| {
        runs_statement.store(bytes.first() == Some(&b'B'), Ordering::SeqCst);
        true
    };
    let to_client_filter = |_: &[u8], mode| {
        let is_lost = mode == Mode::LoseResults && runs_statement.load(Ordering::SeqCst);
        if is_lost {
            state.lost.send_modify(|count| *count += 1);
        }
        !is_lost
    };
    tokio::select! {
        _ended = pump(&mut from_client, &mut to_server, mode.clone(), to_database) => {}
        _ended = pump(&mut from_server, &mut to_client, mode, to_client_filter) => {}
        _cut = cuts.changed() => {}
        _abandoned = abandons.changed() => std::future::pending().await,
    }
}

/// Forwards data for which `passes` returns true.
async fn pump(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    mut mode: watch::Receiver<Mode>,
    passes: impl Fn(&[u8], Mode) -> bool,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        let mode = *mode.wait_for(|mode| *mode != Mode::Stall).await.map_err(io::Error::other)?;
        if passes(&buffer[..count], mode) {
            to.write_all(&buffer[..count]).await?;
            to.flush().await?;
        }
    }
}
