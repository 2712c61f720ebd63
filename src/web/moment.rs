//! Times as pages show them: relative, with the exact time at hand.

use crate::model::Timestamp;

/// A time, ready to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    /// For the `datetime` attribute.
    pub(super) iso: String,
    /// For people, to the second, UTC.
    pub(super) exact: String,
    /// Such as `2 min ago`.
    pub(super) relative: String,
}

impl Moment {
    /// As seen from `now`.
    pub(super) fn new(at: Timestamp, now: Timestamp) -> Self {
        Self {
            iso: at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
            exact: at.format("%-d %b %Y, %H:%M:%S UTC").to_string(),
            relative: relative((now - at).num_seconds()),
        }
    }
}

/// A distance in seconds, the past being positive.
fn relative(seconds: i64) -> String {
    let (amount, unit) = match seconds.abs() {
        0..5 if seconds >= 0 => return "just now".to_owned(),
        distance @ 0..90 => (distance, "s"),
        distance @ 90..5400 => ((distance + 30) / 60, "min"),
        distance @ 5400..129_600 => ((distance + 1800) / 3600, "h"),
        distance => ((distance + 43_200) / 86_400, "days"),
    };
    if seconds > 0 { format!("{amount} {unit} ago") } else { format!("in {amount} {unit}") }
}

/// Microseconds as `184 ms` or `1.2 s`.
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
    fn distances_read_naturally() {
        assert_eq!(relative(2), "just now");
        assert_eq!(relative(40), "40 s ago");
        assert_eq!(relative(120), "2 min ago");
        assert_eq!(relative(7200), "2 h ago");
        assert_eq!(relative(3 * 86_400), "3 days ago");
        assert_eq!(relative(-30), "in 30 s");
        assert_eq!(relative(-3), "in 3 s");
        assert_eq!(duration(184_000), "184 ms");
        assert_eq!(duration(1_250_000), "1.2 s");
    }
}
