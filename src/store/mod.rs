//! PostgreSQL. Plain functions, one a statement; transactions are opened by those who call.
//!
//! It knows tables, not what people want of them.

pub mod breakers;
pub mod deliveries;
mod error;
pub mod events;
pub mod filter_values;
pub mod invocations;
pub mod migrate;
pub mod notify;
pub mod partitions;
mod pool;
pub mod private;
pub mod rates;
pub mod revisions;
pub mod sessions;
pub mod tokens;
pub mod users;
pub mod webhook_health;
pub mod webhooks;

pub use error::Error;
pub use pool::{
    QUICK_TIMEOUT, SLOW_TIMEOUT, StickyConnection, close, connect, connect_dispatcher, within,
};
pub use sqlx::postgres::PgConnectOptions;
pub use sqlx::{PgConnection, PgPool};

/// Whether the database answers. A kept connection that has died since it was used says nothing of the
/// database: it is asked again over others.
///
/// # Errors
/// Where it does not.
pub async fn ping(db: &PgPool) -> Result<(), Error> {
    let mut tries = 3;
    loop {
        tries -= 1;
        match sqlx::query_scalar!("select 1").fetch_one(db).await {
            Ok(_one) => return Ok(()),
            Err(error) if tries == 0 => return Err(error.into()),
            Err(error) => tracing::debug!(%error, "asks the database again"),
        }
    }
}
