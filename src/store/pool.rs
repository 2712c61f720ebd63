//! Connections and timeouts.
//!
//! A connection can die silently: a firewall dropped its state, or the machine behind it is gone. The kernel may take
//! 15 minutes to report that. Gatepost detects it within one or two seconds: an idle connection is checked before it is
//! used and before it returns to the pool, and [`within`] limits the statement in progress.

use std::pin::pin;
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgSslMode, Postgres};
use sqlx::{ConnectOptions, Connection};

use super::Error;

/// Name of the connections in PostgreSQL's views.
const APPLICATION_NAME: &str = "gatepost";
/// How long to wait for a database that is starting.
const START_TIMEOUT: Duration = Duration::from_secs(10);
/// How long pages and commands wait for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the dispatcher waits for a connection. After this, senders of events get status 503 and retry.
const DISPATCHER_ACQUIRE_TIMEOUT: Duration = Duration::from_secs(1);
/// A connection used within this time is not checked: under load that would add a round trip to each statement. If it
/// has died meanwhile, its statement fails and is retried like any other.
const UNCHECKED_IDLE_TIME: Duration = Duration::from_secs(1);
/// How long a connection may take to respond to a check. Less than [`DISPATCHER_ACQUIRE_TIMEOUT`], so that
/// another connection can be opened in time.
const PING_TIMEOUT: Duration = Duration::from_millis(500);
/// How long connections may take to close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Timeout of a statement that touches few rows.
pub const QUICK_TIMEOUT: Duration = Duration::from_secs(2);
/// Timeout of a statement that reads many rows.
pub const SLOW_TIMEOUT: Duration = Duration::from_secs(6);

/// Opens a pool of connections.
///
/// # Errors
/// If the database cannot be reached within ten seconds, with the last error.
pub async fn connect(options: PgConnectOptions, max: u32) -> Result<PgPool, Error> {
    open(page_options(options), max, ACQUIRE_TIMEOUT).await
}

/// Opens a separate pool for the dispatcher, so that it and the pages never wait for each other. Its statements touch
/// few rows by index, even if the statistics still describe empty tables. Plans that read whole tables and JIT
/// compilation are therefore disabled.
///
/// # Errors
/// If the database cannot be reached within ten seconds.
pub async fn connect_dispatcher(options: PgConnectOptions, max: u32) -> Result<PgPool, Error> {
    open(dispatcher_options(options), max, DISPATCHER_ACQUIRE_TIMEOUT).await
}

/// Returns options for the pool of pages.
pub fn page_options(options: PgConnectOptions) -> PgConnectOptions {
    // Estimates for ranges of ids that are only known at run time are far too high, and compiling a statement takes
    // longer than running it.
    options.application_name(APPLICATION_NAME).options([("jit", "off")])
}

/// Returns options for a pool of the dispatcher.
pub fn dispatcher_options(options: PgConnectOptions) -> PgConnectOptions {
    let settings = [
        ("jit", "off"),
        ("enable_seqscan", "off"),
        ("enable_hashjoin", "off"),
        ("enable_mergejoin", "off"),
        ("enable_bitmapscan", "off"),
        ("plan_cache_mode", "force_generic_plan"),
    ];
    options.application_name(APPLICATION_NAME).options(settings)
}

/// Opens a pool whose connections cannot write, without waiting for a database that is starting.
///
/// # Errors
/// If the database cannot be reached now.
pub async fn connect_to_read(options: PgConnectOptions, max: u32) -> Result<PgPool, Error> {
    let settings = [("jit", "off"), ("default_transaction_read_only", "on")];
    let options = options.application_name(APPLICATION_NAME).options(settings);
    let connecting = tokio::time::timeout(ACQUIRE_TIMEOUT, options.connect()).await;
    connecting.map_err(|_elapsed| sqlx::Error::PoolTimedOut)??.close().await?;
    Ok(pool(max, ACQUIRE_TIMEOUT).connect_lazy_with(options))
}

/// Whether the settings ask for connections without encryption.
pub fn is_plain_intended(db: &PgPool) -> bool {
    matches!(db.connect_options().get_ssl_mode(), PgSslMode::Disable)
}

/// Whether connections verify the certificate of the server, and its name.
pub fn verifies_server(options: &PgConnectOptions) -> bool {
    matches!(options.get_ssl_mode(), PgSslMode::VerifyFull)
}

async fn open(
    options: PgConnectOptions,
    max: u32,
    acquire_timeout: Duration,
) -> Result<PgPool, Error> {
    await_database(&options).await?;
    Ok(pool(max, acquire_timeout).connect_lazy_with(options))
}

