//! A private PostgreSQL in the data directory, for installations without a database: on a Unix socket only, started and
//! stopped with the server. Supervises the process; knows no tables.
//!
//! ```text
//! data/lock                 held by the server that uses the directory; other users cannot open it
//! data/postgres             a directory, or a link to one (see `home`)
//! data/postgres/cluster     the database
//! data/postgres/socket      its Unix socket
//! data/postgres/log         its log
//! ```
//!
//! It lives as long as its server. A supervisor process reads from a pipe to the server. When the server ends, even if it is
//! killed, the pipe closes and the supervisor stops PostgreSQL, which recovers from its write-ahead log at the next start.

mod account;
mod binaries;
mod cluster;
mod environment;
mod home;
mod lock;
mod private_files;

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use binaries::Binaries;
pub use environment::Environment;

use account::Account;
use binaries::Tools;
use cluster::{Cluster, Supervisor};
use lock::Lock;

/// Role that owns the cluster.
const USER: &str = "gatepost";
/// Port of the socket, which is part of its name.
const PORT: u16 = 5432;
/// Name of the database.
const DATABASE: &str = "gatepost";
/// Long enough for recovery after a crash.
const START_TIMEOUT: Duration = Duration::from_mins(5);
/// Long enough for the checkpoint of a shutdown.
const STOP_TIMEOUT: Duration = Duration::from_mins(1);
/// Delay before PostgreSQL is restarted after it has ended.
const RESTART_INTERVAL: Duration = Duration::from_millis(500);
/// Interval of connection attempts while PostgreSQL starts.
const CONNECT_INTERVAL: Duration = Duration::from_millis(25);

/// Why the private PostgreSQL does not run, and how to fix it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PrivateError(String);

impl PrivateError {
    fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// Error of an operation on a file or process.
    fn io(what: &str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |error| Self(format!("{what} {}: {error}", path.display()))
    }
}

/// A running private PostgreSQL.
#[derive(Debug)]
pub struct PrivateDatabase {
    socket: PathBuf,
    stop: CancellationToken,
    restarts: TaskTracker,
    /// Released when dropped, after PostgreSQL has stopped.
    _locks: Vec<Lock>,
}

impl PrivateDatabase {
    /// Returns how to connect to the private PostgreSQL of a running server; `None` if no server runs.
    ///
    /// # Errors
    /// Fails if the data directory cannot be read.
    pub fn running(data_dir: &Path) -> Result<Option<PgConnectOptions>, PrivateError> {
        if !Lock::is_held(data_dir)? {
            return Ok(None);
        }
        let data_dir = absolute(data_dir)?;
        Ok(Some(options(&Cluster::at(home::find(&data_dir)).socket())))
    }

    /// Returns the directory of the cluster, which may not exist.
    pub fn home(data_dir: &Path) -> PathBuf {
        home::find(data_dir)
    }

    /// Checks that PostgreSQL's programs are installed, in the version of the cluster if there is one.
    ///
    /// # Errors
    /// If not, with how to install them.
    pub async fn check_programs(data_dir: &Path, binaries: &Binaries) -> Result<(), PrivateError> {
        let cluster = Cluster::at(home::find(data_dir));
        binaries.choose(cluster.version()?.as_deref()).await.map(drop)
    }

    /// Starts PostgreSQL, and creates the cluster if there is none.
    ///
    /// # Errors
    /// Fails if PostgreSQL is not installed or does not start, or if another server uses the directory.
    pub async fn start(data_dir: &Path, binaries: &Binaries) -> Result<Self, PrivateError> {
        private_files::create_data_directory(data_dir)
            .map_err(PrivateError::io("cannot create the data directory", data_dir))?;
        let data_dir = absolute(data_dir)?;
        let lock = Lock::take(&data_dir)?;
        let runner = Runner::prepare(&data_dir, binaries).await?;
        let mut locks = vec![lock];
        let home = runner.cluster.home();
        if home.parent() != Some(&data_dir) {
            // A copy of the data directory links to the same cluster.
            locks.push(Lock::take(home)?);
        }
        let mut supervisor = runner.spawn().await?;
        if let Err(error) = wait_until_ready(&mut supervisor, &runner.cluster.socket()).await {
            end(supervisor).await;
            return Err(PrivateError(format!("{error}{}", runner.cluster.last_log_lines())));
        }
        let (stop, restarts) = (CancellationToken::new(), TaskTracker::new());
        let socket = runner.cluster.socket();
        restarts.spawn(restart_if_it_ends(runner, supervisor, stop.clone()));
        restarts.close();
        Ok(Self { socket, stop, restarts, _locks: locks })
    }

    /// How to connect to it.
    pub fn options(&self) -> PgConnectOptions {
        options(&self.socket)
    }

