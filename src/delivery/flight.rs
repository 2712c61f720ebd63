//! What this instance has in hand: queued in memory, in flight, or on its way back into the database.
//!
//! Each webhook has a queue and a number of exchanges at once, so that one slow target never holds up
//! another, nor fills the memory. Of the room there is, a webhook has at most as much as is left free
//! for others, and hardly more than it has sent lately; and each may have one, whatever the others do.
//!
//! Memory is taken by events, which the deliveries of one event share; what many deliveries in hand cost is that
//! their leases are renewed. So both are bounded, each by itself.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use super::counted::{Counted, Memory};
use super::send::Job;
use crate::model::event::Event;
use crate::model::{DeliveryId, WebhookId};

/// Events in memory at once, of 2 KiB each; half of them for one webhook that is alone. What has no room is read from
/// the database later, which costs about as much again as to deliver it. And so many deliveries in hand in any
/// case, however slowly they are sent.
const MOST: usize = 8192;
/// So many of one webhook in any case, however slowly it sends. All that waits in hand has its lease renewed.
const QUEUED: usize = 512;
/// So many of one webhook are claimed at most: a backlog must not take the room of what comes in.
const MOST_CLAIMED: usize = 1024;
/// Exchanges at once, in all.
const MOST_IN_FLIGHT: usize = 256;

/// Counts what is in hand.
#[derive(Debug, Default)]
pub(super) struct Flight {
    state: Mutex<State>,
    memory: Memory,
}

#[derive(Debug, Default)]
struct State {
    webhooks: HashMap<WebhookId, Queue>,
    /// Webhooks that have a job queued, in the order in which they take turns.
    turns: VecDeque<WebhookId>,
    in_flight: usize,
    /// Reserved, queued, in flight, or being written.
    in_hand: usize,
    let_go: Lately,
    /// How often each is in hand: a retry may begin before its last result is let go.
    ids: HashMap<DeliveryId, u32>,
}

#[derive(Debug, Default)]
struct Queue {
    jobs: VecDeque<Job>,
    in_flight: usize,
    in_hand: usize,
    has_turn: bool,
    let_go: Lately,
}

/// How many were let go in this period, and in the one before.
#[derive(Debug, Default)]
struct Lately([usize; 2]);

impl Lately {
    fn sum(&self) -> usize {
        self.0.iter().sum()
    }

    fn end_period(&mut self) {
        self.0 = [0, self.0[0]];
    }
}

impl Queue {
    /// How many it may have in hand: what it sends in a period or two.
    fn pace(&self) -> usize {
        QUEUED + self.let_go.sum()
    }
}

/// How much one may have of what is shared, where so much is free.
fn share(free: usize) -> usize {
    free.max(1)
}

impl Flight {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An event to have in hand.
    pub(super) fn keep(&self, event: Event) -> Arc<Counted> {
        self.memory.keep(event)
    }

    /// How many more deliveries there is room for.
    fn free(&self, state: &State) -> usize {
        let events = MOST.saturating_sub(self.memory.events());
        events.min((MOST + state.let_go.sum()).saturating_sub(state.in_hand))
    }

    /// Makes room for a delivery of this webhook; false where there is none.
    pub(super) fn reserve(&self, webhook: WebhookId) -> bool {
        self.reserve_up_to(webhook, |free, pace| share(free).min(pace))
    }

    /// Makes room for a delivery that was claimed for the room there was: false only where others have
    /// taken all of it meanwhile.
    pub(super) fn reserve_claimed(&self, webhook: WebhookId) -> bool {
        self.reserve_up_to(webhook, |free, _| if free > 0 { usize::MAX } else { share(free) })
    }

    fn reserve_up_to(&self, webhook: WebhookId, limit: impl Fn(usize, usize) -> usize) -> bool {
        let mut state = self.state();
        let free = self.free(&state);
        let state = &mut *state;
        let queue = state.webhooks.entry(webhook).or_default();
        if queue.in_hand >= limit(free, queue.pace()) {
            return false;
        }
        state.in_hand += 1;
        queue.in_hand += 1;
        true
    }

    /// Gives up room that was made.
    pub(super) fn give_up(&self, webhook: WebhookId) {
        let mut state = self.state();
        state.in_hand = state.in_hand.saturating_sub(1);
        if let Some(queue) = state.webhooks.get_mut(&webhook) {
            queue.in_hand = queue.in_hand.saturating_sub(1);
        }
    }

