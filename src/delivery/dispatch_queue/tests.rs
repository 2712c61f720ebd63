//! Capacity per webhook and overall.

use std::sync::LazyLock;

use super::*;
use crate::model::Trigger;

/// A queue with a webhook that has recently sent as many deliveries as fit.
fn busy_queue(webhook: WebhookId) -> DispatchQueue {
    let queue = DispatchQueue::default();
    for n in 0..MAX_EVENTS {
        assert!(queue.reserve_claimed(webhook));
        queue.push(job(&queue, n, webhook));
        send(&queue, n, webhook);
    }
    queue
}

fn id(n: usize) -> DeliveryId {
    Uuid::from_u128(u128::try_from(n).unwrap()).into()
}

fn event() -> Event {
    static SAMPLE: LazyLock<Event> = LazyLock::new(|| Event::sample(Trigger::Granted).unwrap());
    SAMPLE.clone()
}

fn job(queue: &DispatchQueue, n: usize, webhook_id: WebhookId) -> Job {
    let event_id = Uuid::nil().into();
    Job { id: id(n), webhook_id, attempt: 1, event_id, event: queue.track(event()) }
}

/// Sends the next delivery of this webhook, which must be number `n`.
fn send(queue: &DispatchQueue, n: usize, webhook: WebhookId) {
    let sent = queue.next(|next, _| next == webhook).unwrap();
    assert_eq!(sent.id, id(n));
    queue.finished(webhook);
    queue.released(std::iter::once((sent.id, webhook)));
}

#[test]
fn divides_capacity_among_all_webhooks_of_a_claim() {
    let webhooks: Vec<WebhookId> = (0..50).map(|n| Uuid::from_u128(n).into()).collect();
    let queue = DispatchQueue::default();
    let limits = queue.claim_limits(&webhooks, 256);
    assert_eq!(limits.len(), 50);
    // The last ones leave half of the remaining capacity to other webhooks.
    let share = MAX_EVENTS / 50;
    assert!(limits.iter().all(|(_, limit)| (share / 2..=share).contains(limit)), "{limits:?}");
    let queue = busy_queue(webhooks[0]);
    assert_eq!(queue.claim_limits(&webhooks[..1], 256), [(webhooks[0], 256)]);
    let held: Vec<_> = std::iter::repeat_with(|| queue.track(event()))
        .take_while(|_| queue.reserve(webhooks[0]))
        .collect();
    assert!((MAX_EVENTS / 2 - 1..=MAX_EVENTS / 2).contains(&held.len()), "{}", held.len());
    assert_eq!(queue.claim_limits(&webhooks[..2], 256), [(webhooks[1], 256)]);
}

#[test]
fn limits_a_slow_webhook_by_its_throughput() {
    let webhook = Uuid::from_u128(1).into();
    let queue = DispatchQueue::default();
    let fill = || std::iter::repeat_with(|| queue.reserve(webhook)).take_while(|is_free| *is_free);
    assert_eq!(fill().count(), MIN_QUEUE_CAPACITY);
    assert_eq!(queue.claim_limits(&[webhook], 256), []);
    for n in 0..10 {
        queue.push(job(&queue, n, webhook));
    }
    for n in 0..10 {
        send(&queue, n, webhook);
    }
    // Ten were released, and having sent ten adds ten.
    assert_eq!(fill().count(), 20);
    queue.end_period();
    assert!(!queue.reserve(webhook));
    queue.end_period();
    for _ in 0..10 {
        queue.cancel_reservation(webhook);
    }
    assert!(!queue.reserve(webhook));
    queue.cancel_reservation(webhook);
    assert!(queue.reserve(webhook));
}

#[test]
fn counts_the_event_of_several_deliveries_once() {
    let webhooks: Vec<WebhookId> = (0..100).map(|n| Uuid::from_u128(n).into()).collect();
    let queue = busy_queue(webhooks[0]);
    let mut events = Vec::new();
    let mut reserved = 0;
    // As many deliveries as were sent recently, of few events.
    'all: loop {
        events.push(queue.track(event()));
        for webhook in &webhooks {
            if !queue.reserve(*webhook) {
                break 'all;
            }
            reserved += 1;
        }
    }
    assert!((2 * MAX_EVENTS - 200..=2 * MAX_EVENTS).contains(&reserved), "{reserved}");
    // Events alone also use up the capacity.
    let queue = DispatchQueue::default();
    let events: Vec<_> = (0..MAX_EVENTS).map(|_| queue.track(event())).collect();
    assert!(queue.reserve(webhooks[0]));
    assert!(!queue.reserve(webhooks[0]));
    drop(events);
    assert!(queue.reserve(webhooks[0]));
}

#[test]
fn always_has_capacity_for_one_delivery_of_another_webhook() {
    let webhooks: Vec<WebhookId> = (0..1000).map(|n| Uuid::from_u128(n).into()).collect();
    let (greedy, modest) = webhooks.split_at(500);
    let queue = DispatchQueue::default();
    for webhook in greedy {
        while queue.reserve(*webhook) {}
    }
    assert!(modest.iter().all(|webhook| queue.reserve(*webhook)));
    assert!(!modest.iter().any(|webhook| queue.reserve(*webhook)));
    assert!(queue.state.lock().reserved <= MAX_EVENTS + webhooks.len());
}
