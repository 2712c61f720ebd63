//! Where events come in. Requests that arrive together share one transaction; each is answered when
//! it is committed.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, oneshot};

use super::Shared;
use super::lanes::Slot;
use super::send::{self, Job};
use crate::model::event::Event;
use crate::model::{DeliveryId, EventId, Timestamp};
use crate::store::deliveries::queue::{self, NewDelivery};
use crate::store::{self, events, notify};

/// Most events in one transaction, beyond a single larger request.
const BATCH: usize = 1000;
/// Requests that wait for the transaction before theirs.
const WAITING: usize = 1024;
/// A transaction that takes longer is given up: the sender is told to come again.
const PATIENCE: Duration = Duration::from_secs(5);

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

struct Request {
    events: Vec<Submitted>,
    reply: oneshot::Sender<Result<Vec<Accepted>, IntakeError>>,
}

/// Takes events in.
#[derive(Debug, Clone)]
pub struct Intake(mpsc::Sender<Request>);

impl Intake {
    pub(super) fn start(shared: &Arc<Shared>) -> Self {
        let (sender, requests) = mpsc::channel(WAITING);
        shared.tracker.spawn(run(Arc::clone(shared), requests));
        Self(sender)
    }

    /// Stores events and their deliveries, all or none; returns when they are committed.
    ///
    /// # Errors
    /// Where they could not be: nothing of them is stored.
    pub async fn accept(&self, events: Vec<Submitted>) -> Result<Vec<Accepted>, IntakeError> {
        let (reply, answer) = oneshot::channel();
        let request = Request { events, reply };
        self.0.send(request).await.map_err(|_closed| IntakeError::Stopping)?;
        answer.await.map_err(|_closed| IntakeError::Stopping)?
    }
}

async fn run(shared: Arc<Shared>, mut requests: mpsc::Receiver<Request>) {
    loop {
        let first = tokio::select! {
            () = shared.stop.cancelled() => break,
            request = requests.recv() => request,
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
        commit_batch(&shared, batch).await;
    }
    // What was not begun is refused: dropping its reply says so.
    requests.close();
}

async fn commit_batch(shared: &Arc<Shared>, batch: Vec<Request>) {
    let mut replies = Vec::new();
    let mut events = Vec::new();
    for request in batch {
        replies.push((request.reply, request.events.len()));
        events.extend(request.events);
    }
    let plan = Plan::new(shared, &events);
    let result = tokio::time::timeout(PATIENCE, plan.commit(shared)).await;
    let accepted = match result {
        Ok(Ok(accepted)) => Ok(accepted),
        Ok(Err(error)) => {
            tracing::warn!(error = error.chain(), "events could not be stored");
            Err(IntakeError::Unavailable)
        }
        Err(tokio::time::error::Elapsed { .. }) => {
            tracing::warn!("events could not be stored in time");
            Err(IntakeError::Unavailable)
        }
    };
    let mut accepted = accepted.map(Vec::into_iter);
    for (reply, count) in replies {
        let answer = match &mut accepted {
            Ok(all) => Ok(all.by_ref().take(count).collect()),
            Err(error) => Err(*error),
        };
        if reply.send(answer).is_err() {
            tracing::debug!("a sender left before its answer; its events are stored");
        }
    }
}

/// One transaction's work. Events are told apart by key; within it, only the first of a key counts.
struct Plan<'a> {
    now: Timestamp,
    /// Each event with its key.
    events: Vec<(EventId, &'a Submitted, Vec<u8>)>,
    /// Each key once, in order, with its first event.
    keys: Vec<(Vec<u8>, EventId)>,
}

impl<'a> Plan<'a> {
    fn new(shared: &Shared, submitted: &'a [Submitted]) -> Self {
        let sources = &shared.deps.sources;
        let mut first: HashMap<Vec<u8>, EventId> = HashMap::new();
        let mut events = Vec::with_capacity(submitted.len());
        for one in submitted {
            let id = EventId::new(sources);
            let key = key_of(one);
            if let Entry::Vacant(place) = first.entry(key.clone()) {
                place.insert(id);
            }
            events.push((id, one, key));
        }
        let mut keys: Vec<_> = first.into_iter().collect();
        keys.sort();
        Self { now: sources.now(), events, keys }
    }

    async fn commit(&self, shared: &Arc<Shared>) -> Result<Vec<Accepted>, store::Error> {
        let mut tx = shared.deps.db.begin().await?;
        let (keys, ids): (Vec<_>, Vec<_>) =
            self.keys.iter().map(|(key, id)| (key.clone(), id.uuid())).unzip();
        let owners = events::claim_keys(&mut tx, &keys, &ids, self.now).await?;
        let is_new = |id: EventId, key: &[u8]| owners.get(key) == Some(&id);
        let new: Vec<(EventId, &Event)> = self
            .events
            .iter()
            .filter(|(id, _, key)| is_new(*id, key))
            .map(|(id, one, _)| (*id, &one.event))
            .collect();
        events::insert(&mut tx, &new, self.now).await?;
        let mut jobs = Vec::new();
        let deliveries = route(shared, &new, &mut jobs);
        if !deliveries.is_empty() {
            queue::insert(&mut tx, &deliveries, shared.lease, self.now).await?;
        }
        let some_wait = deliveries.iter().any(|delivery| !delivery.leased);
        if some_wait {
            notify::tell(&mut tx, notify::DELIVERIES).await?;
        }
        tx.commit().await?;
        for job in jobs {
            send::spawn(shared, job);
        }
        if some_wait {
            shared.wake.notify_one();
        }
        let mut counts: HashMap<EventId, usize> = HashMap::new();
        for delivery in &deliveries {
            *counts.entry(delivery.event_id).or_default() += 1;
        }
        Ok(self
            .events
            .iter()
            .map(|(id, _, key)| {
                let owner = owners.get(key).copied().unwrap_or(*id);
                let duplicate = owner != *id;
                let deliveries =
                    if duplicate { 0 } else { counts.get(id).copied().unwrap_or_default() };
                Accepted { id: owner, duplicate, deliveries }
            })
            .collect())
    }
}

/// A delivery for each webhook that wants an event. Where there is a slot free, this instance takes
/// it in hand at once.
fn route(shared: &Arc<Shared>, new: &[(EventId, &Event)], jobs: &mut Vec<Job>) -> Vec<NewDelivery> {
    let mut deliveries = Vec::new();
    for (event_id, event) in new {
        let payload = Arc::new(event.payload.clone());
        for webhook_id in shared.routing.matching(event) {
            let id = DeliveryId::new(&shared.deps.sources);
            let slot: Option<Slot> = shared.lanes.take(webhook_id);
            deliveries.push(NewDelivery {
                id,
                event_id: *event_id,
                webhook_id,
                leased: slot.is_some(),
            });
            if let Some(slot) = slot {
                jobs.push(Job {
                    id,
                    webhook_id,
                    attempt: 1,
                    trigger: event.trigger,
                    raw: event.raw.clone(),
                    payload: Arc::clone(&payload),
                    slot,
                });
            }
        }
    }
    deliveries
}

/// The sender's key, else what makes an event the same: type, request and time.
fn key_of(submitted: &Submitted) -> Vec<u8> {
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
    hash.finalize().to_vec()
}
