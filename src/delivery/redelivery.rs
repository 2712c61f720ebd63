//! Sends finished deliveries again: one attempt each, with the webhook's current configuration. Circuit breakers and the
//! health of the webhook are not affected.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::Instrument as _;

use super::attempt::{AttemptRequest, attempt};
use super::router::Route;
use super::shared::Shared;
use super::{attempt_metrics, redelivery_results};
use crate::model::event::Event;
use crate::model::invocation::Invocation;
use crate::model::{WebhookId, text};
use crate::store::redeliveries::{
    self, ClaimedRedelivery, RedeliveryAttempt, RedeliveryContent, RedeliveryResult,
};
use crate::store::{Error, SLOW_TIMEOUT, invocations, within};

/// Maximum number of redeliveries in flight while there is nothing else to send.
const MAX_IN_FLIGHT: usize = 64;
/// Maximum number of redeliveries in flight beside other deliveries, which they must not delay.
const MAX_IN_FLIGHT_BUSY: usize = 1;
/// Pause after each redelivery beside other deliveries. Without it, redeliveries would use all of a processor.
const BUSY_PAUSE: Duration = Duration::from_millis(10);
/// How long an instance counts as busy after it had other deliveries. Between two events of a steady load, it has none.
const BUSY_TIME: Duration = Duration::from_millis(200);
/// Number of redeliveries in the first claim, and after a claim that lasted long.
const MIN_CLAIM: usize = 16;
/// Maximum number of redeliveries in a claim.
const MAX_CLAIM: usize = 256;
/// If the redeliveries of a claim are started within this time, the next claim is larger.
const QUICK_CLAIM: Duration = Duration::from_millis(500);
/// How long a claimed redelivery may wait before it is sent. The attempt must end before the lease does.
const MAX_WAIT: Duration = Duration::from_mins(2);
/// Maximum time between two claims.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Time between two attempts to get a permit of a webhook with a rate limit.
const PERMIT_INTERVAL: Duration = Duration::from_millis(500);

/// Claimed redeliveries of this instance.
#[derive(Debug)]
struct Claims {
    waiting: VecDeque<(Instant, ClaimedRedelivery)>,
    in_flight: HashMap<WebhookId, usize>,
    /// Number of redeliveries in flight.
    count: usize,
    /// When the last claim was made, and the number of redeliveries in the next one.
    last_claim: Instant,
    claim_size: usize,
    /// Until when other deliveries have precedence.
    busy_until: Instant,
}

impl Claims {
    fn new(now: Instant) -> Self {
        Self {
            waiting: VecDeque::new(),
            in_flight: HashMap::new(),
            count: 0,
            last_claim: now,
            claim_size: MIN_CLAIM,
            busy_until: now,
        }
    }

    /// Whether other deliveries have precedence.
    fn is_busy(&mut self, has_other_deliveries: bool, now: Instant) -> bool {
        if has_other_deliveries {
            self.busy_until = now + BUSY_TIME;
        }
        now < self.busy_until
    }

    /// The maximum number of redeliveries in flight.
    fn capacity(&mut self, has_other_deliveries: bool, now: Instant) -> usize {
        let is_busy = self.is_busy(has_other_deliveries, now);
        if is_busy { MAX_IN_FLIGHT_BUSY } else { MAX_IN_FLIGHT }
    }

    /// Returns how many redeliveries to claim. The more are sent per second, the more are claimed at once: what waits too
    /// long is claimed by another instance too.
    fn claim_limit(&mut self, now: Instant) -> usize {
        if self.waiting.len() > self.claim_size / 2 {
            return 0;
        }
        let is_quick = now - self.last_claim < QUICK_CLAIM;
        self.claim_size = if is_quick { (self.claim_size * 2).min(MAX_CLAIM) } else { MIN_CLAIM };
        self.last_claim = now;
        self.claim_size
    }

