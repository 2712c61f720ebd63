//! Where events come in. Requests that arrive together share one transaction; each is answered when
//! it is committed.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::Shared;
use super::counted::Counted;
use super::routing::Route;
use super::send::{self, Job};
use crate::model::event::Event;
use crate::model::{DeliveryId, EventId, Timestamp, WebhookId};
use crate::store::deliveries::intake::{self, NewDelivery, NewEvent};
use crate::store::{self, PgConnection, StickyConnection};

/// Most events in one transaction, beyond a single larger request.
const BATCH: usize = 1000;
/// Requests that wait for the transaction before theirs.
const WAITING: usize = 1024;
/// So many events in one transaction are a crowd: their senders wait for each other.
const CROWD: usize = 8;
/// Without a request for so long, the crowd is gone.
const LULL: Duration = Duration::from_millis(10);
/// A transaction that takes longer is given up, and its senders are told to come again.
const PATIENCE: Duration = Duration::from_secs(2);
/// A large one has so much more for each of its rows: far more than these take.
const PATIENCE_FOR_A_ROW: Duration = Duration::from_micros(200);

/// An event to accept.
#[derive(Debug)]
pub struct Submitted {
    /// The event.
    pub event: Event,
    /// The sender's idempotency key, if one was given.
    pub key: Option<String>,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// Its id; of a repeat, the id that the first one got.
    pub id: EventId,
    /// Whether it was seen before.
    pub duplicate: bool,
    /// To how many webhooks it goes.
    pub deliveries: usize,
}

/// Nothing was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IntakeError {
    /// The database is away: come again.
    #[error("the database is not available")]
    Unavailable,
    /// Gatepost is stopping: come again.
    #[error("the server is stopping")]
    Stopping,
}

type Reply = oneshot::Sender<Result<Vec<Accepted>, IntakeError>>;

struct Request {
    events: Vec<Arrived>,
    reply: Reply,
}

/// An event before its transaction. Senders do side by side what needs no turn: one transaction follows the other, and
/// what is done within holds up all.
#[derive(Debug)]
struct Arrived {
    event: Event,
    key: [u8; 32],
    /// Actor wants it.
    routes: Vec<Arc<Route>>,
}

/// Takes events in.
#[derive(Debug, Clone)]
pub struct Intake {
    shared: Arc<Shared>,
    requests: mpsc::Sender<Request>,
}

impl Intake {
    pub(super) fn start(shared: &Arc<Shared>) -> Self {
        let (sender, requests) = mpsc::channel(WAITING);
        shared.tracker.spawn(run(Arc::clone(shared), requests));
        Self { shared: Arc::clone(shared), requests: sender }
    }

    /// Stores events and their deliveries, all or none; returns when they are committed.
    ///
    /// # Errors
    /// Where they could not be: nothing of them is stored.
    pub async fn accept(&self, events: Vec<Submitted>) -> Result<Vec<Accepted>, IntakeError> {
        let (reply, answer) = oneshot::channel();
        let events = events.into_iter().map(|one| Arrived::new(&self.shared, one)).collect();
        let request = Request { events, reply };
        self.requests.send(request).await.map_err(|_closed| IntakeError::Stopping)?;
        answer.await.map_err(|_closed| IntakeError::Stopping)?
    }
}

async fn run(shared: Arc<Shared>, mut requests: mpsc::Receiver<Request>) {
    let mut connection = StickyConnection::default();
    loop {
        let first = tokio::select! {
            () = shared.stop.cancelled() => break,
            request = next(&shared, &mut requests) => request,
        };
        let Some(first) = first else { break };
        let mut count = first.events.len();
        let mut batch = vec![first];
        while count < BATCH
            && let Ok(next) = requests.try_recv()
        {
            count += next.events.len();
            batch.push(next);
        }
        shared.coming_in.store(count >= CROWD, Ordering::Relaxed);
        let committed = commit_batch(&shared, &mut connection, batch).await;
        if committed.is_err() {
            // Those that waited behind it have waited long enough.
            while let Ok(next) = requests.try_recv() {
                answer(next.reply, Err(IntakeError::Unavailable));
            }
        }
    }
    // What was not begun is refused: dropping its reply says so.
    requests.close();
}

/// The next request.
async fn next(shared: &Shared, requests: &mut mpsc::Receiver<Request>) -> Option<Request> {
    if shared.coming_in.load(Ordering::Relaxed) {
        if let Ok(request) = tokio::time::timeout(LULL, requests.recv()).await {
            return request;
        }
        shared.coming_in.store(false, Ordering::Relaxed);
    }
    requests.recv().await
}

/// Stores the requests' events and answers them; the error where the database is away.
async fn commit_batch(
    shared: &Arc<Shared>,
    connection: &mut StickyConnection,
    batch: Vec<Request>,
) -> Result<(), IntakeError> {
    let mut replies = Vec::with_capacity(batch.len());
    let mut plan = Plan::new(shared);
    for request in batch {
        replies.push((request.reply, request.events.len()));
        for arrived in request.events {
            plan.add(arrived);
        }
    }
    // Where the answer to a commit is lost, the senders come again, and their events are known. What was
    // leased to this instance unheard is not renewed, and taken over soon.
    let limit = plan.patience();
    let accepted = connection
        .within(&shared.deps.db, limit, async |db| plan.commit(shared, db).await)
        .await
        .map_err(|error| {
            tracing::warn!(error = error.chain(), "events could not be stored");
            // Perhaps they were, and the answer got lost.
            shared.lined_up.note_all();
            IntakeError::Unavailable
        });
    let outcome = accepted.as_ref().map(|_| ()).map_err(|error| *error);
    let mut accepted = accepted.map(Vec::into_iter);
    for (reply, count) in replies {
        answer(
            reply,
            match &mut accepted {
                Ok(all) => Ok(all.by_ref().take(count).collect()),
                Err(error) => Err(*error),
            },
        );
    }
    outcome
}

