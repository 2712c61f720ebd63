//! PostgreSQL. Plain functions, one a statement; transactions are opened by those who call.
//!
//! It knows tables, not what people want of them.

pub mod breakers;
pub mod deliveries;
mod error;
pub mod events;
pub mod invocations;
pub mod migrate;
pub mod notify;
pub mod partitions;
pub mod private;
pub mod sessions;
pub mod tokens;
pub mod users;
pub mod webhook_list;
pub mod webhooks;

pub use error::Error;
pub use sqlx::postgres::PgConnectOptions;
pub use sqlx::{PgConnection, PgPool};

use std::time::Duration;

use sqlx::{ConnectOptions, Connection};

/// How long a connection is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Opens a pool of connections.
///
/// # Errors
/// Where the database cannot be reached within ten seconds, with the last reason.
pub async fn connect(options: PgConnectOptions, max: u32) -> Result<PgPool, Error> {
    let options = options.application_name("gatepost");
    await_database(&options).await?;
    let pool = sqlx::postgres::PgPoolOptions::new()
        .max_connections(max)
        .acquire_timeout(PATIENCE)
        .connect_with(options)
        .await?;
    Ok(pool)
}

/// Waits for a database that is starting, as beside us in a compose file.
async fn await_database(options: &PgConnectOptions) -> Result<(), Error> {
    let mut tick = tokio::time::interval(Duration::from_millis(250));
    let began = tick.tick().await;
    loop {
        let connecting = tokio::time::timeout(PATIENCE, options.connect()).await;
        let error = match connecting {
            Ok(Ok(connection)) => {
                connection.close().await?;
                return Ok(());
            }
            Ok(Err(error)) => Error::from(error),
            Err(tokio::time::error::Elapsed { .. }) => Error::from(sqlx::Error::PoolTimedOut),
        };
        if !error.is_unavailable() || began.elapsed() > PATIENCE {
            return Err(error);
        }
        tick.tick().await;
    }
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
    connect(options.options(settings), max).await
}

/// Whether the database answers.
///
/// # Errors
/// Where it does not.
pub async fn ping(db: &PgPool) -> Result<(), Error> {
    sqlx::query_scalar!("select 1").fetch_one(db).await?;
    Ok(())
}
