//! Plans the deliveries of a batch of events, and commits them in one transaction.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::dispatch_queue::Job;
use super::event_budget::TrackedEvent;
use super::router::{Route, Router};
use super::shared::Shared;
use super::worker;
use crate::model::event::Event;
use crate::model::{DeliveryId, EventId, Timestamp, WebhookId};
use crate::store::deliveries::intake::{self, NewDelivery, NewEvent};
use crate::store::{Error, PgConnection};

/// Minimum timeout of a transaction. After it, the senders get an error and retry.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(2);
/// Additional timeout for each row: far more than a row takes.
const COMMIT_TIMEOUT_PER_ROW: Duration = Duration::from_micros(200);

/// An event to accept.
#[derive(Debug)]
pub struct SubmittedEvent {
    /// The event.
    pub event: Event,
    /// The sender's idempotency key, if given.
    pub key: Option<String>,
    /// Whether it is a sample, which is stored with the trigger `Manual`.
    pub is_sample: bool,
}

/// An accepted event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AcceptedEvent {
    /// The event's id. For a duplicate, the id of the first event.
    pub id: EventId,
    /// Whether the event is a duplicate.
    pub duplicate: bool,
    /// Number of webhooks that the event goes to.
    pub deliveries: usize,
}

/// An event with its deduplication key and the webhooks that match it.
#[derive(Debug)]
pub(super) struct PlannedEvent {
    event: Event,
    key: [u8; 32],
    routes: Vec<Arc<Route>>,
}

impl PlannedEvent {
    pub(super) fn new(router: &Router, submitted: SubmittedEvent) -> Self {
        let key = deduplication_key(&submitted);
        let matching = router.matching(&submitted.event);
        let SubmittedEvent { event, is_sample, .. } = submitted;
        let event = if is_sample { event.as_manual() } else { event };
        Self { event, key, routes: matching }
    }
}

/// The rows of one transaction. Of events with the same key, only the first is stored.
pub(super) struct Planner<'a> {
    shared: &'a Arc<Shared>,
    now: Timestamp,
    events: Vec<PlannedRow>,
    /// The index of the first event of each key.
    keys: HashMap<[u8; 32], usize>,
    deliveries: Vec<NewDelivery>,
    lanes: HashSet<i64>,
    /// Reservations in the dispatch queue for deliveries that are not pushed yet. Cancelled if the commit fails.
    reserved: Vec<WebhookId>,
}

struct PlannedRow {
    id: EventId,
    key: [u8; 32],
    event: Arc<TrackedEvent>,
    deliveries: usize,
}

impl<'a> Planner<'a> {
    pub(super) fn new(shared: &'a Arc<Shared>) -> Self {
        Self {
            shared,
            now: shared.deps.sources.now(),
            events: Vec::new(),
            keys: HashMap::new(),
            deliveries: Vec::new(),
            lanes: HashSet::new(),
            reserved: Vec::new(),
        }
    }

    /// Adds an event and plans its deliveries.
    pub(super) fn add(&mut self, planned: PlannedEvent) {
        let PlannedEvent { event, key, routes } = planned;
        let id = EventId::new(&self.shared.deps.sources);
        let event = self.shared.queue.track(event);
        let mut deliveries = 0;
        if let Entry::Vacant(entry) = self.keys.entry(key) {
            entry.insert(self.events.len());
            self.plan_deliveries(id, &event, &routes);
            deliveries = routes.len();
        }
        self.events.push(PlannedRow { id, key, event, deliveries });
    }

    /// Plans a delivery to each webhook. Deliveries are leased to this instance while it has capacity.
    fn plan_deliveries(&mut self, event_id: EventId, event: &Event, routes: &[Arc<Route>]) {
        for route in routes {
            let lane = route.webhook().delivery_policy().ordered.then(|| lane_of(route.id, event));
            let behind = lane.is_some_and(|lane| !self.lanes.insert(lane));
            let leased = !behind
                && route.webhook().is_active()
                && !self.shared.breakers.is_open(route.id)
                && self.shared.queue.reserve(route.id);
            if leased {
                self.reserved.push(route.id);
            }
            self.deliveries.push(NewDelivery {
                id: DeliveryId::new(&self.shared.deps.sources),
                event_id,
                webhook_id: route.id,
                lane,
                leased,
                behind,
            });
        }
    }

