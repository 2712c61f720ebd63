//! Times on pages: relative, with the exact time in the user's time zone as a tooltip.

use chrono_tz::Tz;

use crate::model::Timestamp;

/// Maximum age of "just now", in seconds.
const JUST_NOW_SECS: i64 = 5;

/// The current time, and the time zone of the user.
#[derive(Debug, Clone, Copy)]
pub(super) struct LocalNow {
    pub(super) time: Timestamp,
    zone: Tz,
}

impl LocalNow {
    /// An unknown name of a zone counts as UTC.
    pub(super) fn new(time: Timestamp, zone: &str) -> Self {
        Self { time, zone: zone.parse().unwrap_or(Tz::UTC) }
    }

    /// Formats a time in the time zone of the user.
    pub(super) fn format(self, at: Timestamp, pattern: &str) -> String {
        at.with_timezone(&self.zone).format(pattern).to_string()
    }
}

/// A time, ready to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DisplayTime {
    /// For the `datetime` attribute.
    pub(super) iso: String,
    /// Such as `27 Nov 2026, 09:30:00 UTC`.
    pub(super) exact: String,
    /// Such as `2 min ago`.
    pub(super) relative: String,
}

impl DisplayTime {
    pub(super) fn new(at: Timestamp, now: LocalNow) -> Self {
        Self {
            iso: at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
            exact: now.format(at, "%-d %b %Y, %H:%M:%S %Z"),
            relative: ago(at, now.time),
        }
    }
}

/// Describes a time without the exact one, such as `2 min ago`.
pub(super) fn ago(at: Timestamp, now: Timestamp) -> String {
    relative((now - at).num_seconds())
}

/// The time since `since`, such as `15 min`; `None` if it is too short to show.
pub(super) fn elapsed(since: Timestamp, now: Timestamp) -> Option<String> {
    let seconds = (now - since).num_seconds();
    (seconds >= JUST_NOW_SECS).then(|| distance(seconds))
}

/// Describes a time that is this many seconds in the past; negative for the future.
fn relative(seconds: i64) -> String {
    match seconds {
        0..JUST_NOW_SECS => "just now".to_owned(),
        ..0 => format!("in {}", distance(-seconds)),
        _ => format!("{} ago", distance(seconds)),
    }
}

fn distance(seconds: i64) -> String {
    let (amount, unit) = match seconds {
        ..90 => (seconds, "s"),
        90..5400 => ((seconds + 30) / 60, "min"),
        5400..129_600 => ((seconds + 1800) / 3600, "h"),
        _ => ((seconds + 43_200) / 86_400, "days"),
    };
    format!("{amount} {unit}")
}

/// Formats microseconds, such as `184 ms` or `1.2 s`.
pub(super) fn duration(us: u64) -> String {
    match us {
        0..1_000 => "<1 ms".to_owned(),
        1_000..1_000_000 => format!("{} ms", us / 1_000),
        _ => format!("{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_times_are_in_the_time_zone_of_the_user() {
        let at: Timestamp = "2026-07-01T22:30:05Z".parse().unwrap();
        for (zone, exact) in [
            ("UTC", "1 Jul 2026, 22:30:05 UTC"),
            ("Europe/Zurich", "2 Jul 2026, 00:30:05 CEST"),
            ("Asia/Kolkata", "2 Jul 2026, 04:00:05 IST"),
            ("America/Sao_Paulo", "1 Jul 2026, 19:30:05 -03"),
            ("Mars/Base", "1 Jul 2026, 22:30:05 UTC"),
        ] {
            let shown = DisplayTime::new(at, LocalNow::new(at, zone));
            assert_eq!(shown.exact, exact);
            assert_eq!(
                (shown.iso.as_str(), shown.relative.as_str()),
                ("2026-07-01T22:30:05.000Z", "just now")
            );
        }
    }

    #[test]
    fn formats_times_and_durations() {
        assert_eq!(relative(2), "just now");
        assert_eq!(relative(40), "40 s ago");
        assert_eq!(relative(120), "2 min ago");
        assert_eq!(relative(7200), "2 h ago");
        assert_eq!(relative(3 * 86_400), "3 days ago");
        assert_eq!(relative(-30), "in 30 s");
        assert_eq!(relative(-3), "in 3 s");
        let since = Timestamp::UNIX_EPOCH;
        let after = |seconds| since + chrono::TimeDelta::seconds(seconds);
        assert_eq!(elapsed(since, after(900)), Some("15 min".to_owned()));
        assert_eq!(elapsed(since, after(4)), None);
        assert_eq!(elapsed(after(4), since), None);
        assert_eq!(duration(184_000), "184 ms");
        assert_eq!(duration(1_250_000), "1.2 s");
    }
}