    /// How many deliveries of each webhook may be claimed, `most` of one. What room there is is shared
    /// among them, so that none comes away empty because others might have something.
    pub(super) fn rooms(&self, webhooks: &[WebhookId], most: usize) -> Vec<(WebhookId, usize)> {
        let state = self.state();
        let mut free = self.free(&state);
        let most = (free / webhooks.len().max(1)).clamp(1, most);
        let mut rooms = Vec::new();
        for webhook in webhooks {
            let queue = state.webhooks.get(webhook);
            let (taken, pace) = queue.map_or((0, QUEUED), |queue| (queue.in_hand, queue.pace()));
            // As much as leaves as much for others.
            let room = (free.saturating_sub(taken) / 2).max(usize::from(taken == 0));
            let room = room.min(most).min(pace.min(MOST_CLAIMED).saturating_sub(taken));
            if room > 0 {
                free = free.saturating_sub(room);
                rooms.push((*webhook, room));
            }
        }
        rooms
    }

    /// Queues a delivery for which there is room.
    pub(super) fn push(&self, job: Job) {
        let mut state = self.state();
        let state = &mut *state;
        *state.ids.entry(job.id).or_default() += 1;
        let webhook = job.webhook_id;
        let queue = state.webhooks.entry(webhook).or_default();
        queue.jobs.push_back(job);
        if !queue.has_turn {
            queue.has_turn = true;
            state.turns.push_back(webhook);
        }
    }

    /// The next job that may be sent now: webhooks take turns. `may_start` tells whether a webhook
    /// with so many exchanges in flight may have one more.
    pub(super) fn next(&self, may_start: impl Fn(WebhookId, usize) -> bool) -> Option<Job> {
        let mut state = self.state();
        let state = &mut *state;
        let share = share(MOST_IN_FLIGHT.saturating_sub(state.in_flight));
        for _ in 0..state.turns.len() {
            let webhook = state.turns.pop_front()?;
            let Some(queue) = state.webhooks.get_mut(&webhook) else { continue };
            let may = queue.in_flight < share && may_start(webhook, queue.in_flight);
            let job = if may { queue.jobs.pop_front() } else { None };
            if queue.jobs.is_empty() {
                queue.has_turn = false;
            } else {
                state.turns.push_back(webhook);
            }
            if let Some(job) = job {
                queue.in_flight += 1;
                state.in_flight += 1;
                return Some(job);
            }
        }
        None
    }

    /// An exchange has ended; its result is not written yet.
    pub(super) fn landed(&self, webhook: WebhookId) {
        let mut state = self.state();
        state.in_flight = state.in_flight.saturating_sub(1);
        if let Some(queue) = state.webhooks.get_mut(&webhook) {
            queue.in_flight = queue.in_flight.saturating_sub(1);
        }
    }

    /// Deliveries are written: there is room for others.
    pub(super) fn let_go(&self, deliveries: impl Iterator<Item = (DeliveryId, WebhookId)>) {
        let mut state = self.state();
        let state = &mut *state;
        for (delivery, webhook) in deliveries {
            if let Some(times) = state.ids.get_mut(&delivery) {
                *times -= 1;
                if *times == 0 {
                    state.ids.remove(&delivery);
                }
                state.in_hand = state.in_hand.saturating_sub(1);
                state.let_go.0[0] += 1;
                if let Some(queue) = state.webhooks.get_mut(&webhook) {
                    queue.in_hand = queue.in_hand.saturating_sub(1);
                    queue.let_go.0[0] += 1;
                }
            }
        }
    }

    /// A period ends, by which a webhook's pace is measured.
    pub(super) fn end_period(&self) {
        let mut state = self.state();
        state.let_go.end_period();
        state.webhooks.retain(|_, queue| {
            queue.let_go.end_period();
            queue.in_hand > 0 || queue.let_go.sum() > 0
        });
    }

    /// Takes what is queued for a webhook and not in flight; it stays in hand.
    pub(super) fn take_queued(&self, webhook: WebhookId) -> Vec<Job> {
        let mut state = self.state();
        let state = &mut *state;
        state.turns.retain(|id| *id != webhook);
        let Some(queue) = state.webhooks.get_mut(&webhook) else { return Vec::new() };
        queue.has_turn = false;
        queue.jobs.drain(..).collect()
    }

    /// Drops what is queued and not in flight.
    pub(super) fn forget_queued(&self) {
        let webhooks: Vec<WebhookId> = self.state().webhooks.keys().copied().collect();
        for webhook in webhooks {
            let jobs = self.take_queued(webhook);
            self.let_go(jobs.iter().map(|job| (job.id, webhook)));
        }
    }

    /// All that this instance holds.
    pub(super) fn held(&self) -> Vec<Uuid> {
        self.state().ids.keys().map(|id| id.uuid()).collect()
    }

    /// Whether nothing is sent, nor waits to be.
    pub(super) fn is_quiet(&self) -> bool {
        let state = self.state();
        state.in_flight == 0 && state.turns.is_empty()
    }

    /// Whether it holds nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.state().ids.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::model::Trigger;
    use crate::model::event::Event;

