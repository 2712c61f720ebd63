//! Notifies other instances of changes, by `LISTEN` and `NOTIFY`.

use std::time::Duration;

use sqlx::postgres::PgListener;
use uuid::Uuid;

use super::pool::{QUICK_TIMEOUT, one_like};
use super::{Error, PgConnection, PgPool, within};

/// Time without a notification after which the connection is checked.
const CHECK_AFTER: Duration = Duration::from_secs(2);

/// Channel for changed webhooks. The payload is the id of the change, see [`notify_webhooks`].
const WEBHOOKS: &str = "gatepost_webhooks";
/// Channel for due deliveries that no instance has leased.
const DELIVERIES: &str = "gatepost_deliveries";

/// What a listener received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notification {
    /// Webhooks were changed. Older versions of Gatepost send no id.
    Webhooks(Option<Uuid>),
    /// Deliveries are due that no instance has leased.
    Deliveries,
    /// The listener reconnected, so notifications may have been missed.
    Reconnected,
}

/// Notifies all instances at commit that webhooks were changed. The id lets the instance that made the change recognise
/// its own notification.
pub async fn notify_webhooks(db: &mut PgConnection, change: Uuid) -> Result<(), Error> {
    notify(db, WEBHOOKS, &change.to_string()).await
}

/// Notifies all instances at commit that deliveries are due. The payload is constant, because PostgreSQL sends equal
/// notifications of a transaction only once.
pub async fn notify_deliveries(db: &mut PgConnection) -> Result<(), Error> {
    notify(db, DELIVERIES, "").await
}

async fn notify(db: &mut PgConnection, channel: &str, payload: &str) -> Result<(), Error> {
    sqlx::query!("select pg_notify($1, $2)", channel, payload).execute(db).await?;
    Ok(())
}

/// Listens to both channels on a connection of its own. Reconnects automatically.
#[derive(Debug)]
pub struct Listener {
    listener: PgListener,
    // A separate pool, so that this permanent connection does not count towards the limit of another pool.
    pool: PgPool,
}

impl Listener {
    /// Starts to listen.
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

    /// Waits for the next notification.
    ///
    /// # Errors
    /// If the connection has died.
    pub async fn next(&mut self) -> Result<Notification, Error> {
        loop {
            let waited = tokio::time::timeout(CHECK_AFTER, self.listener.try_recv()).await;
            if let Ok(received) = waited {
                return Ok(match received? {
                    None => Notification::Reconnected,
                    Some(sent) if sent.channel() == DELIVERIES => Notification::Deliveries,
                    Some(sent) => Notification::Webhooks(sent.payload().parse().ok()),
                });
            }
            let query = sqlx::query_scalar!("select 1");
            within(&self.pool, QUICK_TIMEOUT, query.fetch_one(&mut self.listener)).await?;
        }
    }
}