fn pool(max: u32, acquire_timeout: Duration) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(max)
        .acquire_timeout(acquire_timeout)
        // The library's own check has no timeout. Neither has the one before a connection returns to the pool, but
        // right after ours it returns at once.
        .test_before_acquire(false)
        .before_acquire(|connection, metadata| {
            Box::pin(async move { Ok(metadata.idle_for < UNCHECKED_IDLE_TIME || is_alive(connection).await?) })
        })
        .after_release(|connection, _metadata| Box::pin(is_alive(connection)))
}

/// Checks that a connection responds. Returns an error if not, never false.
async fn is_alive(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let pinged = tokio::time::timeout(PING_TIMEOUT, connection.ping()).await;
    pinged.map_err(|_elapsed| sqlx::Error::PoolTimedOut)??;
    Ok(true)
}

/// A connection kept between statements that follow each other closely. The pool would check it on each return, and
/// would rotate connections although each has its own prepared statements.
#[derive(Debug, Default)]
pub struct StickyConnection(Option<(PoolConnection<Postgres>, Instant)>);

impl StickyConnection {
    /// Runs work on the connection, [`within`] a limit. After an error, the connection is returned to the pool.
    ///
    /// # Errors
    /// Those of the work, and [`Error::Unavailable`] if it took longer or no connection was available.
    pub async fn within<T>(
        &mut self,
        db: &PgPool,
        limit: Duration,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let done = within(db, limit, async { work(self.get(db).await?).await }).await;
        if done.is_err() {
            drop(self.0.take());
        }
        done
    }

    /// Returns the kept connection, or one from the pool if there is none or it has been idle for a while.
    async fn get(&mut self, db: &PgPool) -> Result<&mut PgConnection, Error> {
        let connection = match self.0.take() {
            Some((kept, used_at)) if used_at.elapsed() < UNCHECKED_IDLE_TIME => kept,
            stale => {
                drop(stale);
                // Boxed: rare and large. Each caller's future would contain it.
                Box::pin(db.acquire()).await?
            }
        };
        let (connection, _) = self.0.insert((connection, Instant::now()));
        Ok(connection)
    }
}

/// Returns a pool of one connection to the same database, for a permanent connection such as a listener. PostgreSQL lists
/// it under this name.
pub(super) fn one_like(db: &PgPool, name: &str) -> PgPool {
    let options = (*db.connect_options()).clone().application_name(name);
    pool(1, DISPATCHER_ACQUIRE_TIMEOUT).connect_lazy_with(options)
}

/// Runs work with a time limit. If the limit expires, it is unknown whether the statement was executed, so the work must
/// be idempotent. Its connection is closed, and so are idle connections, which probably died too.
///
/// # Errors
/// Those of the work, and [`Error::Unavailable`] if it took longer.
pub async fn within<T, E: Into<Error>>(
    db: &PgPool,
    limit: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, Error> {
    // Pinned, so that only a pointer moves into the timeout.
    if let Ok(done) = tokio::time::timeout(limit, pin!(work)).await {
        return done.map_err(Into::into);
    }
    while let Some(idle) = db.try_acquire() {
        drop(idle.detach());
    }
    Err(Error::Unavailable(sqlx::Error::PoolTimedOut))
}

/// Closes all connections. Abandons those that do not close in time.
pub async fn close(db: &PgPool) {
    if tokio::time::timeout(CLOSE_TIMEOUT, db.close()).await.is_err() {
        tracing::warn!("abandoned a database connection that did not close");
    }
}

/// Waits for a database that is starting, such as one in the same compose file.
async fn await_database(options: &PgConnectOptions) -> Result<(), Error> {
    let mut tick = tokio::time::interval(Duration::from_millis(250));
    let began = tick.tick().await;
    loop {
        let connecting = tokio::time::timeout(START_TIMEOUT, options.connect()).await;
        let error = match connecting {
            Ok(Ok(connection)) => {
                connection.close().await?;
                return Ok(());
            }
            Ok(Err(error)) if is_rejected_login(&error) => return Err(error.into()),
            Ok(Err(error)) => Error::from(error),
            Err(tokio::time::error::Elapsed { .. }) => Error::from(sqlx::Error::PoolTimedOut),
        };
        if !error.is_unavailable() || began.elapsed() > START_TIMEOUT {
            return Err(error);
        }
        tick.tick().await;
    }
}

/// Whether PostgreSQL rejected user or password (PostgreSQL, appendix A: class 28).
fn is_rejected_login(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| code.starts_with("28"))
}
