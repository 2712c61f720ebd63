//! A lock on the master key, so that no value is encrypted with a key that is being removed.

use super::{Error, PgConnection, PgPool};

/// The right to use the master key. Servers and commands share it; a rotation that removes keys has it alone. It ends with
/// its connection.
#[derive(Debug)]
pub struct MasterKeyLock(
    #[expect(dead_code, reason = "the lock is held while the connection is open")] PgConnection,
);

impl MasterKeyLock {
    /// Takes the lock together with others. `None` if a rotation has it.
    pub async fn share(db: &PgPool) -> Result<Option<Self>, Error> {
        let mut connection = db.acquire().await?.detach();
        let is_taken = sqlx::query_scalar!(
            r#"select pg_try_advisory_lock_shared(hashtext('gatepost.master_key')) as "is_taken!""#
        )
        .fetch_one(&mut connection)
        .await?;
        Ok(is_taken.then_some(Self(connection)))
    }

    /// Takes the lock alone. `None` if a server or a command has it.
    pub async fn take(db: &PgPool) -> Result<Option<Self>, Error> {
        let mut connection = db.acquire().await?.detach();
        let is_taken = sqlx::query_scalar!(
            r#"select pg_try_advisory_lock(hashtext('gatepost.master_key')) as "is_taken!""#
        )
        .fetch_one(&mut connection)
        .await?;
        Ok(is_taken.then_some(Self(connection)))
    }
}
