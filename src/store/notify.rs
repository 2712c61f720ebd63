//! Notifies other instances of changes, by `LISTEN` and `NOTIFY`.

use std::time::Duration;

use sqlx::postgres::PgListener;
use uuid::Uuid;

use super::pool::{QUICK_TIMEOUT, one_like};
use super::{Error, PgConnection, PgPool, within};
use crate::model::LiveChanges;

/// Time without a notification after which the connection is checked.
const CHECK_AFTER: Duration = Duration::from_secs(2);

/// Channel for changed webhooks. The payload is the id of the change, see [`notify_webhooks`].
const WEBHOOKS: &str = "gatepost_webhooks";
/// Channel for changes of webhooks that an instance has applied. The payload is the id of the change.
const APPLIED: &str = "gatepost_applied";
/// Channel for changes that open pages show. The payload is [`LiveChanges`] as JSON.
const LIVE: &str = "gatepost_live";
/// Name of the connections that listen for changes, by which commands count the running instances.
const LISTENER_NAME: &str = "gatepost listener";
/// Channel for due deliveries that no instance has leased.
const DELIVERIES: &str = "gatepost_deliveries";

/// What a listener received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notification {
    /// Webhooks were changed. Older versions of Gatepost send no id.
    Webhooks(Option<Uuid>),
    /// Deliveries are due that no instance has leased.
    Deliveries,
    /// What open pages show has changed.
    Live(LiveChanges),
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

/// Notifies the command that changed webhooks that this instance has applied the change.
pub async fn notify_applied(db: &PgPool, change: Uuid) -> Result<(), Error> {
    let mut connection = db.acquire().await?;
    notify(&mut connection, APPLIED, &change.to_string()).await
}

/// Notifies all instances, including this one, that what open pages show has changed.
pub async fn notify_live(db: &PgPool, changes: &LiveChanges) -> Result<(), Error> {
    let mut connection = db.acquire().await?;
    notify(&mut connection, LIVE, &changes.to_json()).await
}

async fn notify(db: &mut PgConnection, channel: &str, payload: &str) -> Result<(), Error> {
    sqlx::query!("select pg_notify($1, $2)", channel, payload).execute(db).await?;
    Ok(())
}

/// Listens to all channels on a separate connection. Reconnects automatically.
#[derive(Debug)]
pub struct Listener {
    listener: PgListener,
    // A separate pool, so that this permanent connection does not count towards the limit of another pool.
    pool: PgPool,
}

impl Listener {
    /// Starts to listen.
    pub async fn start(db: &PgPool) -> Result<Self, Error> {
        let pool = one_like(db, LISTENER_NAME);
        let starting = async {
            let mut listener = PgListener::connect_with(&pool).await?;
            listener.listen_all([WEBHOOKS, DELIVERIES, LIVE]).await?;
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
                    Some(sent) => match sent.channel() {
                        DELIVERIES => Notification::Deliveries,
                        LIVE => Notification::Live(LiveChanges::from_json(sent.payload())),
                        _ => Notification::Webhooks(sent.payload().parse().ok()),
                    },
                });
            }
            let query = sqlx::query_scalar!("select 1");
            within(&self.pool, QUICK_TIMEOUT, query.fetch_one(&mut self.listener)).await?;
        }
    }
}

/// Returns the number of running instances.
pub async fn count_instances(db: &PgPool) -> Result<i64, Error> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from pg_stat_activity
           where datname = current_database() and application_name = $1"#,
        LISTENER_NAME
    )
    .fetch_one(db)
    .await?;
    Ok(count)
}

/// Waits until the running instances have applied a change. A command starts it before the change is committed.
#[derive(Debug)]
pub struct Acknowledgements {
    listener: PgListener,
    /// Number of running instances.
    expected: i64,
}

impl Acknowledgements {
    /// Starts to listen, and counts the running instances.
    pub async fn start(db: &PgPool) -> Result<Self, Error> {
        let mut listener = PgListener::connect_with(db).await?;
        listener.listen(APPLIED).await?;
        Ok(Self { listener, expected: count_instances(db).await? })
    }

    /// Returns whether all instances have applied the change within [`QUICK_TIMEOUT`].
    pub async fn wait(mut self, change: Uuid) -> bool {
        let change = change.to_string();
        let waiting = async {
            while self.expected > 0 {
                if self.listener.recv().await?.payload() == change {
                    self.expected -= 1;
                }
            }
            Ok::<_, sqlx::Error>(())
        };
        matches!(tokio::time::timeout(QUICK_TIMEOUT, waiting).await, Ok(Ok(())))
    }
}
