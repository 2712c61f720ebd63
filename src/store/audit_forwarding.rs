//! Which entries of the audit log were forwarded to webhooks.

use super::{Error, PgConnection, PgPool};

/// Whether there are entries after the last forwarded one. Locks nothing, so that an idle instance writes nothing.
pub async fn is_behind(db: &PgPool) -> Result<bool, Error> {
    let is_behind = sqlx::query_scalar!(
        r#"select c.head_seq > f.seq as "is_behind!" from audit_chain c, audit_forwarding f"#
    )
    .fetch_one(db)
    .await?;
    Ok(is_behind)
}

/// Locks the number of the last forwarded entry. `None` if another instance is forwarding.
pub async fn lock(db: &mut PgConnection) -> Result<Option<i64>, Error> {
    let seq = sqlx::query_scalar!("select seq from audit_forwarding for update skip locked")
        .fetch_optional(db)
        .await?;
    Ok(seq)
}

/// Whether an active webhook has the trigger `Audit`.
pub async fn has_webhook(db: &mut PgConnection) -> Result<bool, Error> {
    let has = sqlx::query_scalar!(
        r#"select exists (
               select from webhooks where active and deleted_at is null and 'Audit' = any(triggers)
           ) as "has!""#
    )
    .fetch_one(db)
    .await?;
    Ok(has)
}

/// Records the number of the last forwarded entry.
pub async fn set(db: &mut PgConnection, seq: i64) -> Result<(), Error> {
    sqlx::query!("update audit_forwarding set seq = $1", seq).execute(db).await?;
    Ok(())
}

/// Skips all entries.
pub async fn skip_all(db: &mut PgConnection) -> Result<(), Error> {
    sqlx::query!("update audit_forwarding f set seq = c.head_seq from audit_chain c")
        .execute(db)
        .await?;
    Ok(())
}
