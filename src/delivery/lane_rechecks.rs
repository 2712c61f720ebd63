//! Lanes to check again for waiting deliveries without a head.
//!
//! The instance that finishes the head of a lane makes the next delivery due. It does not see a delivery that is being
//! inserted at the same time. Each lane in which a delivery waits is therefore re-checked until no completion can be in
//! progress that started before the insert. All lanes are re-checked when other instances may have inserted deliveries.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Notify;

/// Delays after which a lane is re-checked. The last one exceeds the maximum time a completion may take to commit.
const RECHECK_DELAYS: [Duration; 4] =
    [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(40)];

/// Scheduled re-checks.
#[derive(Debug, Default)]
pub(super) struct LaneRechecks {
    scheduled: Mutex<Vec<Recheck>>,
    added: Notify,
}

/// A series of re-checks of the same lanes.
#[derive(Debug)]
pub(super) struct Recheck {
    /// The lanes. `None` for all lanes.
    pub(super) lanes: Option<Vec<i64>>,
    since: Instant,
    /// Number of completed checks.
    checks: usize,
}

impl Recheck {
    fn new(lanes: Option<Vec<i64>>) -> Self {
        Self { lanes, since: Instant::now(), checks: 0 }
    }
}

impl LaneRechecks {
    /// Schedules re-checks of lanes in which a delivery waits.
    pub(super) fn schedule(&self, lanes: Vec<i64>) {
        if !lanes.is_empty() {
            self.scheduled.lock().push(Recheck::new(Some(lanes)));
            self.added.notify_one();
        }
    }

    /// Schedules re-checks of all lanes. They read all waiting deliveries, so they are not started at once. They replace
    /// earlier re-checks of all lanes.
    pub(super) fn schedule_all(&self) {
        let mut scheduled = self.scheduled.lock();
        scheduled.retain(|recheck| recheck.lanes.is_some());
        scheduled.push(Recheck::new(None));
    }

    /// Waits until [`Self::schedule`] has added lanes.
    pub(super) async fn added(&self) {
        self.added.notified().await;
    }

    /// Removes and returns the re-checks that are due. Those of all lanes only with `include_all`.
    pub(super) fn take_due(&self, now: Instant, include_all: bool) -> Vec<Recheck> {
        let is_due = |recheck: &mut Recheck| {
            let delay = RECHECK_DELAYS.get(recheck.checks).copied().unwrap_or_default();
            now >= recheck.since + delay && (include_all || recheck.lanes.is_some())
        };
        self.scheduled.lock().extract_if(.., is_due).collect()
    }

    /// Puts re-checks back: for the next delay if they succeeded, or else for the same one.
    pub(super) fn put_back(&self, mut taken: Vec<Recheck>, succeeded: bool) {
        for recheck in &mut taken {
            recheck.checks += usize::from(succeeded);
        }
        let is_unfinished = |recheck: &Recheck| recheck.checks < RECHECK_DELAYS.len();
        self.scheduled.lock().extend(taken.into_iter().filter(is_unfinished));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rechecks_a_lane_until_no_completion_can_be_in_progress() {
        let rechecks = LaneRechecks::default();
        rechecks.schedule(vec![1, 2]);
        rechecks.schedule(Vec::new());
        let started_at = Instant::now();
        let mut checked_at = Vec::new();
        for second in 0..60 {
            let taken = rechecks.take_due(started_at + Duration::from_secs(second), false);
            if !taken.is_empty() {
                assert_eq!(taken[0].lanes, Some(vec![1, 2]));
                checked_at.push(second);
                // The second check fails at first.
                rechecks.put_back(taken, second != 1);
            }
        }
        assert_eq!(checked_at, [0, 1, 2, 5, 40]);
        assert!(rechecks.scheduled.lock().is_empty());
    }

    #[test]
    fn rechecks_all_lanes_only_when_asked_to() {
        let rechecks = LaneRechecks::default();
        rechecks.schedule_all();
        rechecks.schedule_all();
        rechecks.schedule(vec![1]);
        let has_lanes = |taken: &[Recheck]| -> Vec<bool> {
            taken.iter().map(|recheck| recheck.lanes.is_some()).collect()
        };
        let now = Instant::now();
        assert_eq!(has_lanes(&rechecks.take_due(now, false)), [true]);
        assert_eq!(has_lanes(&rechecks.take_due(now, true)), [false]);
    }
}
