//! Connections, and how long they are waited for.
//!
//! A connection can die without a word: a firewall has forgotten it, or the machine behind it is gone. The
//! kernel may take a quarter of an hour to say so. Here it takes a second or two: a connection that lay idle
//! is asked whether it still works before it is used, and again before it goes back into the pool; and
//! [`within`] ends the statement that is under way.

use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions, Postgres};
use sqlx::{ConnectOptions, Connection};

use super::Error;

/// How long a database that is starting is waited for.
const START: Duration = Duration::from_secs(10);
/// How long pages and commands wait for a connection.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the dispatcher does: a sender is told to come again after this.
const HASTE: Duration = Duration::from_secs(1);
/// A connection that was in use so lately is not asked: under load that would be a round trip for each
/// statement. Should it have died meanwhile, its statement fails, and is tried again as any other.
const FRESH: Duration = Duration::from_secs(1);
/// How long a connection has to say that it works. Less than [`HASTE`], so that another can be made.
const PING: Duration = Duration::from_millis(500);
/// How long connections have to end.
const FAREWELL: Duration = Duration::from_secs(1);

/// How long a statement may take that touches few rows.
pub const QUICK_TIMEOUT: Duration = Duration::from_secs(2);
/// How long one may take that reads or looks through more.
pub const SLOW_TIMEOUT: Duration = Duration::from_secs(6);

/// Opens a pool of connections.
///
/// # Errors
/// Where the database cannot be reached within ten seconds, with the last reason.
pub async fn connect(options: PgConnectOptions, max: u32) -> Result<PgPool, Error> {
    open(options, max, PATIENCE).await
}

/// Opens the dispatcher's own connections, so that pages never wait for it, nor it for pages. Its
/// statements touch few rows by index, whatever the statistics say of tables that were empty a
/// moment ago; so the plans that read whole tables, and compiling plans, are switched off.
///
/// # Errors
/// Where the database cannot be reached within ten seconds.
pub async fn connect_dispatcher(options: PgConnectOptions, max: u32) -> Result<PgPool, Error> {
    let settings = [
        ("jit", "off"),
        ("enable_seqscan", "off"),
        ("enable_hashjoin", "off"),
        ("enable_mergejoin", "off"),
        ("enable_bitmapscan", "off"),
        ("plan_cache_mode", "force_generic_plan"),
    ];
    open(options.options(settings), max, HASTE).await
}

async fn open(options: PgConnectOptions, max: u32, patience: Duration) -> Result<PgPool, Error> {
    let options = options.application_name("gatepost");
    await_database(&options).await?;
    Ok(pool(max, patience).connect_lazy_with(options))
}

fn pool(max: u32, patience: Duration) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(max)
        .acquire_timeout(patience)
        // The library's own test has no limit, nor has the one with which it takes a connection back;
        // that one is harmless right after ours.
        .test_before_acquire(false)
        .before_acquire(|connection, met| {
            Box::pin(async move { Ok(met.idle_for < FRESH || works(connection).await?) })
        })
        .after_release(|connection, _met| Box::pin(works(connection)))
}

/// Whether a connection answers; the error says that it does not.
async fn works(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let asked = tokio::time::timeout(PING, connection.ping()).await;
    asked.map_err(|_elapsed| sqlx::Error::PoolTimedOut)??;
    Ok(true)
}

/// A connection that is kept for the next statement, where one soon follows the other: the pool asks a connection
/// whether it works each time it comes back, and hands them out in turn, though each knows its statements by heart.
#[derive(Debug, Default)]
pub struct StickyConnection(Option<(PoolConnection<Postgres>, Instant)>);

impl StickyConnection {
    /// Has work done with the connection, [`within`] a limit. After an error it is given back.
    ///
    /// # Errors
    /// Those of the work; [`Error::Unavailable`] where it took longer, or no connection was to be had.
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

    /// The connection; one of the pool where none is kept, or has lain idle for a while.
    async fn get(&mut self, db: &PgPool) -> Result<&mut PgConnection, Error> {
        let held = match self.0.take() {
            Some((held, used)) if used.elapsed() < FRESH => held,
            stale => {
                drop(stale);
                db.acquire().await?
            }
        };
        let (held, _) = self.0.insert((held, Instant::now()));
        Ok(held)
    }
}

/// A connection that belongs to no pool's count, such as one that listens.
pub(super) fn one_like(db: &PgPool) -> PgPool {
    pool(1, HASTE).connect_lazy_with((*db.connect_options()).clone())
}

/// Ends work that takes longer. Whether its statement was done nobody knows: the work must be such that it
/// can be asked for again. Its connection is closed, and so are those that lie idle, for they led to the
/// same place.
///
/// # Errors
/// Those of the work; [`Error::Unavailable`] where it took longer.
pub async fn within<T, E: Into<Error>>(
    db: &PgPool,
    limit: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, Error> {
    if let Ok(done) = tokio::time::timeout(limit, work).await {
        return done.map_err(Into::into);
    }
    while let Some(idle) = db.try_acquire() {
        drop(idle.detach());
    }
    Err(Error::Unavailable(sqlx::Error::PoolTimedOut))
}

/// Closes all connections; those that do not end are left behind.
pub async fn close(db: &PgPool) {
    if tokio::time::timeout(FAREWELL, db.close()).await.is_err() {
        tracing::warn!("a connection to the database does not end; it is left behind");
    }
}

/// Waits for a database that is starting, as beside us in a compose file.
async fn await_database(options: &PgConnectOptions) -> Result<(), Error> {
    let mut tick = tokio::time::interval(Duration::from_millis(250));
    let began = tick.tick().await;
    loop {
        let connecting = tokio::time::timeout(START, options.connect()).await;
        let error = match connecting {
            Ok(Ok(connection)) => {
                connection.close().await?;
                return Ok(());
            }
            Ok(Err(error)) => Error::from(error),
            Err(tokio::time::error::Elapsed { .. }) => Error::from(sqlx::Error::PoolTimedOut),
        };
        if !error.is_unavailable() || began.elapsed() > START {
            return Err(error);
        }
        tick.tick().await;
    }
}
