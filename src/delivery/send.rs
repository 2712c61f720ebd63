//! A delivery in hand: send it, decide what comes next.

use std::sync::Arc;
use std::time::Duration;

use super::Shared;
use super::attempt::{AttemptContext, AttemptRequest, attempt};
use super::counted::Counted;
use super::routing::Route;
use crate::model::delivery::DeliveryState;
use crate::model::invocation::Invocation;
use crate::model::{DeliveryId, WebhookId, outcome, retry};
use crate::store::deliveries::queue::Completion;
use crate::store::invocations;

/// A delivery in hand.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) id: DeliveryId,
    pub(super) webhook_id: WebhookId,
    /// From 1.
    pub(super) attempt: i32,
    pub(super) event: Arc<Counted>,
}

/// Sends what is queued and may be sent now, each webhook's in tasks of their own.
pub(super) fn start(shared: &Arc<Shared>) {
    while let Some(job) = shared.next() {
        let shared = Arc::clone(shared);
        let tracker = shared.tracker.clone();
        tracker.spawn(work(shared, job));
    }
}

/// Sends one after the other for as long as there is something to send.
async fn work(shared: Arc<Shared>, first: Job) {
    let mut next = Some(first);
    while let Some(job) = next {
        let webhook_id = job.webhook_id;
        let completion = run(&shared, job).await;
        shared.flight.landed(webhook_id);
        finish(&shared, completion).await;
        next = if shared.stop.is_cancelled() { None } else { shared.next() };
    }
}

/// Has a result written.
pub(super) async fn finish(shared: &Shared, completion: Completion) {
    let id = completion.id;
    if shared.done.send(completion).await.is_err() {
        tracing::error!(delivery.id = %id, "nobody records deliveries any more");
    }
}

async fn run(shared: &Shared, job: Job) -> Completion {
    let Job { id, webhook_id, attempt: number, event } = job;
    let Some(route) = shared.routing.find(webhook_id) else {
        return hand_back((id, webhook_id, number), DeliveryState::Cancelled);
    };
    if !route.webhook.is_active() {
        return hand_back((id, webhook_id, number), DeliveryState::Held);
    }
    let deps = &shared.deps;
    let request = AttemptRequest {
        webhook_id: Some(webhook_id),
        delivery_id: Some(id),
        message_id: id,
        attempt: u32::try_from(number).unwrap_or(1),
        event: &event,
        payload: event.project(&route.projection),
    };
    let Route { webhook, redactor, .. } = &*route;
    let context = AttemptContext {
        client: &deps.client,
        tokens: &deps.tokens,
        sources: &deps.sources,
        rules: &deps.rules,
    };
    let sending = attempt(context, webhook, redactor, request);
    decide(
        shared,
        (id, webhook_id, number),
        &sending.await,
        &webhook.delivery_policy().retry_schedule,
    )
}

/// What comes after an exchange.
fn decide(
    shared: &Shared,
    (id, webhook_id, attempt): (DeliveryId, WebhookId, i32),
    invocation: &Invocation,
    schedule: &[Duration],
) -> Completion {
    let sources = &shared.deps.sources;
    let response = invocation.exchange.response.as_ref();
    let (state, due_at) = if invocation.succeeded() {
        (DeliveryState::Delivered, None)
    } else {
        let after = response.and_then(|response| retry::retry_after(response, sources.now()));
        match retry::delay_after(schedule, invocation.attempt, after, sources.fraction()) {
            Some(wait) => (DeliveryState::Due, Some(sources.now() + wait)),
            None => (DeliveryState::Failed, None),
        }
    };
    let record = invocations::to_record(invocation).unwrap_or_default();
    tracing::debug!(
        delivery.id = %id, webhook.id = %webhook_id, attempt, %state,
        duration_ms = invocation.exchange.timings.total().as_millis(), "exchange"
    );
    Completion {
        id,
        webhook_id,
        attempt,
        state,
        due_at,
        status: response.map(|answer| i32::from(answer.status)),
        error: invocation.failure.as_ref().map(outcome::Cause::summary),
        counts: true,
        invocation: Some((invocation.id, record)),
    }
}

/// A delivery in hand that goes on unsent: the attempt does not count.
pub(super) fn hand_back(
    (id, webhook_id, attempt): (DeliveryId, WebhookId, i32),
    state: DeliveryState,
) -> Completion {
    Completion {
        id,
        webhook_id,
        attempt,
        state,
        due_at: None,
        status: None,
        error: None,
        counts: false,
        invocation: None,
    }
}
