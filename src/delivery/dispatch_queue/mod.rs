//! The deliveries that this instance holds: queued in memory, in flight, or waiting for their result to be recorded.
//!
//! Each webhook has its own queue and its own limit of attempts in flight, so that a slow target neither delays other
//! webhooks nor fills the memory. A webhook may use at most half of the free capacity, and little more than it has sent
//! recently. Each webhook may always hold one delivery.
//!
//! Events take memory, which the deliveries of one event share. Deliveries take lease renewals. Both are limited,
//! independently of each other.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use uuid::Uuid;

use super::event_budget::{EventBudget, TrackedEvent};
use crate::model::event::Event;
use crate::model::{DeliveryId, EventId, WebhookId};

/// Maximum number of events held in memory, of typically 2 KiB each. A single webhook can use half of it. Deliveries
/// beyond that are claimed from the database later, which costs about as much again as the delivery itself. Also the
/// minimum capacity for deliveries, regardless of throughput.
const MAX_EVENTS: usize = 8192;
/// Minimum queue capacity per webhook, regardless of its throughput. Every queued delivery costs a lease renewal.
const MIN_QUEUE_CAPACITY: usize = 512;
/// Maximum number of deliveries that a webhook may hold after a claim. A backlog must not take the capacity that new
/// events need.
const MAX_CLAIMED: usize = 1024;
/// Maximum number of attempts in flight, over all webhooks.
const MAX_IN_FLIGHT: usize = 256;

/// A delivery to attempt.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) id: DeliveryId,
    pub(super) webhook_id: WebhookId,
    /// The number of the attempt, from 1.
    pub(super) attempt: i32,
    pub(super) event_id: EventId,
    pub(super) event: Arc<TrackedEvent>,
}

/// Queues deliveries per webhook and counts those that this instance holds.
#[derive(Debug, Default)]
pub(super) struct DispatchQueue {
    state: Mutex<State>,
    budget: EventBudget,
}

#[derive(Debug, Default)]
struct State {
    webhooks: HashMap<WebhookId, WebhookQueue>,
    /// Webhooks with a queued job, in round-robin order.
    ready: VecDeque<WebhookId>,
    in_flight: usize,
    /// Deliveries that are reserved, queued, in flight, or being recorded.
    reserved: usize,
    released: RecentCount,
    /// How often each delivery is held. A retry can start before the result of the previous attempt is released.
    ids: HashMap<DeliveryId, u32>,
}

#[derive(Debug, Default)]
struct WebhookQueue {
    jobs: VecDeque<Job>,
    in_flight: usize,
    reserved: usize,
    is_ready: bool,
    released: RecentCount,
}

/// How much of the capacity is used.
#[derive(Debug, Clone, Copy)]
pub(super) struct QueueUsage {
    pub(super) in_flight: usize,
    pub(super) max_in_flight: usize,
    pub(super) deliveries: usize,
    pub(super) events: usize,
    pub(super) max_events: usize,
}

/// A count over the current and the previous period.
#[derive(Debug, Default)]
struct RecentCount([usize; 2]);

impl RecentCount {
    fn sum(&self) -> usize {
        self.0.iter().sum()
    }

    fn end_period(&mut self) {
        self.0 = [0, self.0[0]];
    }
}

impl WebhookQueue {
    /// Maximum number of deliveries to hold: about as many as it sends in one or two periods.
    fn capacity(&self) -> usize {
        MIN_QUEUE_CAPACITY + self.released.sum()
    }
}

/// Returns how much of a shared resource one webhook may use if this much is free.
fn share(free: usize) -> usize {
    free.max(1)
}

impl DispatchQueue {
    /// Counts an event until its last delivery is released.
    pub(super) fn track(&self, event: Event) -> Arc<TrackedEvent> {
        self.budget.track(event)
    }

    /// Returns the number of further deliveries that can be held.
    fn free(&self, state: &State) -> usize {
        let events = MAX_EVENTS.saturating_sub(self.budget.used());
        events.min((MAX_EVENTS + state.released.sum()).saturating_sub(state.reserved))
    }

    /// Reserves capacity for a delivery of this webhook. Returns false if there is none.
    pub(super) fn reserve(&self, webhook: WebhookId) -> bool {
        self.reserve_up_to(webhook, |free, capacity| share(free).min(capacity))
    }

    /// Reserves capacity for a delivery that was claimed within [`Self::claim_limits`]. Returns false only if other
    /// deliveries have taken all capacity meanwhile.
    pub(super) fn reserve_claimed(&self, webhook: WebhookId) -> bool {
        self.reserve_up_to(webhook, |free, _| if free > 0 { usize::MAX } else { share(free) })
    }

    fn reserve_up_to(&self, webhook: WebhookId, limit: impl Fn(usize, usize) -> usize) -> bool {
        let mut state = self.state.lock();
        let free = self.free(&state);
        let state = &mut *state;
        let queue = state.webhooks.entry(webhook).or_default();
        if queue.reserved >= limit(free, queue.capacity()) {
            return false;
        }
        state.reserved += 1;
        queue.reserved += 1;
        true
    }

    /// Cancels a reservation for which no job was pushed.
    pub(super) fn cancel_reservation(&self, webhook: WebhookId) {
        let mut state = self.state.lock();
        state.reserved = state.reserved.saturating_sub(1);
        if let Some(queue) = state.webhooks.get_mut(&webhook) {
            queue.reserved = queue.reserved.saturating_sub(1);
        }
    }

