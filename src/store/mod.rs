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
pub mod webhook_list;
pub mod webhooks;

pub use error::Error;
pub use pool::{Held, QUICK, SLOW, close, connect, connect_dispatcher, within};
pub use sqlx::postgres::PgConnectOptions;
pub use sqlx::{PgConnection, PgPool};

/// Whether the database answers.
///
/// # Errors
/// Where it does not.
pub async fn ping(db: &PgPool) -> Result<(), Error> {
    sqlx::query_scalar!("select 1").fetch_one(db).await?;
    Ok(())
}