    /// Shuts PostgreSQL down: ends open connections and writes a checkpoint.
    pub async fn stop(self) {
        self.stop.cancel();
        self.restarts.wait().await;
    }
}

/// What is needed to start and restart PostgreSQL.
#[derive(Debug)]
struct Runner {
    cluster: Cluster,
    account: Account,
    tools: Tools,
}

impl Runner {
    async fn prepare(data_dir: &Path, binaries: &Binaries) -> Result<Self, PrivateError> {
        let existing = Cluster::at(home::find(data_dir));
        let account = Account::choose(&existing.data())?;
        let cluster = Cluster::at(home::choose(data_dir, &account).await?);
        let tools = binaries.choose(cluster.version()?.as_deref()).await?;
        cluster.prepare(&account, &tools).await?;
        Ok(Self { cluster, account, tools })
    }

    async fn spawn(&self) -> Result<Supervisor, PrivateError> {
        self.cluster.clear_leftovers(&self.account, &self.tools).await?;
        self.cluster.spawn(&self.account, &self.tools)
    }
}

/// Restarts PostgreSQL whenever it ends unexpectedly. Shuts it down once `stop` is cancelled.
async fn restart_if_it_ends(runner: Runner, mut supervisor: Supervisor, stop: CancellationToken) {
    let mut pause = tokio::time::interval(RESTART_INTERVAL);
    pause.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return end(supervisor).await,
            ended = supervisor.wait() => {
                let status = ended.map(|status| status.to_string()).unwrap_or_default();
                tracing::error!(status, "the private PostgreSQL ended unexpectedly; restarting it");
            }
        }
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _instant = pause.tick() => {}
            }
            match runner.spawn().await {
                Ok(again) => {
                    supervisor = again;
                    break;
                }
                Err(error) => tracing::error!(%error, "could not restart the private PostgreSQL"),
            }
        }
    }
}

/// Shuts PostgreSQL down. After the timeout it is left to its supervisor, which sees the pipe close, and to recovery at the
/// next start.
async fn end(mut supervisor: Supervisor) {
    supervisor.ask_to_stop().await;
    match tokio::time::timeout(STOP_TIMEOUT, supervisor.wait()).await {
        Ok(Ok(status)) => tracing::debug!(%status, "stopped the private PostgreSQL"),
        Ok(Err(error)) => tracing::warn!(%error, "could not wait for the private PostgreSQL"),
        Err(tokio::time::error::Elapsed { .. }) => {
            tracing::warn!(
                "could not stop the private PostgreSQL in time; it recovers at the next start"
            );
        }
    }
}

/// Waits until PostgreSQL accepts connections, and creates the database if there is none.
async fn wait_until_ready(supervisor: &mut Supervisor, socket: &Path) -> Result<(), PrivateError> {
    let mut pause = tokio::time::interval(CONNECT_INTERVAL);
    let waiting = async {
        loop {
            pause.tick().await;
            if let Some(status) = supervisor.try_wait() {
                let message = format!("the private PostgreSQL ended immediately ({status})");
                return Err(PrivateError(message));
            }
            match ensure_database(socket).await {
                Ok(()) => return Ok(()),
                Err(error) if is_starting(&error) => {}
                Err(error) => {
                    return Err(PrivateError(format!("the private PostgreSQL reported: {error}")));
                }
            }
        }
    };
    tokio::time::timeout(START_TIMEOUT, waiting).await.unwrap_or_else(|_elapsed| {
        let message =
            format!("the private PostgreSQL did not start within {} s", START_TIMEOUT.as_secs());
        Err(PrivateError(message))
    })
}

/// Resolves a path, because PostgreSQL changes its working directory.
fn absolute(path: &Path) -> Result<PathBuf, PrivateError> {
    path.canonicalize().map_err(PrivateError::io("cannot use the data directory", path))
}

/// Whether a later connection may succeed: PostgreSQL does not answer yet, or it is starting or recovering (class 57P of
/// its error codes).
fn is_starting(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_none_or(|error| error.code().is_some_and(|code| code.starts_with("57P")))
}

fn options(socket: &Path) -> PgConnectOptions {
    // The library would take the port from PGPORT.
    PgConnectOptions::new().socket(socket).port(PORT).username(USER).database(DATABASE)
}

async fn ensure_database(socket: &Path) -> Result<(), sqlx::Error> {
    let mut connection = options(socket).database("postgres").connect().await?;
    let exists: bool =
        sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
            .bind(DATABASE)
            .fetch_one(&mut connection)
            .await?;
    if !exists {
        sqlx::query("create database gatepost").execute(&mut connection).await?;
    }
    connection.close().await
}
