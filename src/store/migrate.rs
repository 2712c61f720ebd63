//! Applies migrations.

use sqlx::migrate::{MigrateError, Migrator};

use super::{Error, PgPool, webhooks};

static MIGRATIONS: Migrator = sqlx::migrate!();

/// Applies pending migrations under sqlx's advisory lock, and updates what only the program can compute.
///
/// # Errors
/// If the database is newer than this program, or an applied migration was changed.
pub async fn run(db: &PgPool) -> Result<(), Error> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the library's enum is non-exhaustive")]
    MIGRATIONS.run(db).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) => Error::Migration(format!(
            "the database has migration {version} of a newer Gatepost. Run that version or a newer one."
        )),
        MigrateError::Execute(error) => Error::from(error),
        other => Error::Migration(format!("the database could not be migrated: {other}")),
    })?;
    webhooks::fold_names(db).await
}

/// Returns whether every migration is applied.
///
/// # Errors
/// If the database cannot be queried.
pub async fn is_current(db: &PgPool) -> Result<bool, Error> {
    let applied: Vec<i64> =
        sqlx::query_scalar("select version from _sqlx_migrations where success")
            .fetch_all(db)
            .await?;
    Ok(MIGRATIONS.iter().all(|migration| applied.contains(&migration.version)))
}
