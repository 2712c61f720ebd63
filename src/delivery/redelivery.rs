//! Sends finished deliveries again: one attempt each, with the webhook's current configuration. Circuit breakers and the
//! health of the webhook are not affected.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::attempt::{AttemptRequest, attempt};
use super::router::Route;
use super::shared::Shared;
use crate::model::event::Event;
use crate::model::invocation::Invocation;
use crate::model::{WebhookId, text};
use crate::store::redeliveries::{
    self, ClaimedRedelivery, RedeliveryAttempt, RedeliveryContent, RedeliveryResult,
};
use crate::store::{Error, SLOW_TIMEOUT, invocations, within};

/// Maximum number of redeliveries in flight while there is nothing else to send.
const MAX_IN_FLIGHT: usize = 16;
/// Maximum number of redeliveries in flight beside other deliveries, which they must not delay.
const MAX_IN_FLIGHT_BUSY: usize = 2;
/// Maximum time between two claims.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Time between two attempts to get a permit of a webhook with a rate limit.
const PERMIT_INTERVAL: Duration = Duration::from_millis(500);

/// Claimed redeliveries of this instance.
#[derive(Debug, Default)]
struct Claims {
    waiting: VecDeque<ClaimedRedelivery>,
    in_flight: HashMap<WebhookId, usize>,
    /// Number of redeliveries in flight.
    count: usize,
}

impl Claims {
    /// Takes the next redelivery whose webhook may have one more request in flight.
    fn next(&mut self, max_in_flight: impl Fn(WebhookId) -> usize) -> Option<ClaimedRedelivery> {
        let may_start = |one: &ClaimedRedelivery| {
            one.content.as_ref().is_none_or(|content| {
                let used = self.in_flight.get(&content.webhook).copied().unwrap_or_default();
                used < max_in_flight(content.webhook)
            })
        };
        let at = self.waiting.iter().position(may_start)?;
        let next = self.waiting.remove(at)?;
        if let Some(content) = &next.content {
            *self.in_flight.entry(content.webhook).or_default() += 1;
        }
        self.count += 1;
        Some(next)
    }

    fn finished(&mut self, webhook: Option<WebhookId>) {
        self.count -= 1;
        if let Some(webhook) = webhook
            && let Some(used) = self.in_flight.get_mut(&webhook)
        {
            *used -= 1;
            if *used == 0 {
                self.in_flight.remove(&webhook);
            }
        }
    }
}

/// Sends until stopped.
pub(super) async fn run(shared: Arc<Shared>) {
    let claims: Arc<Mutex<Claims>> = Arc::default();
    while !shared.stop.is_cancelled() {
        if let Err(error) = start(&shared, &claims).await {
            tracing::warn!(error = error.chain(), "could not claim redeliveries");
        }
        let woken = tokio::time::timeout(POLL_INTERVAL, shared.wake_redelivery.notified());
        tokio::select! {
            () = shared.stop.cancelled() => {}
            _ = woken => {}
        }
    }
    let waiting: Vec<i64> = claims.lock().waiting.drain(..).map(|claimed| claimed.id).collect();
    if !waiting.is_empty()
        && let Err(error) =
            redeliveries::give_back(&shared.deps.db, shared.lease_id, &waiting).await
    {
        tracing::warn!(
            error = error.chain(),
            "could not hand back redeliveries; their leases will expire"
        );
    }
}

/// Claims redeliveries, and starts as many as there is capacity for.
async fn start(shared: &Arc<Shared>, claims: &Arc<Mutex<Claims>>) -> Result<(), Error> {
    let capacity = if shared.queue.is_empty() { MAX_IN_FLIGHT } else { MAX_IN_FLIGHT_BUSY };
    let free = {
        let claims = claims.lock();
        capacity.saturating_sub(claims.count + claims.waiting.len())
    };
    if free > 0 {
        let deps = &shared.deps;
        let limit = i64::try_from(free).unwrap_or(1);
        let claiming = redeliveries::claim(&deps.db, shared.lease_id, deps.sources.now(), limit);
        let claimed = within(&deps.db, SLOW_TIMEOUT, claiming).await?;
        claims.lock().waiting.extend(claimed);
    }
    loop {
        let route = |webhook| shared.router.find(webhook);
        let max_in_flight = |webhook| {
            route(webhook).map_or(1, |route| route.webhook().delivery_policy().max_in_flight)
        };
        let next = claims.lock().next(max_in_flight);
        let Some(next) = next else { return Ok(()) };
        let (shared, claims) = (Arc::clone(shared), Arc::clone(claims));
        let tracker = shared.tracker.clone();
        tracker.spawn(async move {
            let webhook = next.content.as_ref().map(|content| content.webhook);
            send(&shared, next).await;
            claims.lock().finished(webhook);
            shared.wake_redelivery.notify_one();
        });
    }
}