    /// Takes the next redelivery whose webhook may have one more request in flight. Forgets those that have waited too
    /// long: they are claimed again when their lease has expired.
    fn next(
        &mut self,
        now: Instant,
        max_in_flight: impl Fn(WebhookId) -> usize,
    ) -> Option<ClaimedRedelivery> {
        while self.waiting.front().is_some_and(|(claimed, _)| now - *claimed > MAX_WAIT) {
            self.waiting.pop_front();
        }
        let may_start = |(_, one): &(Instant, ClaimedRedelivery)| {
            one.content.as_ref().is_none_or(|content| {
                let used = self.in_flight.get(&content.webhook).copied().unwrap_or_default();
                used < max_in_flight(content.webhook)
            })
        };
        let at = self.waiting.iter().position(may_start)?;
        let (_, next) = self.waiting.remove(at)?;
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

/// What the tasks of redeliveries share.
#[derive(Debug, Clone)]
struct Sender {
    shared: Arc<Shared>,
    claims: Arc<Mutex<Claims>>,
    results: mpsc::Sender<RedeliveryResult>,
}

/// Sends until stopped.
pub(super) async fn run(shared: Arc<Shared>) {
    let (results, incoming) = mpsc::channel(redelivery_results::MAX_BATCH);
    shared.tracker.spawn(redelivery_results::run(Arc::clone(&shared), incoming));
    let claims = Arc::new(Mutex::new(Claims::new(Instant::now())));
    let sender = Sender { shared: Arc::clone(&shared), claims, results };
    while !shared.stop.is_cancelled() {
        if let Err(error) = claim(&sender).await {
            tracing::warn!(error = error.chain(), "could not claim redeliveries");
        }
        start(&sender);
        let woken = tokio::time::timeout(POLL_INTERVAL, shared.wake_redelivery.notified());
        tokio::select! {
            () = shared.stop.cancelled() => {}
            _ = woken => {}
        }
    }
    let waiting: Vec<i64> =
        sender.claims.lock().waiting.drain(..).map(|(_, claimed)| claimed.id).collect();
    if !waiting.is_empty()
        && let Err(error) =
            redeliveries::give_back(&shared.deps.background, shared.lease_id, &waiting).await
    {
        tracing::warn!(
            error = error.chain(),
            "could not hand back redeliveries; their leases will expire"
        );
    }
}

/// Claims redeliveries if few are waiting.
async fn claim(sender: &Sender) -> Result<(), Error> {
    let limit = sender.claims.lock().claim_limit(Instant::now());
    if limit == 0 {
        return Ok(());
    }
    let (deps, lease) = (&sender.shared.deps, sender.shared.lease_id);
    let limit = i64::try_from(limit).unwrap_or(1);
    let claiming = redeliveries::claim(&deps.background, lease, deps.sources.now(), limit);
    let claimed = within(&deps.background, SLOW_TIMEOUT, claiming).await?;
    let now = Instant::now();
    sender.claims.lock().waiting.extend(claimed.into_iter().map(|one| (now, one)));
    Ok(())
}

/// Starts as many of the waiting redeliveries as there is capacity for.
fn start(sender: &Sender) {
    while let Some(next) = next(sender) {
        let sender = sender.clone();
        let tracker = sender.shared.tracker.clone();
        tracker.spawn(work(sender, next));
    }
}

fn next(sender: &Sender) -> Option<ClaimedRedelivery> {
    let Sender { shared, claims, .. } = sender;
    if shared.stop.is_cancelled() {
        return None;
    }
    let now = Instant::now();
    let max_in_flight = |webhook| {
        let route = shared.router.find(webhook);
        route.map_or(1, |route| route.webhook().delivery_policy().max_in_flight)
    };
    let mut claims = claims.lock();
    if claims.count >= claims.capacity(!shared.queue.is_empty(), now) {
        return None;
    }
    let next = claims.next(now, max_in_flight);
    if next.is_some() && claims.waiting.len() <= claims.claim_size / 2 {
        shared.wake_redelivery.notify_one();
    }
    next
}

/// Sends redeliveries one after another until none may start.
async fn work(sender: Sender, first: ClaimedRedelivery) {
    let mut following = Some(first);
    while let Some(claimed) = following {
        let webhook = claimed.content.as_ref().map(|content| content.webhook);
        if let Some(result) = send(&sender.shared, &claimed).await
            && sender.results.send(result).await.is_err()
        {
            tracing::error!(delivery.id = %claimed.delivery, "could not record a redelivery: the task has ended");
        }
        pause_if_busy(&sender).await;
        sender.claims.lock().finished(webhook);
        following = next(&sender);
    }
    // More may start after a pause.
    sender.shared.wake_redelivery.notify_one();
}

async fn pause_if_busy(sender: &Sender) {
    let shared = &sender.shared;
    if sender.claims.lock().is_busy(!shared.queue.is_empty(), Instant::now()) {
        let _elapsed = tokio::time::timeout(BUSY_PAUSE, shared.stop.cancelled()).await;
    }
}

/// Returns the result. `None` if the instance stops before the attempt: the lease expires, and another instance makes it.
async fn send(shared: &Shared, claimed: &ClaimedRedelivery) -> Option<RedeliveryResult> {
    let unsent = |error: &str| RedeliveryResult {
        id: claimed.id,
        delivery: claimed.delivery,
        error: Some(error.to_owned()),
        attempt: None,
    };
    let Some(content) = &claimed.content else {
        return Some(unsent("The event is no longer stored"));
    };
    let Some(route) = shared.router.find(content.webhook) else {
        return Some(unsent("The webhook was deleted"));
    };
    if !has_permit(shared, &route).await {
        return None;
    }
    Some(match make_attempt(shared, &route, claimed, content).await {
        Ok(invocation) => result_of(claimed, content, &invocation),
        Err(error) => unsent(&error),
    })
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
    let span = tracing::debug_span!(
        "redelivery",
        otel.kind = "client",
        webhook.id = %content.webhook,
        delivery.id = %claimed.delivery,
        attempt = content.attempt,
    );
    let invocation = attempt(shared.deps.attempt_context(), &route.resolved, request, rendered)
        .instrument(span)
        .await;
    attempt_metrics::attempted(&shared.deps.metrics, &invocation);
    shared.deps.metrics.redelivered(invocation.succeeded());
    Ok(invocation)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DeliveryId;

    fn claimed(id: i64) -> ClaimedRedelivery {
        ClaimedRedelivery { id, delivery: DeliveryId::from(uuid::Uuid::nil()), content: None }
    }

    #[test]
    fn claims_grow_while_they_are_used_quickly() {
        let start = Instant::now();
        let mut claims = Claims::new(start);
        let sizes: Vec<usize> =
            (1..6).map(|n| claims.claim_limit(start + QUICK_CLAIM / 10 * n)).collect();
        assert_eq!(sizes, [32, 64, 128, 256, 256]);
        claims.waiting.extend((0..129).map(|id| (start, claimed(id))));
        assert_eq!(claims.claim_limit(start + QUICK_CLAIM), 0, "enough are waiting");
        claims.waiting.clear();
        assert_eq!(claims.claim_limit(start + QUICK_CLAIM * 2), MIN_CLAIM, "slow targets");
    }

    #[test]
    fn what_has_waited_too_long_is_not_sent_because_its_lease_may_expire() {
        let start = Instant::now();
        let mut claims = Claims::new(start);
        claims.waiting.push_back((start, claimed(1)));
        claims.waiting.push_back((start + MAX_WAIT, claimed(2)));
        let next = claims.next(start + MAX_WAIT + QUICK_CLAIM, |_| 1);
        assert_eq!(next.map(|one| one.id), Some(2));
    }

    #[test]
    fn other_deliveries_have_precedence_for_a_while() {
        let start = Instant::now();
        let mut claims = Claims::new(start);
        assert_eq!(claims.capacity(false, start), MAX_IN_FLIGHT);
        assert_eq!(claims.capacity(true, start), MAX_IN_FLIGHT_BUSY);
        assert_eq!(claims.capacity(false, start + BUSY_TIME / 2), MAX_IN_FLIGHT_BUSY);
        assert_eq!(claims.capacity(false, start + BUSY_TIME), MAX_IN_FLIGHT);
    }
}
