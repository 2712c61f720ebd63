//! Reschedules deliveries and probes after the clock was set back, because their due times would be late by the
//! difference. They become due no later than if they were scheduled now.
//!
//! Each instance watches its own clock. It also reschedules once at its start, because the clock may have been set back
//! while it was down. Rescheduling is idempotent, so several instances may do it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;

use super::circuit_breakers::PROBE_HOLD;
use super::shared::Shared;
use crate::model::breaker::probe_delay;
use crate::model::retry::max_delay;
use crate::model::{Sources, Timestamp};
use crate::store::deliveries::clock::{self, DueBound};
use crate::store::{Error, breakers};

/// Time between readings of the clock.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// Minimum correction to react to. Clocks are often corrected by less, and such a delay does no harm.
const MIN_STEP: TimeDelta = TimeDelta::seconds(5);

/// A reading of the wall clock and the monotonic clock.
struct ClockReading {
    wall: Timestamp,
    monotonic: Instant,
}

impl ClockReading {
    fn now(sources: &Sources) -> Self {
        Self { wall: sources.now(), monotonic: Instant::now() }
    }

    /// Returns whether the wall clock was set back between this reading and a later one.
    fn is_set_back(&self, later: &Self) -> bool {
        let elapsed = later.monotonic.duration_since(self.monotonic);
        let expected = self.wall + TimeDelta::from_std(elapsed).unwrap_or_default();
        expected - later.wall > MIN_STEP
    }
}

/// Watches the clock until stopped.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut interval = tokio::time::interval(CHECK_INTERVAL);
    let mut last = ClockReading::now(&shared.deps.sources);
    let mut must_reschedule = true;
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            _instant = interval.tick() => {}
        }
        let now = ClockReading::now(&shared.deps.sources);
        if last.is_set_back(&now) {
            shared.deps.metrics.clock_set_back();
            must_reschedule = true;
        }
        last = now;
        if must_reschedule {
            match reschedule(&shared).await {
                Ok(changed) => {
                    must_reschedule = false;
                    if changed > 0 {
                        tracing::warn!(
                            changed,
                            "rescheduled deliveries after the clock was set back"
                        );
                    }
                }
                Err(error) => {
                    tracing::debug!(error = error.chain(), "could not reschedule; retrying");
                }
            }
        }
    }
}

/// Reschedules deliveries and probes whose due time is too late. Returns their number.
async fn reschedule(shared: &Shared) -> Result<u64, Error> {
    let (db, now) = (&shared.deps.db, shared.deps.sources.now());
    let mut bounds = Vec::new();
    for webhook in shared.router.ids() {
        let Some(route) = shared.router.find(webhook) else { continue };
        let schedule = &route.webhook().delivery_policy().retry_schedule;
        for attempts in 0..=u32::try_from(schedule.len()).unwrap_or_default() {
            bounds.push(DueBound {
                webhook,
                attempts: i32::try_from(attempts).unwrap_or_default(),
                max_delay: max_delay(schedule, attempts, false),
                max_delay_asked_for: max_delay(schedule, attempts, true),
            });
        }
    }
    let mut changed = clock::limit_due_times(db, now, &bounds).await?;
    for (webhook, breaker) in breakers::list(db).await? {
        let at = now + probe_delay(breaker.probes);
        if breaker.probe_at.is_some_and(|planned| planned > at.max(now + PROBE_HOLD)) {
            breakers::schedule_probe(db, webhook, breaker.probes, at).await?;
            changed += 1;
        }
    }
    if changed > 0 {
        shared.breakers.refresh(db).await?;
        shared.note_backlog(shared.router.ids());
    }
    Ok(changed)
}