fn answer(reply: Reply, answer: Result<Vec<Accepted>, IntakeError>) {
    if reply.send(answer).is_err() {
        tracing::debug!("a sender left before its answer");
    }
}

/// One transaction's work. Events are told apart by key; within it, only the first of a key counts.
struct Plan<'a> {
    shared: &'a Arc<Shared>,
    now: Timestamp,
    events: Vec<Planned>,
    /// Where the first event of each key stands.
    keys: HashMap<[u8; 32], usize>,
    deliveries: Vec<NewDelivery>,
    lanes: HashSet<i64>,
    /// Room made for deliveries that are not queued yet: given up when the plan fails.
    reserved: Vec<WebhookId>,
}

struct Planned {
    id: EventId,
    key: [u8; 32],
    event: Arc<Counted>,
    deliveries: usize,
}

impl<'a> Plan<'a> {
    fn new(shared: &'a Arc<Shared>) -> Self {
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

    fn add(&mut self, arrived: Arrived) {
        let Arrived { event, key, routes } = arrived;
        let id = EventId::new(&self.shared.deps.sources);
        let event = self.shared.flight.keep(event);
        let mut deliveries = 0;
        if let Entry::Vacant(place) = self.keys.entry(key) {
            place.insert(self.events.len());
            self.route(id, &event, &routes);
            deliveries = routes.len();
        }
        self.events.push(Planned { id, key, event, deliveries });
    }

    /// A delivery for each webhook that wants the event. Where there is room, this instance takes it
    /// in hand at once.
    fn route(&mut self, event_id: EventId, event: &Event, routes: &[Arc<Route>]) {
        for route in routes {
            let lane = route.webhook.delivery_policy().ordered.then(|| lane_of(route.id, event));
            let behind = lane.is_some_and(|lane| !self.lanes.insert(lane));
            let leased = !behind
                && route.webhook.is_active()
                && !self.shared.breakers.is_open(route.id)
                && self.shared.flight.reserve(route.id);
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

    /// How long it may take.
    fn patience(&self) -> Duration {
        let rows = self.events.len() + self.deliveries.len();
        PATIENCE + PATIENCE_FOR_A_ROW * u32::try_from(rows).unwrap_or(u32::MAX)
    }

    async fn commit(
        mut self,
        shared: &Arc<Shared>,
        db: &mut PgConnection,
    ) -> Result<Vec<Accepted>, store::Error> {
        let mut new: Vec<NewEvent<'_>> = self
            .keys
            .values()
            .filter_map(|at| self.events.get(*at))
            .map(|one| NewEvent { id: one.id, event: &one.event, key: &one.key })
            .collect();
        // By their time, so that the primary key grows at its end.
        new.sort_by_key(|one| one.id);
        let taken = intake::take_in(db, &new, &self.deliveries, shared.lease, self.now).await?;
        let owners = if taken.events.len() == self.events.len() {
            HashMap::new()
        } else {
            let keys: Vec<&[u8]> = self.keys.keys().map(<[u8; 32]>::as_slice).collect();
            intake::owners(db, &keys).await?
        };
        let accepted = self.events.iter().map(|one| one.accepted(&owners)).collect();
        self.hand_over(shared, taken);
        Ok(accepted)
    }

    /// Queues what is leased; gives up the room of what is not. The last to have an event is a delivery of it.
    fn hand_over(&mut self, shared: &Arc<Shared>, taken: intake::Taken) {
        let leased: HashSet<Uuid> = taken.leased.iter().copied().collect();
        let stored: HashSet<Uuid> = taken.events.iter().copied().collect();
        let mut events: HashMap<EventId, Arc<Counted>> =
            self.events.drain(..).map(|one| (one.id, one.event)).collect();
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
                shared.flight.push(Job { id, webhook_id, attempt: 1, event });
            } else if delivery.leased {
                shared.flight.give_up(webhook_id);
            } else if !delivery.behind && stored.contains(&event_id.uuid()) {
                shared.note_backlog(std::iter::once(webhook_id));
            }
        }
        send::start(shared);
        shared.lined_up.note(taken.lined_up);
    }
}

impl Drop for Plan<'_> {
    fn drop(&mut self) {
        for webhook in self.reserved.drain(..) {
            self.shared.flight.give_up(webhook);
        }
    }
}

impl Planned {
    fn accepted(&self, owners: &HashMap<Vec<u8>, EventId>) -> Accepted {
        let owner = owners.get(self.key.as_slice()).copied().unwrap_or(self.id);
        let duplicate = owner != self.id;
        let deliveries = if duplicate { 0 } else { self.deliveries };
        Accepted { id: owner, duplicate, deliveries }
    }
}

impl Arrived {
    fn new(shared: &Shared, submitted: Submitted) -> Self {
        let key = key_of(&submitted);
        let routes = shared.routing.matching(&submitted.event);
        Self { event: submitted.event, key, routes }
    }
}

/// The sender's key, else what makes an event the same: type, request and time.
fn key_of(submitted: &Submitted) -> [u8; 32] {
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

/// What must arrive in order: one webhook's events of one access request.
pub fn lane_of(webhook: WebhookId, event: &Event) -> i64 {
    let mut hash = Sha256::new();
    hash.update(webhook.uuid().as_bytes());
    hash.update(event.request_id.as_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    digest.first_chunk::<8>().copied().map_or(0, i64::from_be_bytes)
}
