//! The bars of a chart: hours, or sums of several hours.

use chrono::TimeDelta;

use super::Period;
use crate::model::{LatencyCounts, Timestamp};
use crate::store::hours::{HourCounts, hour_of};

/// What happened in the time of one bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bar {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    pub(super) delivered: i64,
    pub(super) failed: i64,
    pub(super) retried: i64,
    pub(super) latencies: LatencyCounts,
}

impl Bar {
    fn add(&mut self, hour: &HourCounts) {
        self.delivered += hour.delivered;
        self.failed += hour.failed;
        self.retried += hour.retried;
        self.latencies.add(&hour.latencies);
    }

    /// Number of deliveries and attempts, the height of the bar.
    pub(super) fn total(&self) -> i64 {
        self.delivered + self.failed + self.retried
    }
}

fn hours(count: usize) -> TimeDelta {
    TimeDelta::hours(i64::try_from(count).unwrap_or_default())
}

/// The start of the oldest hour that a chart shows.
pub(super) fn first_hour(period: Period, now: Timestamp) -> Timestamp {
    hour_of(now) + TimeDelta::hours(1) - hours(period.bars() * period.hours_per_bar())
}

/// Sums hours up to bars, oldest first. Hours outside the period are left out.
pub(super) fn bars(period: Period, now: Timestamp, counts: &[HourCounts]) -> Vec<Bar> {
    let first = first_hour(period, now);
    let length = hours(period.hours_per_bar());
    let mut start = first;
    let mut bars = Vec::with_capacity(period.bars());
    for _ in 0..period.bars() {
        let end = start + length;
        let latencies = LatencyCounts::default();
        bars.push(Bar { start, end, delivered: 0, failed: 0, retried: 0, latencies });
        start = end;
    }
    for hour in counts.iter().filter(|hour| hour.hour >= first) {
        let index = (hour.hour - first).num_hours() / length.num_hours();
        if let Some(bar) = usize::try_from(index).ok().and_then(|index| bars.get_mut(index)) {
            bar.add(hour);
        }
    }
    bars
}

/// Sums all bars up.
pub(super) fn total(bars: &[Bar]) -> Option<Bar> {
    let (first, rest) = bars.split_first()?;
    let mut sum = first.clone();
    for bar in rest {
        sum.end = bar.end;
        sum.delivered += bar.delivered;
        sum.failed += bar.failed;
        sum.retried += bar.retried;
        sum.latencies.add(&bar.latencies);
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-27T16:40:00Z".parse().unwrap()
    }

    fn hour(start: &str, delivered: i64) -> HourCounts {
        let latencies = LatencyCounts::default();
        HourCounts { hour: start.parse().unwrap(), delivered, failed: 1, retried: 2, latencies }
    }

    #[test]
    fn a_period_ends_with_the_current_hour() {
        for (period, first) in [
            (Period::Day, "2026-11-26T17:00:00Z"),
            (Period::Week, "2026-11-20T17:00:00Z"),
            (Period::Month, "2026-10-28T17:00:00Z"),
        ] {
            let bars = bars(period, now(), &[]);
            assert_eq!(bars.first().unwrap().start, first.parse::<Timestamp>().unwrap());
            assert_eq!(
                bars.last().unwrap().end,
                "2026-11-27T17:00:00Z".parse::<Timestamp>().unwrap()
            );
            assert!(bars.iter().all(|bar| bar.total() == 0));
        }
    }

    #[test]
    fn hours_are_summed_up_and_older_ones_are_left_out() {
        let counts = [
            hour("2026-11-20T16:00:00Z", 100),
            hour("2026-11-20T17:00:00Z", 3),
            hour("2026-11-20T22:00:00Z", 4),
            hour("2026-11-20T23:00:00Z", 5),
        ];
        let bars = bars(Period::Week, now(), &counts);
        assert_eq!((bars[0].delivered, bars[0].failed, bars[0].retried), (7, 2, 4));
        assert_eq!(bars[1].delivered, 5);
        assert_eq!(total(&bars).unwrap().delivered, 12);
    }

    proptest! {
        #[test]
        fn nothing_in_the_period_is_lost(offsets in vec(0_i64..800, 0..60)) {
            for period in Period::ALL {
                let counts: Vec<HourCounts> = offsets.iter().map(|offset| {
                    let hour = hour_of(now()) - TimeDelta::hours(*offset);
                    let latencies = LatencyCounts::default();
                    HourCounts { hour, delivered: 1, failed: 0, retried: 0, latencies }
                }).collect();
                let hours = i64::try_from(period.bars() * period.hours_per_bar()).unwrap();
                let expected = offsets.iter().filter(|offset| **offset < hours).count();
                let sum = total(&bars(period, now(), &counts)).unwrap().delivered;
                prop_assert_eq!(sum, i64::try_from(expected).unwrap());
            }
        }
    }
}
