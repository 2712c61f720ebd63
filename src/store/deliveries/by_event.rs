//! The deliveries of events. There is no index on the event of a delivery, because it would slow down every delivery:
//! see [`CREATION_WINDOW_MS`].

use std::collections::{BTreeMap, HashMap, HashSet};

use uuid::Uuid;

use crate::model::delivery::DeliveryState;
use crate::model::{DeliveryId, EventId, WebhookId};
use crate::store::{Error, PgConnection, PgPool};

/// The ids of an event's automatic deliveries follow its own id within this time, in milliseconds: they are created in
/// the same loop, which takes microseconds, and before the event is stored. So a range of the primary key finds them.
/// Manual deliveries are listed by event in `manual_deliveries`.
const CREATION_WINDOW_MS: u128 = 1_000;

/// A delivery of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventDelivery {
    /// The delivery's id.
    pub id: DeliveryId,
    /// The webhook.
    pub webhook_id: WebhookId,
    /// The state.
    pub state: DeliveryState,
    /// The number of attempts.
    pub attempts: i32,
    /// Who sent it manually. `None` for an automatic delivery.
    pub sender: Option<String>,
}

/// Number of an event's deliveries by their result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EventResult {
    /// Delivered successfully.
    pub delivered: i64,
    /// The last attempt failed.
    pub failed: i64,
    /// Cancelled, because the webhook was deleted.
    pub cancelled: i64,
    /// Everything else.
    pub unfinished: i64,
}

impl EventResult {
    /// Counts deliveries.
    pub fn count<'a>(deliveries: impl IntoIterator<Item = &'a EventDelivery>) -> Self {
        let mut result = Self::default();
        for delivery in deliveries {
            *match delivery.state {
                DeliveryState::Delivered => &mut result.delivered,
                DeliveryState::Failed => &mut result.failed,
                DeliveryState::Cancelled => &mut result.cancelled,
                DeliveryState::Due
                | DeliveryState::Waiting
                | DeliveryState::Leased
                | DeliveryState::Held => &mut result.unfinished,
            } += 1;
        }
        result
    }

    /// Whether there are no deliveries.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Ranges of ids, ascending and without overlap, that contain the automatic deliveries of some events.
#[derive(Debug, Default, PartialEq, Eq)]
struct Windows {
    from: Vec<Uuid>,
    until: Vec<Uuid>,
}

impl Windows {
    fn new(events: &[Uuid]) -> Self {
        let mut sorted = events.to_vec();
        sorted.sort_unstable();
        let mut windows = Self::default();
        for id in sorted {
            let until = Uuid::from_u128(id.as_u128().saturating_add(CREATION_WINDOW_MS << 80));
            match windows.until.last_mut() {
                Some(last) if *last >= id => *last = until,
                _ => {
                    windows.from.push(id);
                    windows.until.push(until);
                }
            }
        }
        windows
    }
}

struct Row {
    id: Uuid,
    webhook_id: Uuid,
    state: String,
    attempts: i32,
    sender: Option<String>,
}

impl TryFrom<Row> for EventDelivery {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let state = DeliveryState::from_name(&row.state).ok_or_else(|| Error::Corrupt {
            table: "deliveries",
            detail: format!("state {}", row.state),
        })?;
        let Row { attempts, sender, .. } = row;
        let (id, webhook_id) = (row.id.into(), row.webhook_id.into());
        Ok(Self { id, webhook_id, state, attempts, sender })
    }
}

/// Returns the deliveries of an event, oldest first.
pub async fn list(db: &PgPool, event: EventId) -> Result<Vec<EventDelivery>, Error> {
    let windows = Windows::new(&[event.uuid()]);
    let automatic = sqlx::query_as!(
        Row,
        r#"select d.id as "id!", d.webhook_id as "webhook_id!", d.state as "state!", d.attempts as "attempts!",
                  null as sender
           from unnest($1::uuid[], $2::uuid[]) as range (first, until)
           cross join lateral (
               select q.id, q.webhook_id, q.state, q.attempts from delivery_queue q
               where q.id >= range.first and q.id < range.until and q.event_id = $3
               union all
               select h.id, h.webhook_id, h.state, h.attempts from delivery_history h
               where h.id >= range.first and h.id < range.until and h.event_id = $3
           ) d"#,
        &windows.from,
        &windows.until,
        event.uuid()
    )
    .fetch_all(db)
    .await?;
    let manual = sqlx::query_as!(
        Row,
        r#"select d.id as "id!", d.webhook_id as "webhook_id!", d.state as "state!", d.attempts as "attempts!",
                  m.who as sender
           from manual_deliveries m
           cross join lateral (
               select q.id, q.webhook_id, q.state, q.attempts from delivery_queue q where q.id = m.delivery_id
               union all
               select h.id, h.webhook_id, h.state, h.attempts from delivery_history h where h.id = m.delivery_id
           ) d
           where m.event_id = $1"#,
        event.uuid()
    )
    .fetch_all(db)
    .await?;
    // A manual delivery that was created soon after the event is in both. So is one that was finished in between, with
    // its newer state last.
    let mut all = BTreeMap::new();
    for row in automatic.into_iter().chain(manual) {
        all.insert(row.id, EventDelivery::try_from(row)?);
    }
    Ok(all.into_values().collect())
}

