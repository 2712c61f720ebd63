//! Tells other instances that something changed.

use sqlx::postgres::PgListener;

use super::{Error, PgConnection, PgPool};

/// Webhooks were changed.
pub const WEBHOOKS: &str = "gatepost_webhooks";
/// Deliveries became due that nobody has in hand.
pub const DELIVERIES: &str = "gatepost_deliveries";

/// Tells everybody at commit. One constant payload: PostgreSQL sends equal ones once.
pub async fn tell(db: &mut PgConnection, channel: &str) -> Result<(), Error> {
    sqlx::query!("select pg_notify($1, '')", channel).execute(db).await?;
    Ok(())
}

/// Listens to both channels. Reconnects by itself, and then reports once, for something may have
/// been missed.
#[derive(Debug)]
pub struct Listener(PgListener);

impl Listener {
    /// Begins to listen.
    pub async fn start(db: &PgPool) -> Result<Self, Error> {
        let mut listener = PgListener::connect_with(db).await?;
        listener.listen_all([WEBHOOKS, DELIVERIES]).await?;
        Ok(Self(listener))
    }

    /// Waits for the next; `None` after a reconnect, when anything may have happened.
    pub async fn next(&mut self) -> Result<Option<String>, Error> {
        let notification = self.0.try_recv().await?;
        Ok(notification.map(|notification| notification.channel().to_owned()))
    }
}
