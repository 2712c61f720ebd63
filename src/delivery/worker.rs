//! Attempts deliveries and decides what follows.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use super::attempt::{AttemptRequest, attempt};
use tracing::Instrument as _;
use tracing::field::Empty;

use super::attempt_metrics;
use super::dispatch_queue::Job;
use super::shared::Shared;
use crate::model::delivery::DeliveryState;
use crate::model::invocation::Invocation;
use crate::model::{DeliveryId, WebhookId, retry, text};
use crate::store::deliveries::complete::Completion;
use crate::store::invocations;

/// Starts a worker for each job that may start now.
pub(super) fn start(shared: &Arc<Shared>) {
    while let Some(job) = shared.next_job() {
        let shared = Arc::clone(shared);
        let tracker = shared.tracker.clone();
        tracker.spawn(work(shared, job));
    }
}

/// Processes jobs one after another until none may start.
async fn work(shared: Arc<Shared>, first: Job) {
    let mut next = Some(first);
    while let Some(job) = next {
        let webhook_id = job.webhook_id;
        let span = tracing::debug_span!(
            "attempt",
            otel.kind = "client",
            webhook.id = %job.webhook_id,
            delivery.id = %job.id,
            event.id = %job.event_id,
            attempt = job.attempt,
            state = Empty,
        );
        // Pinned, so that only a pointer moves into the span.
        let completion = pin!(process(&shared, job)).instrument(span.clone()).await;
        span.record("state", completion.state.as_str());
        drop(span);
        shared.queue.finished(webhook_id);
        record(&shared, completion).await;
        next = if shared.stop.is_cancelled() { None } else { shared.next_job() };
    }
}

/// Passes a result to the completion task.
pub(super) async fn record(shared: &Shared, completion: Completion) {
    let id = completion.id;
    if shared.completions.send(completion).await.is_err() {
        tracing::error!(delivery.id = %id, "could not record a delivery: the completion task has ended");
    }
}

async fn process(shared: &Shared, job: Job) -> Completion {
    let Job { id, webhook_id, attempt: number, event, .. } = job;
    let Some(route) = shared.router.find(webhook_id) else {
        return Completion::unsent(id, webhook_id, number, DeliveryState::Cancelled);
    };
    if !route.webhook().is_active() {
        return Completion::unsent(id, webhook_id, number, DeliveryState::Held);
    }
    let request = AttemptRequest {
        webhook_id: Some(webhook_id),
        delivery_id: Some(id),
        message_id: id,
        attempt: u32::try_from(number).unwrap_or(1),
        event: &event,
        payload: event.project(&route.projection),
    };
    let rendered = request.render(&route.resolved);
    let invocation =
        attempt(shared.deps.attempt_context(), &route.resolved, request, rendered).await;
    let schedule = &route.webhook().delivery_policy().retry_schedule;
    decide(shared, (id, webhook_id, number), &invocation, schedule)
}

/// Decides whether a delivery is finished or retried.
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
            Some(delay) => (DeliveryState::Due, Some(sources.now() + delay)),
            None => (DeliveryState::Failed, None),
        }
    };
    attempt_metrics::attempted(&shared.deps.metrics, invocation);
    attempt_metrics::ended(&shared.deps, (id, webhook_id), state);
    let record = invocations::to_record(invocation)
        .inspect_err(|error| {
            tracing::error!(delivery.id = %id, error = error.chain(), "could not record an invocation");
        })
        .ok();
    tracing::debug!(
        delivery.id = %id, webhook.id = %webhook_id, attempt, %state,
        duration_ms = invocation.exchange.timings.total().as_millis(), "finished an attempt"
    );
    Completion {
        id,
        webhook_id,
        attempt,
        state,
        due_at,
        status: response.map(|response| i32::from(response.status)),
        error: invocation
            .failure
            .as_ref()
            .map(|cause| text::storable(&cause.summary()).into_owned()),
        counts: true,
        duration: Some(invocation.exchange.timings.total()),
        invocation: record.map(|record| (invocation.id, record)),
    }
}
