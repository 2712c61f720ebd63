//! The figures of a soak test.

use std::time::{Duration, Instant};

use super::kills::{Kill, Outage};
use super::probe::Observed;
use super::receipts::Received;
use super::senders::Outcome;
use crate::report::{Goal, Report, mib, millis};

const CASE: &str = "soak";
const NONE: Option<Goal> = Some(Goal::AtMost(0.0));
/// Maximum number of unexpected responses to print.
const MAX_PRINTED: usize = 10;

/// Everything that was observed.
pub(super) struct Figures {
    pub(super) outcome: Outcome,
    pub(super) outages: Vec<Outage>,
    /// Lost events: of the healthy target, and of the one that closes kept connections.
    pub(super) lost: [Vec<usize>; 2],
    /// The requests of the same two targets.
    pub(super) received: [Received; 2],
    pub(super) observed: Observed,
    pub(super) odd_requests: usize,
    pub(super) slow_connections: usize,
    /// Number of panics in the server's messages.
    pub(super) panics: usize,
}

impl Figures {
    pub(super) fn add_to(&self, report: &mut Report) {
        self.add_events(report);
        self.add_latencies(report);
        self.add_restarts(report);
        let Observed { probes, late, slowest, peak } = self.observed;
        report.add(CASE, "peak memory of the server", mib(peak), "MiB", None);
        count(report, "health checks while the server was up", probes, None);
        count(report, "health checks without 200 within 1 s", late, NONE);
        report.add(CASE, "slowest health check", millis(slowest), "ms", None);
        count(report, "panics of the server", self.panics, NONE);
        count(report, "requests to the other odd targets", self.odd_requests, None);
        count(report, "ended connections of slow clients", self.slow_connections, None);
    }

    fn add_events(&self, report: &mut Report) {
        let Outcome { accepted, unavailable, unanswered, unexpected } = &self.outcome;
        count(report, "accepted events", accepted.len(), None);
        for (target, (lost, received)) in
            ["the healthy target", "the target that closes kept connections"]
                .into_iter()
                .zip(self.lost.iter().zip(&self.received))
        {
            count(report, format!("lost at {target}"), lost.len(), NONE);
            let deliveries = || received.values().flat_map(|receipt| receipt.deliveries.values());
            let requests: usize = deliveries().sum();
            let duplicates = requests - deliveries().count();
            let share = 100.0 * duplicates as f64 / requests as f64;
            count(report, format!("duplicates at {target}"), duplicates, None);
            report.add(CASE, format!("duplicates at {target}, of requests"), share, "%", None);
            let renamed = received.values().filter(|one| one.deliveries.len() > 1).count();
            count(report, format!("events with several ids at {target}"), renamed, NONE);
        }
        count(report, "responses with 503", *unavailable, None);
        count(report, "requests without a response", *unanswered, None);
        count(report, "responses with another status", unexpected.len(), NONE);
        for text in unexpected.iter().take(MAX_PRINTED) {
            println!("  {text}");
        }
    }

    /// Adds the times from the accepted request to the arrival at the healthy target.
    fn add_latencies(&self, report: &mut Report) {
        let (mut all, mut outside) = (Vec::new(), Vec::new());
        for accepted in &self.outcome.accepted {
            let Some(receipt) = self.received[0].get(&accepted.number) else { continue };
            let Some(latency) = receipt.first.checked_duration_since(accepted.requested) else {
                // An earlier request was stored, but its response was lost.
                all.push(Duration::ZERO);
                continue;
            };
            all.push(latency);
            if !self.is_in_outage(accepted.requested, receipt.first) {
                outside.push(latency);
            }
        }
        for (name, mut latencies) in [("outside of restarts", outside), ("overall", all)] {
            latencies.sort();
            for (what, percent) in [("p50", 50), ("p99", 99), ("maximum", 100)] {
                let Some(last) = latencies.len().checked_sub(1) else { continue };
                let value = millis(latencies[last * percent / 100]);
                report.add(CASE, format!("{what} {name}"), value, "ms", None);
            }
        }
    }

    fn is_in_outage(&self, begun: Instant, ended: Instant) -> bool {
        self.outages.iter().any(|outage| begun <= outage.ended && outage.begun <= ended)
    }

    fn add_restarts(&self, report: &mut Report) {
        for (name, kill) in Kill::ALL {
            let number = self.outages.iter().filter(|outage| outage.kill == kill).count();
            count(report, name, number, None);
        }
        let mut times: Vec<Duration> =
            self.outages.iter().map(|outage| outage.ended - outage.begun).collect();
        times.sort();
        if let (Some(typical), Some(longest)) = (times.get(times.len() / 2), times.last()) {
            report.add(CASE, "p50 from a kill until ready", millis(*typical), "ms", None);
            report.add(CASE, "maximum from a kill until ready", millis(*longest), "ms", None);
        }
    }
}

fn count(report: &mut Report, what: impl Into<String>, number: usize, goal: Option<Goal>) {
    report.add(CASE, what.into(), number as f64, "", goal);
}
