//! Leases: renewed while somebody lives, given back, or taken over. Rows that another statement has
//! locked are passed over, so that none of these ever waits for a completion, nor the other way round.

use uuid::Uuid;

use super::queue::{LEASE, interval};
use crate::model::Timestamp;
use crate::store::{Error, PgPool};

/// Keeps what is in hand. Named one by one: what this lease holds without knowing it, because the
/// answer to a commit got lost, must run out.
pub async fn renew(db: &PgPool, lease: Uuid, now: Timestamp, held: &[Uuid]) -> Result<u64, Error> {
    let done = sqlx::query!(
        "with kept as (
             select id from delivery_queue where id = any($4) and lease = $1
             for update skip locked
         )
         update delivery_queue q set leased_until = $2::timestamptz + $3::interval
         from kept where q.id = kept.id",
        lease,
        now,
        interval(LEASE),
        held
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Hands back all that this lease holds; the attempt does not count.
pub async fn give_back(db: &PgPool, lease: Uuid) -> Result<u64, Error> {
    let done = sqlx::query!(
        "update delivery_queue
         set state = 'due', attempts = attempts - 1, lease = null, leased_until = null
         where state = 'leased' and lease = $1",
        lease
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// The leases that have run out.
pub async fn expired(db: &PgPool, now: Timestamp) -> Result<Vec<Uuid>, Error> {
    let leases = sqlx::query_scalar!(
        r#"select distinct lease as "lease!" from delivery_queue where state = 'leased' and leased_until < $1"#,
        now
    )
    .fetch_all(db)
    .await?;
    Ok(leases)
}

/// Makes due again what nobody renewed: its holder was killed or cut off.
pub async fn reap(db: &PgPool, now: Timestamp, lost: &[Uuid]) -> Result<u64, Error> {
    let done = sqlx::query!(
        "with lost as (
             select id from delivery_queue
             where state = 'leased' and leased_until < $1 and lease = any($2)
             for update skip locked
         )
         update delivery_queue q set state = 'due', due_at = $1, lease = null, leased_until = null
         from lost where q.id = lost.id",
        now,
        lost
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Makes due what waits at the head of its lane: its predecessor was finished at the very moment in
/// which it came in, or by another instance.
pub async fn promote(db: &PgPool, now: Timestamp) -> Result<u64, Error> {
    let done = sqlx::query!(
        "with heads as (
             select distinct on (w.lane) w.id from delivery_queue w
             where w.state = 'waiting'
               and not exists (
                   select from delivery_queue e where e.lane = w.lane and e.id < w.id
               )
             order by w.lane, w.id
         )
         update delivery_queue q set state = 'due', due_at = $1
         from heads where q.id = heads.id and q.state = 'waiting'",
        now
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