    /// Returns how many deliveries of each webhook may be claimed, at most `max` per webhook. The free capacity is
    /// divided among all of them, so that each gets some.
    pub(super) fn claim_limits(
        &self,
        webhooks: &[WebhookId],
        max: usize,
    ) -> Vec<(WebhookId, usize)> {
        let state = self.state.lock();
        let mut free = self.free(&state);
        let max = (free / webhooks.len().max(1)).clamp(1, max);
        let mut limits = Vec::new();
        for webhook in webhooks {
            let queue = state.webhooks.get(webhook);
            let (reserved, capacity) =
                queue.map_or((0, MIN_QUEUE_CAPACITY), |queue| (queue.reserved, queue.capacity()));
            // Leaves as much for other webhooks.
            let limit = (free.saturating_sub(reserved) / 2).max(usize::from(reserved == 0));
            let limit = limit.min(max).min(capacity.min(MAX_CLAIMED).saturating_sub(reserved));
            if limit > 0 {
                free = free.saturating_sub(limit);
                limits.push((*webhook, limit));
            }
        }
        limits
    }

    /// Queues a job for which capacity is reserved.
    pub(super) fn push(&self, job: Job) {
        let mut state = self.state.lock();
        let state = &mut *state;
        *state.ids.entry(job.id).or_default() += 1;
        let webhook = job.webhook_id;
        let queue = state.webhooks.entry(webhook).or_default();
        queue.jobs.push_back(job);
        if !queue.is_ready {
            queue.is_ready = true;
            state.ready.push_back(webhook);
        }
    }

    /// Returns the next job that may start now, round robin over the webhooks. `may_start` returns whether a webhook
    /// with this many attempts in flight may start another one.
    pub(super) fn next(&self, may_start: impl Fn(WebhookId, usize) -> bool) -> Option<Job> {
        let mut state = self.state.lock();
        let state = &mut *state;
        let share = share(MAX_IN_FLIGHT.saturating_sub(state.in_flight));
        for _ in 0..state.ready.len() {
            let webhook = state.ready.pop_front()?;
            let Some(queue) = state.webhooks.get_mut(&webhook) else { continue };
            let may = queue.in_flight < share && may_start(webhook, queue.in_flight);
            let job = if may { queue.jobs.pop_front() } else { None };
            if queue.jobs.is_empty() {
                queue.is_ready = false;
            } else {
                state.ready.push_back(webhook);
            }
            if let Some(job) = job {
                queue.in_flight += 1;
                state.in_flight += 1;
                return Some(job);
            }
        }
        None
    }

    /// Counts an attempt as finished. Its result is not recorded yet.
    pub(super) fn finished(&self, webhook: WebhookId) {
        let mut state = self.state.lock();
        state.in_flight = state.in_flight.saturating_sub(1);
        if let Some(queue) = state.webhooks.get_mut(&webhook) {
            queue.in_flight = queue.in_flight.saturating_sub(1);
        }
    }

    /// Releases deliveries whose results are recorded, which frees their capacity.
    pub(super) fn released(&self, deliveries: impl Iterator<Item = (DeliveryId, WebhookId)>) {
        let mut state = self.state.lock();
        let state = &mut *state;
        for (delivery, webhook) in deliveries {
            if let Some(holds) = state.ids.get_mut(&delivery) {
                *holds -= 1;
                if *holds == 0 {
                    state.ids.remove(&delivery);
                }
                state.reserved = state.reserved.saturating_sub(1);
                state.released.0[0] += 1;
                if let Some(queue) = state.webhooks.get_mut(&webhook) {
                    queue.reserved = queue.reserved.saturating_sub(1);
                    queue.released.0[0] += 1;
                }
            }
        }
    }

    /// Ends a period of the throughput measurement.
    pub(super) fn end_period(&self) {
        let mut state = self.state.lock();
        state.released.end_period();
        state.webhooks.retain(|_, queue| {
            queue.released.end_period();
            queue.reserved > 0 || queue.released.sum() > 0
        });
    }

    /// Removes and returns the queued jobs of a webhook. Their deliveries are still held.
    pub(super) fn take_queued(&self, webhook: WebhookId) -> Vec<Job> {
        let mut state = self.state.lock();
        let state = &mut *state;
        state.ready.retain(|id| *id != webhook);
        let Some(queue) = state.webhooks.get_mut(&webhook) else { return Vec::new() };
        queue.is_ready = false;
        queue.jobs.drain(..).collect()
    }

    /// Discards all queued jobs and releases their deliveries.
    pub(super) fn discard_queued(&self) {
        let webhooks: Vec<WebhookId> = self.state.lock().webhooks.keys().copied().collect();
        for webhook in webhooks {
            let jobs = self.take_queued(webhook);
            self.released(jobs.iter().map(|job| (job.id, webhook)));
        }
    }

    /// Returns the ids of all deliveries held.
    pub(super) fn held(&self) -> Vec<Uuid> {
        self.state.lock().ids.keys().map(|id| id.uuid()).collect()
    }

    /// Returns how much is used.
    pub(super) fn usage(&self) -> QueueUsage {
        let state = self.state.lock();
        QueueUsage {
            in_flight: state.in_flight,
            max_in_flight: MAX_IN_FLIGHT,
            deliveries: state.reserved,
            events: self.budget.used(),
            max_events: MAX_EVENTS,
        }
    }

    /// Returns whether no attempt is in flight or queued.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.state.lock();
        state.in_flight == 0 && state.ready.is_empty()
    }

    /// Returns whether no delivery is held.
    pub(super) fn is_empty(&self) -> bool {
        self.state.lock().ids.is_empty()
    }
}

#[cfg(test)]
mod tests;