    /// A webhook that has sent as many in the last period as there is room for.
    fn quick(webhook: WebhookId) -> Flight {
        let flight = Flight::default();
        for n in 0..MOST {
            assert!(flight.reserve_claimed(webhook));
            flight.push(job(&flight, n, webhook));
            send(&flight, n, webhook);
        }
        flight
    }

    fn id(n: usize) -> DeliveryId {
        Uuid::from_u128(u128::try_from(n).unwrap()).into()
    }

    fn event() -> Event {
        static SAMPLE: LazyLock<Event> = LazyLock::new(|| Event::sample(Trigger::Granted).unwrap());
        SAMPLE.clone()
    }

    fn job(flight: &Flight, n: usize, webhook_id: WebhookId) -> Job {
        Job { id: id(n), webhook_id, attempt: 1, event: flight.keep(event()) }
    }

    /// Sends what is next of this webhook, which must be that one.
    fn send(flight: &Flight, n: usize, webhook: WebhookId) {
        let sent = flight.next(|next, _| next == webhook).unwrap();
        assert_eq!(sent.id, id(n));
        flight.landed(webhook);
        flight.let_go(std::iter::once((sent.id, webhook)));
    }

    #[test]
    fn room_is_shared_among_all_that_may_have_something() {
        let webhooks: Vec<WebhookId> = (0..50).map(|n| Uuid::from_u128(n).into()).collect();
        let flight = Flight::default();
        let rooms = flight.rooms(&webhooks, 256);
        assert_eq!(rooms.len(), 50);
        // The last ones leave half of what is left to others that may come.
        let share = MOST / 50;
        assert!(rooms.iter().all(|(_, room)| (share / 2..=share).contains(room)), "{rooms:?}");
        let flight = quick(webhooks[0]);
        assert_eq!(flight.rooms(&webhooks[..1], 256), [(webhooks[0], 256)]);
        let in_hand: Vec<_> = std::iter::repeat_with(|| flight.keep(event()))
            .take_while(|_| flight.reserve(webhooks[0]))
            .collect();
        assert!((MOST / 2 - 1..=MOST / 2).contains(&in_hand.len()), "{}", in_hand.len());
        assert_eq!(flight.rooms(&webhooks[..2], 256), [(webhooks[1], 256)]);
    }

    #[test]
    fn who_sends_slowly_has_little_in_hand() {
        let webhook = Uuid::from_u128(1).into();
        let flight = Flight::default();
        let take_all = || std::iter::repeat_with(|| flight.reserve(webhook)).take_while(|had| *had);
        assert_eq!(take_all().count(), QUEUED);
        assert_eq!(flight.rooms(&[webhook], 256), []);
        for n in 0..10 {
            flight.push(job(&flight, n, webhook));
        }
        for n in 0..10 {
            send(&flight, n, webhook);
        }
        // Those ten, and ten more for having been sent.
        assert_eq!(take_all().count(), 20);
        flight.end_period();
        assert!(!flight.reserve(webhook));
        flight.end_period();
        for _ in 0..10 {
            flight.give_up(webhook);
        }
        assert!(!flight.reserve(webhook));
        flight.give_up(webhook);
        assert!(flight.reserve(webhook));
    }

    #[test]
    fn deliveries_of_one_event_share_its_room() {
        let webhooks: Vec<WebhookId> = (0..100).map(|n| Uuid::from_u128(n).into()).collect();
        let flight = quick(webhooks[0]);
        let mut events = Vec::new();
        let mut taken = 0;
        // As many deliveries as are sent in a while, of few events.
        'all: loop {
            events.push(flight.keep(event()));
            for webhook in &webhooks {
                if !flight.reserve(*webhook) {
                    break 'all;
                }
                taken += 1;
            }
        }
        assert!((2 * MOST - 200..=2 * MOST).contains(&taken), "{taken}");
        // Events alone leave no room either.
        let flight = Flight::default();
        let events: Vec<_> = (0..MOST).map(|_| flight.keep(event())).collect();
        assert!(flight.reserve(webhooks[0]));
        assert!(!flight.reserve(webhooks[0]));
        drop(events);
        assert!(flight.reserve(webhooks[0]));
    }

    #[test]
    fn however_much_some_have_there_is_room_for_another() {
        let webhooks: Vec<WebhookId> = (0..1000).map(|n| Uuid::from_u128(n).into()).collect();
        let (greedy, modest) = webhooks.split_at(500);
        let flight = Flight::default();
        for webhook in greedy {
            while flight.reserve(*webhook) {}
        }
        assert!(modest.iter().all(|webhook| flight.reserve(*webhook)));
        assert!(!modest.iter().any(|webhook| flight.reserve(*webhook)));
        assert!(flight.state().in_hand <= MOST + webhooks.len());
    }
}
