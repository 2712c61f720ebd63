//! The daily partitions of the big tables.

use chrono::NaiveDate;

use super::{Error, PgPool};

/// Makes the partitions from one day to another, where they are missing.
pub async fn ensure(db: &PgPool, first: NaiveDate, last: NaiveDate) -> Result<(), Error> {
    sqlx::query!("select ensure_partitions($1, $2)", first, last).execute(db).await?;
    Ok(())
}

/// Drops the oldest partition of a day before this one; its name, or none where there is none.
///
/// # Errors
/// Also where somebody reads the table at that moment: try again.
pub async fn drop_oldest(db: &PgPool, before: NaiveDate) -> Result<Option<String>, Error> {
    let dropped =
        sqlx::query_scalar!("select drop_oldest_partition($1)", before).fetch_one(db).await?;
    Ok(dropped)
}
