//! Which changes of a webhook's health are reported to administrators.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr};

use super::{Timestamp, WebhookId};

/// Maximum number of reports about one webhook in [`REPORT_WINDOW`].
pub const MAX_REPORTS: i32 = 4;
/// The time in which reports are counted.
pub const REPORT_WINDOW: TimeDelta = TimeDelta::hours(1);

/// What is reported about a webhook.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum AlertState {
    /// Its circuit breaker is open: deliveries wait.
    Failing,
    /// Gatepost has paused it.
    Paused,
    /// Deliveries succeed again.
    Recovered,
}

/// The health of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObservedHealth {
    /// It is active, and its last attempt succeeded.
    Healthy,
    /// Attempts fail, but too few to open the circuit breaker.
    Unclear,
    /// Its circuit breaker is open.
    Failing,
    /// Gatepost has paused it.
    Paused,
    /// A user has deactivated it.
    Inactive,
}

/// What was last reported about a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reported {
    /// The state.
    pub state: AlertState,
    /// Start of the time in which reports are counted.
    pub counted_since: Timestamp,
    /// Number of reports since then.
    pub count: i32,
}

impl Reported {
    /// Whether the reports are still counted. A start in the future is from a clock that was set back.
    fn counts_at(&self, now: Timestamp) -> bool {
        self.counted_since <= now && now - self.counted_since < REPORT_WINDOW
    }
}

/// What to do about a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertStep {
    /// Nothing, at least for now.
    Wait,
    /// Report a state, and remember this.
    Report(Reported),
    /// Report nothing, and forget what was reported.
    Forget,
}

/// Decides whether a state is reported: once for each change, and not if there were too many changes lately. What is held back
/// is reported later, if it is still true then.
pub fn next_step(reported: Option<Reported>, health: ObservedHealth, now: Timestamp) -> AlertStep {
    let known = reported.map(|reported| reported.state);
    let is_bad = matches!(known, Some(AlertState::Failing | AlertState::Paused));
    let state = match health {
        ObservedHealth::Failing => AlertState::Failing,
        ObservedHealth::Paused => AlertState::Paused,
        ObservedHealth::Healthy if is_bad => AlertState::Recovered,
        // The number of reports is remembered for a while.
        ObservedHealth::Healthy | ObservedHealth::Inactive => {
            let is_over = reported.is_some_and(|reported| !reported.counts_at(now));
            return if is_bad || is_over { AlertStep::Forget } else { AlertStep::Wait };
        }
        ObservedHealth::Unclear => return AlertStep::Wait,
    };
    if known == Some(state) {
        return AlertStep::Wait;
    }
    let counting = reported.filter(|reported| reported.counts_at(now));
    let (counted_since, count) =
        counting.map_or((now, 0), |reported| (reported.counted_since, reported.count));
    // The last one is kept for bad news.
    let max = if state == AlertState::Recovered { MAX_REPORTS - 1 } else { MAX_REPORTS };
    if count >= max {
        return AlertStep::Wait;
    }
    AlertStep::Report(Reported { state, counted_since, count: count + 1 })
}

/// A change of a webhook's health.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthChange {
    /// The webhook.
    pub webhook_id: WebhookId,
    /// Its name.
    pub webhook: String,
    /// The new state.
    pub state: AlertState,
    /// Why, if it is not a recovery.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const ALL: [ObservedHealth; 5] = [
        ObservedHealth::Healthy,
        ObservedHealth::Unclear,
        ObservedHealth::Failing,
        ObservedHealth::Paused,
        ObservedHealth::Inactive,
    ];

    fn time(seconds: i64) -> Timestamp {
        Timestamp::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    /// The reports about a webhook whose health is observed every 15 seconds, with the second of each.
    fn reports(observed: &[ObservedHealth]) -> Vec<(i64, AlertState)> {
        let mut reported = None;
        let mut all = Vec::new();
        for (seconds, health) in (0..).step_by(15).zip(observed) {
            match next_step(reported, *health, time(seconds)) {
                AlertStep::Wait => {}
                AlertStep::Forget => reported = None,
                AlertStep::Report(report) => {
                    reported = Some(report);
                    all.push((seconds, report.state));
                }
            }
        }
        all
    }

    #[test]
    fn each_change_is_reported_once() {
        use AlertState::{Failing as F, Paused as P, Recovered as R};
        use ObservedHealth::{Failing, Healthy, Inactive, Paused, Unclear};
        let observed = [
            Healthy, Unclear, Failing, Failing, Unclear, Failing, Healthy, Healthy, Paused, Paused,
        ];
        assert_eq!(reports(&observed), [(30, F), (90, R), (120, P)]);
        // A user who deactivates a webhook knows about it.
        assert_eq!(reports(&[Failing, Inactive, Healthy, Failing]), [(0, F), (45, F)]);
        assert_eq!(reports(&[Failing, Paused, Failing]), [(0, F), (15, P), (30, F)]);
        assert_eq!(reports(&[Healthy, Inactive, Unclear]), []);
    }

    #[test]
    fn the_last_report_of_an_hour_is_bad_news_and_a_clock_set_back_blocks_nothing() {
        use AlertState::{Failing as F, Recovered as R};
        use ObservedHealth::{Failing, Healthy};
        let flapping = [Failing, Healthy, Failing, Healthy, Failing, Healthy];
        assert_eq!(reports(&flapping), [(0, F), (15, R), (30, F)]);
        let future = Reported { state: F, counted_since: time(90_000), count: MAX_REPORTS };
        let step = next_step(Some(future), Healthy, time(0));
        assert_eq!(
            step,
            AlertStep::Report(Reported { state: R, counted_since: time(0), count: 1 })
        );
    }

    proptest! {
        #[test]
        fn a_flapping_webhook_does_not_flood(picks in vec(0..ALL.len(), 0..1000)) {
            let observed: Vec<ObservedHealth> = picks.iter().map(|pick| ALL[*pick]).collect();
            let reports = reports(&observed);
            for pair in reports.windows(2) {
                prop_assert!(pair[0].1 != pair[1].1 || pair[0].0 < pair[1].0);
            }
        }

        #[test]
        fn flapping_without_a_user_is_limited(picks in vec(0..4_usize, 0..1000)) {
            let observed: Vec<ObservedHealth> = picks.iter().map(|pick| ALL[*pick]).collect();
            let times: Vec<i64> = reports(&observed).into_iter().map(|(at, _)| at).collect();
            for window in times.windows(usize::try_from(2 * MAX_REPORTS + 1).unwrap()) {
                prop_assert!(window[window.len() - 1] - window[0] >= REPORT_WINDOW.num_seconds(), "{window:?}");
            }
        }

        #[test]
        fn the_last_state_is_reported_in_the_end(picks in vec(0..4_usize, 0..300), last in 0..2_usize) {
            let last = [ObservedHealth::Failing, ObservedHealth::Healthy][last];
            let mut observed: Vec<ObservedHealth> = picks.iter().map(|pick| ALL[*pick]).collect();
            observed.extend(std::iter::repeat_n(last, 250));
            let newest = reports(&observed).last().map(|(_, state)| *state);
            let expected = if last == ObservedHealth::Failing {
                newest == Some(AlertState::Failing)
            } else {
                matches!(newest, None | Some(AlertState::Recovered))
            };
            prop_assert!(expected, "{newest:?}");
        }
    }
}
