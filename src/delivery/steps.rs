//! When the clock steps back, what was planned by it would come later by the step. It is planned anew: no
//! later than it could have been planned now.
//!
//! Each instance looks at its own clock, and at its start: the step may have come while it was down. What
//! they do is bounded by the schedule, not moved by the step, so several may do it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;

use super::{Shared, breakers};
use crate::model::breaker::probe_delay;
use crate::model::retry::max_delay;
use crate::model::{Sources, Timestamp};
use crate::store::deliveries::clock::{self, DueBound};
use crate::store::{self, Error};

const EVERY: Duration = Duration::from_secs(1);
/// Clocks are set right by less than this all the time; nobody waits for so long in vain.
const STEP: TimeDelta = TimeDelta::seconds(5);

/// A moment by both clocks: that of the day, and the one that never steps.
struct Moment {
    of_day: Timestamp,
    steady: Instant,
}

impl Moment {
    fn now(sources: &Sources) -> Self {
        Self { of_day: sources.now(), steady: Instant::now() }
    }

    /// Whether the clock of the day has been set back since.
    fn is_step_to(&self, later: &Self) -> bool {
        let passed = later.steady.duration_since(self.steady);
        let expected = self.of_day + TimeDelta::from_std(passed).unwrap_or_default();
        expected - later.of_day > STEP
    }
}

/// Watches the clock until stopped.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut tick = tokio::time::interval(EVERY);
    let mut last = Moment::now(&shared.deps.sources);
    let mut has_stepped = true;
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            _instant = tick.tick() => {}
        }
        let now = Moment::now(&shared.deps.sources);
        has_stepped |= last.is_step_to(&now);
        last = now;
        if has_stepped {
            match plan_anew(&shared).await {
                Ok(changed) => {
                    has_stepped = false;
                    if changed > 0 {
                        tracing::warn!(
                            changed,
                            "the clock was set back: what it had planned is planned anew"
                        );
                    }
                }
                Err(error) => {
                    tracing::debug!(error = error.chain(), "not planned anew yet");
                }
            }
        }
    }
}

/// Deliveries and probes that are planned too late; gives how many.
async fn plan_anew(shared: &Shared) -> Result<u64, Error> {
    let (db, now) = (&shared.deps.db, shared.deps.sources.now());
    let mut bounds = Vec::new();
    for webhook in shared.routing.ids() {
        let Some(route) = shared.routing.find(webhook) else { continue };
        let schedule = &route.webhook.delivery_policy().retry_schedule;
        for attempts in 0..=u32::try_from(schedule.len()).unwrap_or_default() {
            bounds.push(DueBound {
                webhook,
                attempts: i32::try_from(attempts).unwrap_or_default(),
                longest: max_delay(schedule, attempts, false),
                longest_asked_for: max_delay(schedule, attempts, true),
            });
        }
    }
    let mut changed = clock::limit_due_times(db, now, &bounds).await?;
    for (webhook, breaker) in store::breakers::list(db).await? {
        let at = now + probe_delay(breaker.probes);
        if breaker.probe_at.is_some_and(|planned| planned > at.max(now + breakers::PROBE_HELD)) {
            store::breakers::plan_probe(db, webhook, breaker.probes, at).await?;
            changed += 1;
        }
    }
    if changed > 0 {
        breakers::refresh(shared).await?;
        shared.note_backlog(shared.routing.ids());
    }
    Ok(changed)
}
