//! PostgreSQL. Plain functions, mostly one per statement. Callers open transactions.
//!
//! This module knows tables, not the use cases that read and write them.

pub mod audit;
pub mod audit_forwarding;
pub mod breakers;
pub mod bulk_changes;
pub mod deliveries;
mod delivery_chunks;
mod delivery_filter;
pub mod delivery_search;
mod error;
pub mod event_search;
pub mod events;
pub mod figures;
pub mod filter_values;
pub mod hours;
mod id_range;
pub mod identities;
pub mod instances;
pub mod invitations;
pub mod invocations;
pub mod master_key_lock;
pub mod migrate;
mod move_secrets;
pub mod notifications;
pub mod notify;
pub mod partitions;
pub mod past_webhooks;
mod pool;
pub mod rates;
pub mod redeliveries;
pub mod redelivery_batches;
pub mod replays;
pub mod revisions;
pub mod sample_requests;
pub mod sealed_values;
pub mod second_factors;
pub mod secrets;
pub mod sender_keys;
pub mod sessions;
pub mod status;
pub mod tokens;
mod transaction;
pub mod user_changes;
pub mod users;
pub mod webhook_changes;
pub mod webhook_health;
pub mod webhook_list;
pub mod webhook_ranks;
pub mod webhooks;

pub use error::Error;
pub use move_secrets::move_secrets;
pub use pool::{
    QUICK_TIMEOUT, SLOW_TIMEOUT, StickyConnection, close, connect, connect_dispatcher,
    connect_to_read, dispatcher_options, is_plain_intended, page_options, verifies_server, within,
};
pub use sqlx::postgres::PgConnectOptions;
pub use sqlx::{PgConnection, PgPool};
pub use transaction::begin;

/// Checks that the database responds. A pooled connection may have died since its last use, so the check is repeated
/// over other connections.
///
/// # Errors
/// If the database does not respond.
pub async fn ping(db: &PgPool) -> Result<(), Error> {
    let mut attempts_left = 3;
    loop {
        attempts_left -= 1;
        match sqlx::query_scalar!("select 1").fetch_one(db).await {
            Ok(_one) => return Ok(()),
            Err(error) if attempts_left == 0 => return Err(error.into()),
            Err(error) => tracing::debug!(%error, "retrying the database check"),
        }
    }
}
