//! The encrypted values of all tables, and their master keys.

use uuid::Uuid;

use super::{Error, PgConnection, second_factors, secrets, sender_keys};
use crate::vault::{OpenError, Vault};

/// Maximum number of values that a transaction encrypts again.
const BATCH_ROWS: i64 = 100;

/// An encrypted value and the columns that identify its row.
struct Row {
    id: Uuid,
    /// The number of a revision.
    number: i32,
    sealed: Vec<u8>,
}

/// A table with encrypted values.
#[derive(Clone, Copy)]
enum Table {
    Secrets,
    Webhooks,
    Revisions,
    SenderKeys,
    SecondFactors,
}

impl Table {
    const ALL: [Self; 5] =
        [Self::Secrets, Self::Webhooks, Self::Revisions, Self::SenderKeys, Self::SecondFactors];

    fn name(self) -> &'static str {
        match self {
            Self::Secrets => "secrets",
            Self::Webhooks => "webhooks",
            Self::Revisions => "webhook_revisions",
            Self::SenderKeys => "sender_keys",
            Self::SecondFactors => "second_factors",
        }
    }

    fn place(self, row: &Row) -> String {
        match self {
            Self::Secrets => secrets::place(row.id),
            Self::Webhooks => format!("webhooks.sealed/{}", row.id),
            Self::Revisions => format!("webhook_revisions.sealed/{}/{}", row.id, row.number),
            Self::SenderKeys => sender_keys::place(row.id),
            Self::SecondFactors => second_factors::place(row.id),
        }
    }

    /// Returns some values that do not start with this prefix, and locks their rows. Locked rows are left out, because
    /// waiting for them could end in a deadlock.
    async fn list(self, db: &mut PgConnection, prefix: &[u8]) -> Result<Vec<Row>, Error> {
        // The other columns of the rows do not change, so rows that refer to them need not wait.
        let rows = match self {
            Self::Secrets => {
                sqlx::query_as!(
                    Row,
                    r#"select id, 0 as "number!", sealed from secrets
                       where substring(sealed for 5) <> $1 order by id limit $2 for no key update skip locked"#,
                    prefix,
                    BATCH_ROWS
                )
                .fetch_all(db)
                .await
            }
            Self::Webhooks => {
                sqlx::query_as!(
                    Row,
                    r#"select id, 0 as "number!", sealed from webhooks
                       where sealed <> '' and substring(sealed for 5) <> $1
                       order by id limit $2 for no key update skip locked"#,
                    prefix,
                    BATCH_ROWS
                )
                .fetch_all(db)
                .await
            }
            Self::Revisions => {
                sqlx::query_as!(
                    Row,
                    r#"select webhook_id as id, number, sealed from webhook_revisions
                       where sealed <> '' and substring(sealed for 5) <> $1
                       order by webhook_id, number limit $2 for no key update skip locked"#,
                    prefix,
                    BATCH_ROWS
                )
                .fetch_all(db)
                .await
            }
            Self::SenderKeys => {
                sqlx::query_as!(
                    Row,
                    r#"select token_id as id, 0 as "number!", sealed from sender_keys
                       where substring(sealed for 5) <> $1 order by token_id limit $2 for no key update skip locked"#,
                    prefix,
                    BATCH_ROWS
                )
                .fetch_all(db)
                .await
            }
            Self::SecondFactors => {
                sqlx::query_as!(
                    Row,
                    r#"select user_id as id, 0 as "number!", sealed from second_factors
                       where substring(sealed for 5) <> $1 order by user_id limit $2 for no key update skip locked"#,
                    prefix,
                    BATCH_ROWS
                )
                .fetch_all(db)
                .await
            }
        };
        Ok(rows?)
    }

    async fn update(self, db: &mut PgConnection, row: &Row, sealed: &[u8]) -> Result<(), Error> {
        let query = match self {
            Self::Secrets => {
                sqlx::query!("update secrets set sealed = $2 where id = $1", row.id, sealed)
            }
            Self::Webhooks => {
                sqlx::query!("update webhooks set sealed = $2 where id = $1", row.id, sealed)
            }
            Self::Revisions => sqlx::query!(
                "update webhook_revisions set sealed = $3 where webhook_id = $1 and number = $2",
                row.id,
                row.number,
                sealed
            ),
            Self::SenderKeys => sqlx::query!(
                "update sender_keys set sealed = $2 where token_id = $1",
                row.id,
                sealed
            ),
            Self::SecondFactors => sqlx::query!(
                "update second_factors set sealed = $2 where user_id = $1",
                row.id,
                sealed
            ),
        };
        query.execute(db).await?;
        Ok(())
    }
}

/// Encrypts some values that were encrypted with a previous key with the current one. Returns their number, which is 0 if
/// none is left, or the others are locked.
///
/// # Errors
/// If a value cannot be decrypted.
pub async fn reencrypt_batch(db: &mut PgConnection, vault: &Vault) -> Result<u64, Error> {
    let prefix = vault.prefix();
    for table in Table::ALL {
        let mut count = 0;
        for row in table.list(db, &prefix).await? {
            let place = table.place(&row);
            let sealed = vault.reseal(&place, &row.sealed).map_err(|error| Error::Corrupt {
                table: table.name(),
                detail: format!("{place}: {error}"),
            })?;
            table.update(db, &row, &sealed).await?;
            count += 1;
        }
        if count > 0 {
            return Ok(count);
        }
    }
    Ok(0)
}

/// Returns whether all values were encrypted with the current key.
pub async fn are_current(db: &mut PgConnection, vault: &Vault) -> Result<bool, Error> {
    Ok(find_unlike(db, &[vault.prefix()]).await?.is_none())
}

/// Checks that no value was encrypted with a key that the vault does not have.
///
/// # Errors
/// If there is one.
pub async fn check_keys(db: &mut PgConnection, vault: &Vault) -> Result<(), Error> {
    match find_unlike(db, &vault.prefixes()).await? {
        None => Ok(()),
        Some((table, count)) => Err(Error::Corrupt {
            table,
            detail: format!("{} (rows: {count})", OpenError::OtherKey),
        }),
    }
}

/// Returns a table with values that start with none of these prefixes, and their number.
async fn find_unlike(
    db: &mut PgConnection,
    prefixes: &[Vec<u8>],
) -> Result<Option<(&'static str, i64)>, Error> {
    let row = sqlx::query!(
        r#"select name as "name!", count(*) as "count!" from (
               select 'secrets' as name, sealed from secrets
               union all select 'webhooks', sealed from webhooks where sealed <> ''
               union all select 'webhook_revisions', sealed from webhook_revisions where sealed <> ''
               union all select 'sender_keys', sealed from sender_keys
               union all select 'second_factors', sealed from second_factors
           ) as value
           where substring(sealed for 5) <> all($1) group by name order by name"#,
        prefixes
    )
    .fetch_optional(db)
    .await?;
    let name_of = |name: &str| Table::ALL.map(Table::name).into_iter().find(|it| *it == name);
    Ok(row.map(|row| (name_of(&row.name).unwrap_or_default(), row.count)))
}
