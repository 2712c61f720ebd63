//! Tells other instances that something changed.

use std::time::Duration;

use sqlx::postgres::PgListener;

use super::pool::{QUICK_TIMEOUT, one_like};
use super::{Error, PgConnection, PgPool, within};

/// After so long without a word the connection is asked whether it still works.
const SILENCE: Duration = Duration::from_secs(2);

/// Webhooks were changed.
pub const WEBHOOKS: &str = "gatepost_webhooks";
/// Deliveries became due that nobody has in hand.
pub const DELIVERIES: &str = "gatepost_deliveries";

/// Tells everybody at commit. One constant payload: PostgreSQL sends equal ones once.
pub async fn notify(db: &mut PgConnection, channel: &str) -> Result<(), Error> {
    sqlx::query!("select pg_notify($1, '')", channel).execute(db).await?;
    Ok(())
}

/// Listens to both channels, on a connection of its own. Reconnects by itself, and then reports once, for
/// something may have been missed.
#[derive(Debug)]
pub struct Listener {
    listener: PgListener,
    // Its own, so that a connection which never ends takes no room from others.
    pool: PgPool,
}

impl Listener {
    /// Begins to listen.
    pub async fn start(db: &PgPool) -> Result<Self, Error> {
        let pool = one_like(db);
        let starting = async {
            let mut listener = PgListener::connect_with(&pool).await?;
            listener.listen_all([WEBHOOKS, DELIVERIES]).await?;
            Ok::<_, sqlx::Error>(listener)
        };
        let listener = within(&pool, QUICK_TIMEOUT, starting).await?;
        Ok(Self { listener, pool })
    }

    /// Waits for the next; `None` after a reconnect, when anything may have happened.
    ///
    /// # Errors
    /// Where the connection has died, with or without a word.
    pub async fn next(&mut self) -> Result<Option<String>, Error> {
        loop {
            let waited = tokio::time::timeout(SILENCE, self.listener.try_recv()).await;
            if let Ok(received) = waited {
                return Ok(received?.map(|notification| notification.channel().to_owned()));
            }
            let query = sqlx::query_scalar!("select 1");
            within(&self.pool, QUICK_TIMEOUT, query.fetch_one(&mut self.listener)).await?;
        }
    }
}
