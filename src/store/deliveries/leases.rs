//! Leases of deliveries: renewed by their holder, handed back, or taken over once expired. These statements skip rows
//! locked by others, so that leases and completions never wait for each other.

use std::time::Duration;

use sqlx::postgres::types::PgInterval;
use uuid::Uuid;

use crate::model::Timestamp;
use crate::store::{Error, PgPool, QUICK_TIMEOUT, SLOW_TIMEOUT, within};

/// How long a claimed delivery belongs to its instance unless renewed. Deliveries of a killed instance are taken over
/// after this time.
pub const LEASE_DURATION: Duration = Duration::from_secs(8);

/// The unique index that ensures that a lane has at most one head.
pub const HEAD_KEY: &str = "delivery_queue_head";

pub(super) fn interval(duration: Duration) -> PgInterval {
    let microseconds = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    PgInterval { months: 0, days: 0, microseconds }
}

/// Renews the leases of these deliveries, except those claimed or renewed a moment ago. Returns the number of renewed
/// leases. The deliveries are listed one by one, because a lease must expire on deliveries that the instance does not
/// know it holds: those of a commit whose confirmation was lost.
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
        interval(LEASE_DURATION),
        held
    );
    let done = within(db, QUICK_TIMEOUT, query.execute(db)).await?;
    Ok(done.rows_affected())
}

/// Hands back all deliveries of a lease. Their current attempt does not count. Returns their number.
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

/// A lease as last renewed by its holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LeaseTerm {
    /// The holder's lease id.
    pub lease: Uuid,
    /// The expiry, by the holder's clock.
    pub until: Timestamp,
}

/// Returns leases that may not have been renewed recently: those that expire before `soon`, and those that expire after
/// `late`, which is later than any renewal and happens if the clock was set back.
pub async fn suspects(
    db: &PgPool,
    soon: Timestamp,
    late: Timestamp,
) -> Result<Vec<LeaseTerm>, Error> {
    let query = sqlx::query!(
        r#"select lease as "lease!", leased_until as "until!" from delivery_queue
           where state = 'leased' and leased_until < $1
           union
           select lease, leased_until from delivery_queue where state = 'leased' and leased_until > $2"#,
        soon,
        late
    );
    let rows = within(db, QUICK_TIMEOUT, query.fetch_all(db)).await?;
    Ok(rows.into_iter().map(|row| LeaseTerm { lease: row.lease, until: row.until }).collect())
}

/// Makes deliveries due whose lease is still the given one: their holder was killed or cut off. Returns their number.
pub async fn reap(db: &PgPool, now: Timestamp, lost: &[LeaseTerm]) -> Result<u64, Error> {
    let leases: Vec<Uuid> = lost.iter().map(|term| term.lease).collect();
    let untils: Vec<Timestamp> = lost.iter().map(|term| term.until).collect();
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

/// Returns the lanes with waiting deliveries but no head. Reads all waiting deliveries.
pub async fn list_headless_lanes(db: &PgPool) -> Result<Vec<i64>, Error> {
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

/// Makes the first waiting delivery due in each of these lanes that has no head. That happens if the predecessor was
/// finished while this delivery was being inserted, or by another instance. Returns the number of promoted deliveries.
///
/// A waiting delivery can have a smaller id than the head, if the clocks of two instances differ or a clock was set
/// back. A lane is therefore skipped if it has any delivery that is not waiting.
///
/// # Errors
/// A conflict with [`HEAD_KEY`] if a head was inserted at the same time. Try again.
pub async fn promote(db: &PgPool, now: Timestamp, lanes: &[i64]) -> Result<u64, Error> {
    let query = sqlx::query!(
        "with heads as materialized (
             -- Not `exists`, for which the planner may read all waiting rows.
             select case
                        when (select true from delivery_queue e where e.lane = l.lane and e.state <> 'waiting' limit 1)
                        then null
                        else (select w.id from delivery_queue w
                              where w.lane = l.lane and w.state = 'waiting' order by w.lane, w.id limit 1)
                    end as id
             from unnest($2::bigint[]) as l (lane)
         )
         update delivery_queue q set state = 'due', due_at = $1
         -- With a plain condition instead of `case`, the planner reads all waiting rows.
         from heads where q.id = heads.id and case when q.state = 'waiting' then true else false end",
        now,
        lanes
    );
    let done = within(db, SLOW_TIMEOUT, query.execute(db)).await?;
    Ok(done.rows_affected())
}
