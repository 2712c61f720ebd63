//! The duration of each phase, as a bar.

use crate::model::exchange::Timings;
use crate::web::display_time;

/// Width of the bar, in its own units.
const WIDTH: u64 = 1000;

/// One phase.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) label: &'static str,
    pub(super) class: &'static str,
    /// Such as `11 ms`, or a dash.
    pub(super) took: String,
    pub(super) x: u64,
    pub(super) width: u64,
}

/// Returns the phases in order.
pub(super) fn parts(timings: &Timings) -> Vec<Part> {
    let all = [
        ("DNS", "dns", timings.dns_us),
        ("Connect", "connect", timings.connect_us),
        ("TLS", "tls", timings.tls_us),
        ("Wait", "wait", timings.wait_us),
        ("Read", "read", timings.read_us),
    ];
    let sum: u64 = all.iter().filter_map(|(_, _, us)| *us).sum::<u64>().max(1);
    let mut before = 0;
    let mut parts = Vec::new();
    for (label, class, us) in all {
        let x = before * WIDTH / sum;
        before += us.unwrap_or_default();
        let width = (before * WIDTH / sum).saturating_sub(x);
        let took = us.map_or_else(|| "–".to_owned(), display_time::duration);
        parts.push(Part { label, class, took, x, width });
    }
    parts
}