async fn send(shared: &Shared, claimed: ClaimedRedelivery) {
    let ClaimedRedelivery { id, delivery, content } = &claimed;
    let unsent = |error: &str| RedeliveryResult {
        id: *id,
        delivery: *delivery,
        error: Some(error.to_owned()),
        attempt: None,
    };
    let deps = &shared.deps;
    let result = match content {
        None => unsent("The event is no longer stored"),
        Some(content) => match shared.router.find(content.webhook) {
            None => unsent("The webhook was deleted"),
            Some(route) if has_permit(shared, &route).await => {
                match make_attempt(shared, &route, &claimed, content).await {
                    Ok(invocation) => result_of(&claimed, content, &invocation),
                    Err(error) => unsent(&error),
                }
            }
            // Stopped: the lease expires, and another instance sends it.
            Some(_) => return,
        },
    };
    let completing = redeliveries::complete(&deps.db, shared.lease_id, deps.sources.now(), &result);
    if let Err(error) = within(&deps.db, SLOW_TIMEOUT, completing).await {
        tracing::error!(
            delivery.id = %delivery, error = error.chain(),
            "could not record a redelivery; it will be sent again"
        );
    }
    match content {
        Some(content) => shared.live.record([content.webhook]),
        None => shared.live.record(shared.router.ids()),
    }
}

/// Waits for a permit if the webhook has a rate limit. Returns false at a stop.
async fn has_permit(shared: &Shared, route: &Route) -> bool {
    let rate = route.webhook().delivery_policy().rate_per_minute;
    let mut interval = tokio::time::interval(PERMIT_INTERVAL);
    while !shared.rate_limits.try_acquire(route.id, rate) {
        tokio::select! {
            () = shared.stop.cancelled() => return false,
            _instant = interval.tick() => {}
        }
    }
    true
}

async fn make_attempt(
    shared: &Shared,
    route: &Route,
    claimed: &ClaimedRedelivery,
    content: &RedeliveryContent,
) -> Result<Invocation, String> {
    let event = Event::parse(&content.payload)
        .map_err(|_errors| "The stored event cannot be read".to_owned())?;
    let event = if content.is_manual { event.as_manual() } else { event };
    let request = AttemptRequest {
        webhook_id: Some(content.webhook),
        delivery_id: Some(claimed.delivery),
        message_id: claimed.delivery,
        attempt: u32::try_from(content.attempt).unwrap_or(1),
        event: &event,
        payload: event.project(&route.projection),
    };
    let rendered = request.render(&route.resolved);
    Ok(attempt(shared.deps.attempt_context(), &route.resolved, request, rendered).await)
}

fn result_of(
    claimed: &ClaimedRedelivery,
    content: &RedeliveryContent,
    invocation: &Invocation,
) -> RedeliveryResult {
    let failure = invocation.failure.as_ref();
    let record = invocations::to_record(invocation)
        .inspect_err(|error| {
            tracing::error!(delivery.id = %claimed.delivery, error = error.chain(), "could not record an invocation");
        })
        .ok();
    RedeliveryResult {
        id: claimed.id,
        delivery: claimed.delivery,
        error: failure.map(|cause| text::storable(&cause.summary()).into_owned()),
        attempt: record.map(|record| RedeliveryAttempt {
            webhook: content.webhook,
            status: invocation.exchange.response.as_ref().map(|it| i32::from(it.status)),
            invocation: invocation.id,
            record,
        }),
    }
}
