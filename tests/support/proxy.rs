//! What lies between a server and its database on a bad day.

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

/// Where it leads.
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
enum Mood {
    Forward,
    /// New connections are closed at once.
    Refuse,
    /// Nothing goes either way; what came in goes on later.
    Stall,
    /// Statements arrive, and what comes of them does not.
    LoseAnswers,
}

/// Forwards connections on a TCP port of its own, as well or as badly as it is told.
#[derive(Debug)]
pub(crate) struct ChaosProxy {
    address: SocketAddr,
    mood: watch::Sender<Mood>,
    cuts: watch::Sender<usize>,
    abandons: watch::Sender<usize>,
    /// How many answers were lost.
    lost: watch::Sender<usize>,
    /// Dropping it ends all connections.
    _tasks: JoinSet<()>,
}

impl ChaosProxy {
    /// Before the database of a URL.
    pub(crate) async fn before_database(url: &str) -> Self {
        let options = PgConnectOptions::from_str(url).unwrap();
        let (host, port) = (options.get_host(), options.get_port());
        let upstream = options.get_socket().map_or_else(
            || Upstream::Tcp(host.to_owned(), port),
            |folder| Upstream::Unix(folder.join(format!(".s.PGSQL.{port}"))),
        );
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mood, cuts) = (watch::Sender::new(Mood::Forward), watch::Sender::new(0));
        let (abandons, lost) = (watch::Sender::new(0), watch::Sender::new(0));
        let ways = Ways {
            upstream,
            mood: mood.clone(),
            cuts: cuts.clone(),
            abandons: abandons.clone(),
            lost: lost.clone(),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::new(ways)));
        Self { address, mood, cuts, abandons, lost, _tasks: tasks }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// A database's URL that leads through here.
    pub(crate) fn through(&self, url: &str) -> String {
        let mut url = url::Url::parse(url).unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(self.address.port())).unwrap();
        // Where the socket is, and what else is said, holds for the way that goes past here.
        url.set_query(Some("sslmode=disable"));
        url.to_string()
    }

    /// Ends all connections, whatever is on its way; new ones are welcome.
    pub(crate) fn cut(&self) {
        self.cuts.send_modify(|count| *count += 1);
    }

    /// Ends all connections, and takes no new ones.
    pub(crate) fn refuse(&self) {
        self.mood.send_replace(Mood::Refuse);
        self.cut();
    }

    /// Keeps connections, and lets nothing pass.
    pub(crate) fn stall(&self) {
        self.mood.send_replace(Mood::Stall);
    }

    /// Nothing passes on the connections there are any more, and nobody is told: a firewall has
    /// forgotten them, or the machine behind has gone. New ones are as ever.
    pub(crate) fn abandon(&self) {
        self.abandons.send_modify(|count| *count += 1);
    }

    /// Lets statements pass and loses their answers, until one was lost. The connection that has lost
    /// it is of no use afterwards: cut it.
    pub(crate) async fn lose_an_answer(&self) {
        let mut lost = self.lost.subscribe();
        lost.mark_unchanged();
        self.mood.send_replace(Mood::LoseAnswers);
        lost.changed().await.unwrap();
    }

    /// All is well again.
    pub(crate) fn heal(&self) {
        self.mood.send_replace(Mood::Forward);
    }
}

/// What connections are made of.
struct Ways {
    upstream: Upstream,
    mood: watch::Sender<Mood>,
    cuts: watch::Sender<usize>,
    abandons: watch::Sender<usize>,
    lost: watch::Sender<usize>,
}

async fn accept(listener: TcpListener, ways: Arc<Ways>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((client, _peer)) = accepted
                && *ways.mood.borrow() != Mood::Refuse
            {
                connections.spawn(forward(client, Arc::clone(&ways)));
            },
            Some(_ended) = connections.join_next() => {}
        }
    }
}

async fn forward(client: TcpStream, ways: Arc<Ways>) {
    let (mood, mut cuts) = (ways.mood.subscribe(), ways.cuts.subscribe());
    let mut abandons = ways.abandons.subscribe();
    client.set_nodelay(true).unwrap();
    let Ok(server) = ways.upstream.connect().await else { return };
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_server, mut to_server) = tokio::io::split(server);
    let runs_statement = AtomicBool::new(false);
    // PostgreSQL's protocol, "Message Formats": with Bind a prepared statement is run. Others open a
    // connection, prepare a statement, or ask whether anybody is there.
    let ask = |bytes: &[u8], _mood| {
        runs_statement.store(bytes.first() == Some(&b'B'), Ordering::SeqCst);
        true
    };
    let answer = |_: &[u8], mood| {
        let is_lost = mood == Mood::LoseAnswers && runs_statement.load(Ordering::SeqCst);
        if is_lost {
            ways.lost.send_modify(|count| *count += 1);
        }
        !is_lost
    };
    tokio::select! {
        _ended = pump(&mut from_client, &mut to_server, mood.clone(), ask) => {}
        _ended = pump(&mut from_server, &mut to_client, mood, answer) => {}
        _cut = cuts.changed() => {}
        _abandoned = abandons.changed() => std::future::pending().await,
    }
}

/// Forwards what `passes`.
async fn pump(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    mut mood: watch::Receiver<Mood>,
    passes: impl Fn(&[u8], Mood) -> bool,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        let mood = *mood.wait_for(|mood| *mood != Mood::Stall).await.map_err(io::Error::other)?;
        if passes(&buffer[..count], mood) {
            to.write_all(&buffer[..count]).await?;
            to.flush().await?;
        }
    }
}
