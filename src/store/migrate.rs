//! Applies migrations.

use sqlx::migrate::{MigrateError, Migrator};

use super::{Error, PgPool};

static MIGRATIONS: Migrator = sqlx::migrate!();

/// Brings the database up to this program's schema, under sqlx's advisory lock.
///
/// # Errors
/// Where the database is newer than this program, or an applied migration was changed.
pub async fn run(db: &PgPool) -> Result<(), Error> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the library's enum is non-exhaustive")]
    MIGRATIONS.run(db).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) => Error::Migration(format!(
            "the database has migration {version}, which this program does not know: it was used by \
             a newer Gatepost. Run that version or newer."
        )),
        MigrateError::Execute(error) => Error::from(error),
        other => Error::Migration(format!("the database could not be migrated: {other}")),
    })
}

/// Whether every migration is applied.
///
/// # Errors
/// Where the database cannot be asked.
pub async fn is_current(db: &PgPool) -> Result<bool, Error> {
    let applied: Vec<i64> =
        sqlx::query_scalar("select version from _sqlx_migrations where success")
            .fetch_all(db)
            .await?;
    Ok(MIGRATIONS.iter().all(|migration| applied.contains(&migration.version)))
}
