//! The running instances. Times are those of the database's clock.

use std::time::Duration;

use chrono::TimeDelta;
use uuid::Uuid;

use super::{Error, PgPool, QUICK_TIMEOUT, within};
use crate::model::Timestamp;

/// Time after which an instance whose row was not refreshed counts as gone: three times the interval.
pub const ALIVE_TIMEOUT: Duration = Duration::from_secs(30);

/// What an instance reports about itself.
#[derive(Debug, Clone)]
pub struct InstanceInfo {
    /// The name of its machine.
    pub host_name: String,
    /// The version of the program.
    pub version: String,
    /// The address that it listens on.
    pub address: String,
}

/// An instance that was seen within the last day.
#[derive(Debug, Clone)]
pub struct Instance {
    /// Its id, which is also that of its leases.
    pub id: Uuid,
    /// The name of its machine.
    pub host_name: String,
    /// The version of the program.
    pub version: String,
    /// The address that it listens on.
    pub address: String,
    /// Time of its start.
    pub started_at: Timestamp,
    /// Time since it was last seen.
    pub unseen_for: TimeDelta,
}

impl Instance {
    /// Returns whether it was seen recently.
    pub fn is_alive(&self) -> bool {
        self.unseen_for.to_std().unwrap_or_default() < ALIVE_TIMEOUT
    }
}

/// Refreshes the row of an instance. Deletes the rows of those that have not been seen for a day, and of those that were
/// killed on the same machine with the same address.
pub async fn refresh(db: &PgPool, id: Uuid, info: &InstanceInfo) -> Result<(), Error> {
    let query = sqlx::query!(
        "with swept as (
             delete from instances
             where id <> $1
               and (seen_at < now() - interval '1 day'
                    or (host_name = $2 and address = $4
                        and seen_at < now() - make_interval(secs => $5::float8)))
         )
         insert into instances (id, host_name, version, address, started_at, seen_at)
         values ($1, $2, $3, $4, now(), now())
         on conflict (id) do update set seen_at = now()",
        id,
        info.host_name,
        info.version,
        info.address,
        ALIVE_TIMEOUT.as_secs_f64()
    );
    within(db, QUICK_TIMEOUT, query.execute(db)).await?;
    Ok(())
}

/// Deletes the row of an instance that stops.
pub async fn delete(db: &PgPool, id: Uuid) -> Result<(), Error> {
    let query = sqlx::query!("delete from instances where id = $1", id);
    within(db, QUICK_TIMEOUT, query.execute(db)).await?;
    Ok(())
}

/// Returns the instances, those that were seen last first.
pub async fn list(db: &PgPool) -> Result<Vec<Instance>, Error> {
    let query = sqlx::query!(
        r#"select id, host_name, version, address, started_at,
                  (extract(epoch from now() - seen_at) * 1000)::int8 as "unseen_ms!"
           from instances order by seen_at < now() - make_interval(secs => $1::float8), started_at, id limit 1000"#,
        ALIVE_TIMEOUT.as_secs_f64()
    );
    let rows = within(db, QUICK_TIMEOUT, query.fetch_all(db)).await?;
    let instances = rows.into_iter().map(|row| Instance {
        id: row.id,
        host_name: row.host_name,
        version: row.version,
        address: row.address,
        started_at: row.started_at,
        unseen_for: TimeDelta::milliseconds(row.unseen_ms),
    });
    Ok(instances.collect())
}