/// Returns the results of events. Those without deliveries are missing.
pub async fn count(
    db: &mut PgConnection,
    events: &[Uuid],
) -> Result<HashMap<EventId, EventResult>, Error> {
    let windows = Windows::new(events);
    let rows = sqlx::query!(
        r#"select d.event_id as "event_id!",
                  count(*) filter (where d.state = 'delivered') as "delivered!",
                  count(*) filter (where d.state = 'failed') as "failed!",
                  count(*) filter (where d.state = 'cancelled') as "cancelled!",
                  count(*) filter (where d.state not in ('delivered', 'failed', 'cancelled')) as "unfinished!"
           from (
               -- A delivery that is in two parts is counted once.
               select a.id, a.event_id, a.state
               from unnest($1::uuid[], $2::uuid[]) as range (first, until)
               cross join lateral (
                   select q.id, q.event_id, q.state from delivery_queue q
                   where q.id >= range.first and q.id < range.until
                   union all
                   select h.id, h.event_id, h.state from delivery_history h
                   where h.id >= range.first and h.id < range.until
               ) a
               union
               select b.id, b.event_id, b.state
               from manual_deliveries m
               cross join lateral (
                   select q.id, q.event_id, q.state from delivery_queue q where q.id = m.delivery_id
                   union all
                   select h.id, h.event_id, h.state from delivery_history h where h.id = m.delivery_id
               ) b
               where m.event_id = any($3)
           ) d
           join unnest($3::uuid[]) as e (id) on e.id = d.event_id
           group by 1"#,
        &windows.from,
        &windows.until,
        events
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let result = EventResult {
                delivered: row.delivered,
                failed: row.failed,
                cancelled: row.cancelled,
                unfinished: row.unfinished,
            };
            (row.event_id.into(), result)
        })
        .collect())
}

/// Returns those of some events that were delivered to a webhook, or whose delivery to it is not finished.
pub async fn list_reached(
    db: &mut PgConnection,
    webhook: WebhookId,
    events: &[Uuid],
) -> Result<HashSet<EventId>, Error> {
    let windows = Windows::new(events);
    let ids = sqlx::query_scalar!(
        r#"select a.event_id as "event_id!"
           from unnest($1::uuid[], $2::uuid[]) as range (first, until)
           cross join lateral (
               select q.event_id from delivery_queue q
               where q.id >= range.first and q.id < range.until and q.webhook_id = $4
               union all
               select h.event_id from delivery_history h
               where h.id >= range.first and h.id < range.until and h.webhook_id = $4 and h.state = 'delivered'
           ) a
           union
           select m.event_id as "event_id!"
           from manual_deliveries m
           cross join lateral (
               select q.id from delivery_queue q where q.id = m.delivery_id and q.webhook_id = $4
               union all
               select h.id from delivery_history h
               where h.id = m.delivery_id and h.webhook_id = $4 and h.state = 'delivered'
           ) b
           where m.event_id = any($3)"#,
        &windows.from,
        &windows.until,
        events,
        webhook.uuid()
    )
    .fetch_all(db)
    .await?;
    Ok(ids.into_iter().map(EventId::from).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn windows_cover_every_event_and_do_not_overlap(
            millis in proptest::collection::vec(0..20_000_u128, 0..20),
        ) {
            let events: Vec<Uuid> = millis.iter().map(|at| Uuid::from_u128(at << 80 | 7)).collect();
            let Windows { from, until } = Windows::new(&events);
            for event in &events {
                let end = Uuid::from_u128(event.as_u128() + (CREATION_WINDOW_MS << 80));
                let covers = |(first, last): (&Uuid, &Uuid)| first <= event && end <= *last;
                prop_assert!(from.iter().zip(&until).any(covers));
            }
            prop_assert!(from.iter().skip(1).zip(&until).all(|(next, end)| next > end));
        }
    }
}
