//! Queues stored events for one webhook, a part at a time: the events of a replay do not fill the queue before new events.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::planner::lane_of;
use super::router::Route;
use super::shared::Shared;
use crate::model::event::Event;
use crate::model::{DeliveryId, EventId, Timestamp};
use crate::store::deliveries::by_event;
use crate::store::deliveries::manual::{self, ReplayedDelivery};
use crate::store::replays::{self, Progress, Replay};
use crate::store::{self, Error, PgConnection, SLOW_TIMEOUT, notify, within};

/// Maximum time between two parts.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Number of events to read at once. Each may have 1 MiB.
const PART_EVENTS: i64 = 200;
/// Number of due deliveries of the webhook from which on no more are queued.
const MAX_DUE: i64 = 1_000;

/// Whether there is more to do at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// A part was queued.
    Queued,
    /// There is nothing to do at the moment.
    Idle,
}

/// Queues parts until stopped.
pub(super) async fn run(shared: Arc<Shared>) {
    while !shared.stop.is_cancelled() {
        let step = within(&shared.deps.background, SLOW_TIMEOUT, queue_parts(&shared)).await;
        let step = step.unwrap_or_else(|error: Error| {
            tracing::warn!(error = error.chain(), "could not queue events of a replay; retrying");
            Step::Idle
        });
        if step == Step::Queued {
            continue;
        }
        let woken = tokio::time::timeout(POLL_INTERVAL, shared.wake_replay.notified());
        tokio::select! {
            () = shared.stop.cancelled() => {}
            _ = woken => {}
        }
    }
}

/// Queues one part of each replay.
async fn queue_parts(shared: &Shared) -> Result<Step, Error> {
    let mut step = Step::Idle;
    let mut last = Uuid::nil();
    loop {
        let mut tx = store::begin(&shared.deps.background).await?;
        let Some(replay) = replays::lock_next(&mut tx, last).await? else { return Ok(step) };
        last = replay.id;
        if queue_part(shared, &mut tx, &replay).await? == Step::Queued {
            step = Step::Queued;
        }
        tx.commit().await?;
    }
}

/// Queues the next part of a locked replay.
async fn queue_part(
    shared: &Shared,
    db: &mut PgConnection,
    replay: &Replay,
) -> Result<Step, Error> {
    let now = shared.deps.sources.now();
    let range = &replay.range;
    let route = shared.router.find(range.webhook);
    let Some(route) = route.filter(|route| route.webhook().is_active()) else {
        // Continues when the webhook is activated. If it is deleted, its replays are deleted with it.
        return Ok(Step::Idle);
    };
    if replays::has_due(db, range.webhook, MAX_DUE).await? {
        return Ok(Step::Idle);
    }
    let events = replays::list_events(db, range, replay.last_event, PART_EVENTS).await?;
    let Some((last_event, _)) = events.last() else {
        replays::finish(db, replay.id, now, false).await?;
        tracing::info!(replay.id = %replay.id, queued = replay.queued, "queued all events of a replay");
        return Ok(Step::Idle);
    };
    let read = i64::try_from(events.len()).unwrap_or(i64::MAX);
    let ids: Vec<Uuid> = events.iter().map(|(id, _)| id.uuid()).collect();
    let reached = if range.repeats {
        HashSet::new()
    } else {
        by_event::list_reached(db, range.webhook, &ids).await?
    };
    let mut progress = Progress { last_event: *last_event, read, queued: 0 };
    let new = select(shared, &route, replay, events, &reached);
    progress.queued = i64::try_from(new.len()).unwrap_or(i64::MAX);
    let author: (&str, Timestamp) = (&replay.who, now);
    manual::insert_replayed(db, replay.id, range.webhook, &new, author).await?;
    replays::advance(db, replay.id, progress).await?;
    notify::notify_deliveries(db).await?;
    Ok(Step::Queued)
}

/// Returns deliveries of those events that the replay sends.
fn select(
    shared: &Shared,
    route: &Route,
    replay: &Replay,
    events: Vec<(EventId, String)>,
    reached: &HashSet<EventId>,
) -> Vec<ReplayedDelivery> {
    let webhook = route.webhook();
    let delivery = |(event_id, payload): (EventId, String)| {
        if reached.contains(&event_id) {
            return None;
        }
        let event = Event::parse(&payload).ok()?;
        let is_wanted = replay.range.ignores_filters || webhook.matches(&event, &route.projection);
        is_wanted.then(|| ReplayedDelivery {
            id: DeliveryId::new(&shared.deps.sources),
            event_id,
            lane: webhook.delivery_policy().ordered.then(|| lane_of(route.id, &event)),
        })
    };
    events.into_iter().filter_map(delivery).collect()
}
