//! The daily partitions of the big tables.

use chrono::NaiveDate;

use super::{Error, PgPool};

/// Makes the partitions from one day to another, where they are missing.
pub async fn ensure(db: &PgPool, first: NaiveDate, last: NaiveDate) -> Result<(), Error> {
    sqlx::query!("select ensure_partitions($1, $2)", first, last).execute(db).await?;
    Ok(())
}