    /// Returns the timeout of the transaction.
    pub(super) fn commit_timeout(&self) -> Duration {
        let rows = self.events.len() + self.deliveries.len();
        COMMIT_TIMEOUT + COMMIT_TIMEOUT_PER_ROW * u32::try_from(rows).unwrap_or(u32::MAX)
    }

    /// Commits all rows, and passes the leased deliveries to the dispatch queue.
    pub(super) async fn commit(
        mut self,
        db: &mut PgConnection,
    ) -> Result<Vec<AcceptedEvent>, Error> {
        let mut new: Vec<NewEvent<'_>> = self
            .keys
            .values()
            .filter_map(|at| self.events.get(*at))
            .map(|row| NewEvent { id: row.id, event: &row.event, key: &row.key })
            .collect();
        // In the order of the primary key, so that its index grows at the end.
        new.sort_by_key(|event| event.id);
        let lease_id = self.shared.lease_id;
        let stored = intake::store_events(db, &new, &self.deliveries, lease_id, self.now).await?;
        let owners = if stored.events.len() == self.events.len() {
            HashMap::new()
        } else {
            let keys: Vec<&[u8]> = self.keys.keys().map(<[u8; 32]>::as_slice).collect();
            intake::find_key_owners(db, &keys).await?
        };
        let accepted = self.events.iter().map(|row| row.accepted(&owners)).collect();
        self.enqueue(stored);
        Ok(accepted)
    }

    /// Pushes leased deliveries to the dispatch queue and cancels the reservations of the others. Each event is moved
    /// into its last delivery.
    fn enqueue(&mut self, stored: intake::Stored) {
        let shared = self.shared;
        if !stored.events.is_empty() {
            shared.live.record(self.deliveries.iter().map(|delivery| delivery.webhook_id));
        }
        let leased: HashSet<Uuid> = stored.leased.iter().copied().collect();
        let new_events: HashSet<Uuid> = stored.events.iter().copied().collect();
        let mut events: HashMap<EventId, Arc<TrackedEvent>> =
            self.events.drain(..).map(|row| (row.id, row.event)).collect();
        let mut deliveries = self.deliveries.iter().peekable();
        self.reserved.clear();
        while let Some(delivery) = deliveries.next() {
            let NewDelivery { id, event_id, webhook_id, .. } = *delivery;
            let is_last = deliveries.peek().is_none_or(|next| next.event_id != event_id);
            let event =
                if is_last { events.remove(&event_id) } else { events.get(&event_id).cloned() };
            if leased.contains(&id.uuid())
                && let Some(event) = event
            {
                shared.queue.push(Job { id, webhook_id, attempt: 1, event_id, event });
            } else if delivery.leased {
                shared.queue.cancel_reservation(webhook_id);
            } else if !delivery.behind && new_events.contains(&event_id.uuid()) {
                shared.note_backlog(std::iter::once(webhook_id));
            }
        }
        worker::start(shared);
        shared.lane_rechecks.schedule(stored.waiting_lanes);
    }
}

impl Drop for Planner<'_> {
    fn drop(&mut self) {
        for webhook in self.reserved.drain(..) {
            self.shared.queue.cancel_reservation(webhook);
        }
    }
}

impl PlannedRow {
    fn accepted(&self, owners: &HashMap<Vec<u8>, EventId>) -> AcceptedEvent {
        let owner = owners.get(self.key.as_slice()).copied().unwrap_or(self.id);
        let duplicate = owner != self.id;
        let deliveries = if duplicate { 0 } else { self.deliveries };
        AcceptedEvent { id: owner, duplicate, deliveries }
    }
}

/// Returns the hash of the sender's key, or else of event type, access request and time, which identify an event.
fn deduplication_key(submitted: &SubmittedEvent) -> [u8; 32] {
    let mut hash = Sha256::new();
    if let Some(key) = &submitted.key {
        hash.update(b"key\0");
        hash.update(key.as_bytes());
    } else {
        let Event { event_type, request_id, event_time, .. } = &submitted.event;
        for part in ["event", event_type, request_id, event_time] {
            hash.update(part.as_bytes());
            hash.update(b"\0");
        }
    }
    hash.finalize().into()
}

/// Returns the ordering lane of an event: a hash of the webhook and the access request.
pub fn lane_of(webhook: WebhookId, event: &Event) -> i64 {
    let mut hash = Sha256::new();
    hash.update(webhook.uuid().as_bytes());
    hash.update(event.request_id.as_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    digest.first_chunk::<8>().copied().map_or(0, i64::from_be_bytes)
}
