//! Applies migrations.

use sqlx::migrate::{MigrateError, Migrator};

use super::{Error, PgPool, QUICK_TIMEOUT, webhooks, within};

static MIGRATIONS: Migrator = sqlx::migrate!();

/// Applies pending migrations under sqlx's advisory lock, and updates what only the program can compute.
///
/// # Errors
/// If the database is newer than this program, or an applied migration was changed.
pub async fn run(db: &PgPool) -> Result<(), Error> {
    let before = state(db).await;
    #[expect(clippy::wildcard_enum_match_arm, reason = "the library's enum is non-exhaustive")]
    MIGRATIONS.run(db).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) => Error::Migration(format!(
            "the database has migration {version} of a newer Gatepost. Run that version or a newer one."
        )),
        MigrateError::Execute(error) => Error::from(error),
        other => Error::Migration(format!("the database could not be migrated: {other}")),
    })?;
    if let Ok(MigrationState::Pending(count)) = before {
        tracing::info!(count, "applied migrations");
    }
    webhooks::fold_names(db).await
}

/// The migrations of a database, compared with those of this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MigrationState {
    /// All are applied.
    Current,
    /// This number is not applied.
    Pending(usize),
    /// All are applied, and at least this one of a newer version.
    Newer(i64),
}

/// Returns which migrations are applied.
///
/// # Errors
/// If the database cannot be queried.
pub async fn state(db: &PgPool) -> Result<MigrationState, Error> {
    let read = async {
        let table = "select to_regclass('_sqlx_migrations') is not null";
        if !sqlx::query_scalar::<_, bool>(table).fetch_one(db).await? {
            return Ok::<_, sqlx::Error>(Vec::new());
        }
        let applied = "select version from _sqlx_migrations where success order by version";
        sqlx::query_scalar::<_, i64>(applied).fetch_all(db).await
    };
    let applied = within(db, QUICK_TIMEOUT, read).await?;
    let pending = MIGRATIONS.iter().filter(|known| !applied.contains(&known.version)).count();
    let is_unknown = |version: &&i64| MIGRATIONS.iter().all(|known| known.version != **version);
    Ok(match applied.iter().rfind(is_unknown) {
        _ if pending > 0 => MigrationState::Pending(pending),
        Some(version) => MigrationState::Newer(*version),
        None => MigrationState::Current,
    })
}
