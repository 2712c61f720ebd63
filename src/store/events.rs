//! Events as received, and which were seen before.

use std::collections::HashMap;

use uuid::Uuid;

use super::{Error, PgConnection};
use crate::model::event::Event;
use crate::model::{EventId, Timestamp};

/// How long a repeat is known for one.
pub const SEEN_FOR_DAYS: i32 = 7;

/// Claims keys for new events. Given each key once, in order, so that two instances never wait for
/// each other in a circle. A key that was not seen within a week is claimed; the answer holds the
/// event of each key: the given one where it is new, the earlier one where it is a repeat.
pub async fn claim_keys(
    db: &mut PgConnection,
    keys: &[Vec<u8>],
    ids: &[Uuid],
    now: Timestamp,
) -> Result<HashMap<Vec<u8>, EventId>, Error> {
    sqlx::query!(
        "insert into event_keys (key, event_id, seen_at)
         select key, event_id, $3::timestamptz from unnest($1::bytea[], $2::uuid[]) as i (key, event_id)
         order by key
         on conflict (key) do update
             set event_id = excluded.event_id, seen_at = excluded.seen_at
             where event_keys.seen_at < $3::timestamptz - make_interval(days => $4)",
        keys,
        ids,
        now,
        SEEN_FOR_DAYS
    )
    .execute(&mut *db)
    .await?;
    let rows = sqlx::query!("select key, event_id from event_keys where key = any($1)", keys)
        .fetch_all(db)
        .await?;
    Ok(rows.into_iter().map(|row| (row.key, row.event_id.into())).collect())
}

/// Adds events.
pub async fn insert(
    db: &mut PgConnection,
    events: &[(EventId, &Event)],
    now: Timestamp,
) -> Result<(), Error> {
    let column = |get: fn(&Event) -> &str| -> Vec<String> {
        events.iter().map(|(_, event)| get(event).to_owned()).collect()
    };
    let ids: Vec<Uuid> = events.iter().map(|(id, _)| id.uuid()).collect();
    sqlx::query!(
        "insert into events
             (id, received_at, trigger, event_type, request_id, request, requester, integrations, payload)
         select id, $2, trigger, event_type, request_id, request, requester, integrations, payload
         from unnest($1::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                     $9::text[])
             as i (id, trigger, event_type, request_id, request, requester, integrations, payload)",
        &ids,
        now,
        &column(|event| event.trigger.as_str()),
        &column(|event| &event.event_type),
        &column(|event| &event.request_id),
        &column(|event| &event.summary.request),
        &column(|event| &event.summary.requester),
        &column(|event| &event.summary.integrations),
        &column(|event| &event.raw)
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets keys that no longer count.
pub async fn prune_keys(db: &mut PgConnection, now: Timestamp) -> Result<(), Error> {
    sqlx::query!(
        "delete from event_keys where seen_at < $1::timestamptz - make_interval(days => $2)",
        now,
        SEEN_FOR_DAYS
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The values seen in the newest events' payloads.
pub async fn newest_payloads(db: &super::PgPool, limit: i64) -> Result<Vec<String>, Error> {
    let rows = sqlx::query_scalar!("select payload from events order by id desc limit $1", limit)
        .fetch_all(db)
        .await?;
    Ok(rows)
}
