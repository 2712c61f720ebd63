//! A private PostgreSQL in the data directory, for those who bring no database: on a Unix socket only,
//! started and stopped with the server.
//!
//! ```text
//! data/lock                 held by the server that uses the directory
//! data/postgres             a directory, or a link to one (see `home`)
//! data/postgres/cluster     the database
//! data/postgres/socket      its Unix socket
//! data/postgres/log         its log
//! ```
//!
//! It lives as long as its server: a keeper process holds the other end of a pipe to us. When we
//! are gone, however we went, the pipe closes and the keeper stops PostgreSQL, which recovers from
//! its write-ahead log at the next start.

mod account;
mod binaries;
mod cluster;
mod home;
mod lock;

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use binaries::Binaries;

use super::Error;
use account::Account;
use binaries::Tools;
use cluster::{Cluster, Keeper};
use lock::Lock;

/// PostgreSQL's own account in the cluster.
const USER: &str = "gatepost";
/// The database.
const DATABASE: &str = "gatepost";
/// Recovery after a crash may take a while.
const START_TIMEOUT: Duration = Duration::from_mins(5);
/// A fast shutdown writes a checkpoint.
const STOP_TIMEOUT: Duration = Duration::from_mins(1);
/// Between a death and the next start.
const RESTART_PAUSE: Duration = Duration::from_millis(500);
/// Between looks at whether it answers.
const PAUSE: Duration = Duration::from_millis(25);

/// Why the private PostgreSQL does not run, with what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PrivateError(String);

impl PrivateError {
    fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// A file or process could not be handled.
    fn io(what: &str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |error| Self(format!("{what} {}: {error}", path.display()))
    }
}

/// A running private PostgreSQL.
#[derive(Debug)]
pub struct PrivateDatabase {
    socket: PathBuf,
    stop: CancellationToken,
    supervisor: TaskTracker,
    /// Released when dropped, after PostgreSQL has stopped.
    _locks: Vec<Lock>,
}

impl PrivateDatabase {
    /// Where the private PostgreSQL of a running server is reached; none where none runs.
    ///
    /// # Errors
    /// Where the data directory cannot be read.
    pub fn running(data_dir: &Path) -> Result<Option<PgConnectOptions>, PrivateError> {
        if !data_dir.exists() || !Lock::is_held(data_dir)? {
            return Ok(None);
        }
        let data_dir = absolute(data_dir)?;
        Ok(Some(options(&Cluster::at(home::find(&data_dir)).socket())))
    }

    /// Starts it, after making the cluster where there is none.
    ///
    /// # Errors
    /// Where PostgreSQL is not installed, another server uses the directory, or it does not start.
    pub async fn start(data_dir: &Path, binaries: &Binaries) -> Result<Self, PrivateError> {
        std::fs::create_dir_all(data_dir)
            .map_err(PrivateError::io("cannot make the data directory", data_dir))?;
        let data_dir = absolute(data_dir)?;
        let lock = Lock::take(&data_dir)?;
        let runner = Runner::prepare(&data_dir, binaries).await?;
        let mut locks = vec![lock];
        let home = runner.cluster.home();
        if home.parent() != Some(&data_dir) {
            // A copy of the data directory links to the same cluster.
            locks.push(Lock::take(home)?);
        }
        let mut keeper = runner.spawn().await?;
        if let Err(error) = wait_until_ready(&mut keeper, &runner.cluster.socket()).await {
            end(keeper).await;
            return Err(PrivateError(format!("{error}{}", runner.cluster.last_words())));
        }
        let (stop, supervisor) = (CancellationToken::new(), TaskTracker::new());
        let socket = runner.cluster.socket();
        supervisor.spawn(supervise(runner, keeper, stop.clone()));
        supervisor.close();
        Ok(Self { socket, stop, supervisor, _locks: locks })
    }

    /// Where it is reached.
    pub fn options(&self) -> PgConnectOptions {
        options(&self.socket)
    }

    /// Stops it: open connections end, everything is written.
    pub async fn stop(self) {
        self.stop.cancel();
        self.supervisor.wait().await;
    }
}

/// What it takes to start PostgreSQL, once or again.
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
        let tools = binaries.choose(cluster.version()?.as_deref())?;
        cluster.prepare(&account, &tools).await?;
        Ok(Self { cluster, account, tools })
    }

    async fn spawn(&self) -> Result<Keeper, PrivateError> {
        self.cluster.clear_leftovers(&self.account, &self.tools).await?;
        self.cluster.spawn(&self.account, &self.tools)
    }
}

/// Starts PostgreSQL again when it ends unasked; ends it when asked.
async fn supervise(runner: Runner, mut keeper: Keeper, stop: CancellationToken) {
    let mut pause = tokio::time::interval(RESTART_PAUSE);
    pause.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return end(keeper).await,
            ended = keeper.wait() => {
                let status = ended.map(|status| status.to_string()).unwrap_or_default();
                tracing::error!(status, "the private PostgreSQL ended unasked; starting it again");
            }
        }
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _instant = pause.tick() => {}
            }
            match runner.spawn().await {
                Ok(again) => {
                    keeper = again;
                    break;
                }
                Err(error) => tracing::error!(%error, "the private PostgreSQL does not start"),
            }
        }
    }
}

/// Ends PostgreSQL cleanly; past the timeout it is left to its keeper, which sees the pipe close,
/// and to recovery at the next start.
async fn end(mut keeper: Keeper) {
    keeper.ask_to_stop().await;
    match tokio::time::timeout(STOP_TIMEOUT, keeper.wait()).await {
        Ok(Ok(status)) => tracing::debug!(%status, "the private PostgreSQL has stopped"),
        Ok(Err(error)) => tracing::warn!(%error, "the private PostgreSQL cannot be waited for"),
        Err(tokio::time::error::Elapsed { .. }) => {
            tracing::warn!("the private PostgreSQL does not stop; it recovers at the next start");
        }
    }
}

/// Waits until it takes connections, and makes the database where there is none.
async fn wait_until_ready(keeper: &mut Keeper, socket: &Path) -> Result<(), PrivateError> {
    let mut pause = tokio::time::interval(PAUSE);
    let waiting = async {
        loop {
            pause.tick().await;
            if let Some(status) = keeper.try_wait() {
                let message = format!("the private PostgreSQL ended at once ({status})");
                return Err(PrivateError(message));
            }
            match ensure_database(socket).await {
                Ok(()) => return Ok(()),
                Err(error) => {
                    let error = Error::from(error);
                    if !error.is_unavailable() {
                        let message = format!("the private PostgreSQL: {}", error.chain());
                        return Err(PrivateError(message));
                    }
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

/// An absolute path, so that it holds wherever PostgreSQL changes to.
fn absolute(path: &Path) -> Result<PathBuf, PrivateError> {
    path.canonicalize().map_err(PrivateError::io("cannot use the data directory", path))
}

fn options(socket: &Path) -> PgConnectOptions {
    PgConnectOptions::new().socket(socket).username(USER).database(DATABASE)
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
