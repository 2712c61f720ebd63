//! Leases: renewed while somebody lives, given back, or taken over. Rows that another statement has
//! locked are passed over, so that none of these ever waits for a completion, nor the other way round.

use uuid::Uuid;

use super::queue::{LEASE, interval};
use crate::model::Timestamp;
use crate::store::{Error, PgPool, QUICK_TIMEOUT, SLOW_TIMEOUT, within};

/// Keeps what is in hand, but for what was taken or renewed a moment ago. Named one by one: what this lease holds
/// without knowing it, because the answer to a commit got lost, must run out.
pub async fn renew(db: &PgPool, lease: Uuid, now: Timestamp, held: &[Uuid]) -> Result<u64, Error> {
    let query = sqlx::query!(
        "with kept as (
             select id from delivery_queue where id = any($4) and lease = $1
               and leased_until not between $2::timestamptz + $3::interval * 0.75 and $2::timestamptz + $3::interval
             for update skip locked
         )
         update delivery_queue q set leased_until = $2::timestamptz + $3::interval
         from kept where q.id = kept.id",
        lease,
        now,
        interval(LEASE),
        held
    );
    let done = within(db, QUICK_TIMEOUT, query.execute(db)).await?;
    Ok(done.rows_affected())
}

/// Hands back all that this lease holds; the attempt does not count.
pub async fn give_back(db: &PgPool, lease: Uuid) -> Result<u64, Error> {
    let query = sqlx::query!(
        "update delivery_queue
         set state = 'due', attempts = attempts - 1, lease = null, leased_until = null
         where state = 'leased' and lease = $1",
        lease
    );
    let done = within(db, QUICK_TIMEOUT, query.execute(db)).await?;
    Ok(done.rows_affected())
}

/// A lease as somebody last renewed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kept {
    /// Whose.
    pub lease: Uuid,
    /// Until when, by the holder's clock.
    pub until: Timestamp,
}

/// Leases that do not look renewed lately: less is left of them than `soon`, or more than any renewal
/// gives, which is what a clock that stepped back makes of them.
pub async fn suspects(db: &PgPool, soon: Timestamp, late: Timestamp) -> Result<Vec<Kept>, Error> {
    let query = sqlx::query!(
        r#"select lease as "lease!", leased_until as "until!" from delivery_queue
           where state = 'leased' and leased_until < $1
           union
           select lease, leased_until from delivery_queue where state = 'leased' and leased_until > $2"#,
        soon,
        late
    );
    let rows = within(db, QUICK_TIMEOUT, query.fetch_all(db)).await?;
    Ok(rows.into_iter().map(|row| Kept { lease: row.lease, until: row.until }).collect())
}

/// Makes due again what nobody has renewed since: its holder was killed or cut off.
pub async fn reap(db: &PgPool, now: Timestamp, lost: &[Kept]) -> Result<u64, Error> {
    let leases: Vec<Uuid> = lost.iter().map(|kept| kept.lease).collect();
    let untils: Vec<Timestamp> = lost.iter().map(|kept| kept.until).collect();
    let query = sqlx::query!(
        "with lost as (
             select q.id from delivery_queue q
             join unnest($2::uuid[], $3::timestamptz[]) as l (lease, until)
               on q.lease = l.lease and q.leased_until = l.until
             where q.state = 'leased'
             for update of q skip locked
         )
         update delivery_queue q set state = 'due', due_at = $1, lease = null, leased_until = null
         from lost where q.id = lost.id",
        now,
        &leases,
        &untils
    );
    let done = within(db, QUICK_TIMEOUT, query.execute(db)).await?;
    Ok(done.rows_affected())
}

/// Lanes in which something waits, and nobody is on the way who would let it go. This looks at all that waits.
pub async fn headless(db: &PgPool) -> Result<Vec<i64>, Error> {
    let query = sqlx::query_scalar!(
        r#"select distinct w.lane as "lane!" from delivery_queue w
           where w.state = 'waiting'
             and not exists (
                 select from delivery_queue e
                 where e.lane = w.lane and e.lane is not null and e.state <> 'waiting'
             )"#
    );
    within(db, SLOW_TIMEOUT, query.fetch_all(db)).await
}

/// Makes due what waits at the head of these lanes: its predecessor was finished at the very moment in
/// which it came in, or by another instance. Who waits may have the smaller id, where the clocks of two
/// instances differ, or one stepped back; so nobody else of the lane may be on the way.
///
/// # Errors
/// Also [`HEAD_KEY`](super::queue::HEAD_KEY), where a head came in at this moment: look again.
pub async fn promote(db: &PgPool, now: Timestamp, lanes: &[i64]) -> Result<u64, Error> {
    let query = sqlx::query!(
        "with heads as materialized (
             -- No `exists`: for that the planner may read all that wait.
             select case
                        when (select true from delivery_queue e where e.lane = l.lane and e.state <> 'waiting' limit 1)
                        then null
                        else (select w.id from delivery_queue w
                              where w.lane = l.lane and w.state = 'waiting' order by w.lane, w.id limit 1)
                    end as id
             from unnest($2::bigint[]) as l (lane)
         )
         update delivery_queue q set state = 'due', due_at = $1
         -- A plain condition, and the planner reads all that wait for it.
         from heads where q.id = heads.id and case when q.state = 'waiting' then true else false end",
        now,
        lanes
    );
    let done = within(db, SLOW_TIMEOUT, query.execute(db)).await?;
    Ok(done.rows_affected())
}
