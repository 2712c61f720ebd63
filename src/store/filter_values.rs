//! Values for filters, collected from events.

use super::{Error, PgPool};
use crate::model::filter::Field;
use crate::model::{EventId, Timestamp};

/// Records values that occurred in events.
pub async fn record(db: &PgPool, seen: &[(Field, String)], now: Timestamp) -> Result<(), Error> {
    let fields: Vec<String> = seen.iter().map(|(field, _)| field.key().to_owned()).collect();
    let values: Vec<String> = seen.iter().map(|(_, value)| value.clone()).collect();
    sqlx::query!(
        "insert into filter_values (field, value, seen_at)
         select f, v, $3 from unnest($1::text[], $2::text[]) as s (f, v) order by f, v
         on conflict (field, value) do update set seen_at = excluded.seen_at
         where filter_values.seen_at < excluded.seen_at - interval '1 day'",
        &fields,
        &values,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns the newest values of each field, at most `limit` per field.
pub async fn list_newest(db: &PgPool, limit: i64) -> Result<Vec<(Field, String)>, Error> {
    let fields: Vec<String> = Field::ALL.iter().map(|field| field.key().to_owned()).collect();
    let rows = sqlx::query!(
        r#"select f as "field!", v.value as "value!" from unnest($1::text[]) f
           cross join lateral (
               select value from filter_values where field = f order by seen_at desc, value limit $2
           ) v"#,
        &fields,
        limit
    )
    .fetch_all(db)
    .await?;
    // A newer version may have added fields.
    let known = |field: &str, value| Field::from_key(field).map(|field| (field, value));
    Ok(rows.into_iter().filter_map(|row| known(&row.field, row.value)).collect())
}

/// Returns the values of a field that contain a text, ignoring case, newest first.
pub async fn search(
    db: &PgPool,
    field: Field,
    text: &str,
    limit: i64,
) -> Result<Vec<String>, Error> {
    let values = sqlx::query_scalar!(
        "select value from filter_values
         where field = $1 and strpos(lower(value), lower($2)) > 0
         order by seen_at desc, value limit $3",
        field.key(),
        text,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(values)
}

/// Deletes values that last occurred before a time.
pub async fn delete_before(db: &PgPool, before: Timestamp) -> Result<(), Error> {
    sqlx::query!("delete from filter_values where seen_at < $1", before).execute(db).await?;
    Ok(())
}

/// Returns the newest events after one with their payloads, newest first.
pub async fn list_events_after(
    db: &PgPool,
    after: EventId,
    limit: i64,
) -> Result<Vec<(EventId, String)>, Error> {
    let rows = sqlx::query!(
        "select id, payload from events where id > $1 and trigger <> 'Manual' order by id desc limit $2",
        after.uuid(),
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id.into(), row.payload)).collect())
}
