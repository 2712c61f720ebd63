//! Counters and histograms of one server, in Prometheus' text format.
//!
//! They belong to a value of [`Metrics`] and not to the process, so that several servers in one process (as in tests) do
//! not share them. The hot path uses handles that are looked up once.

mod exposition;
pub mod names;
mod webhooks;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::{Counter, Histogram, Key, Label, Level, Metadata, Recorder as _};
use metrics_exporter_prometheus::{
    BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};
use parking_lot::RwLock;
use uuid::Uuid;

pub use exposition::Exposition;
pub use webhooks::{MAX_LABELLED_WEBHOOKS, OTHER};

use names::Definition;
use webhooks::{LabelledWebhooks, WebhookCounters};

/// Bounds of the durations of exchanges and database statements, in seconds.
const DURATION_BOUNDS: [f64; 15] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// Bounds of the latency of deliveries, in seconds. Retries can take hours.
const LATENCY_BOUNDS: [f64; 17] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0,
    7200.0, 86400.0,
];

/// The outcome of a successful attempt.
pub const SUCCESS: &str = "success";
const DELIVERED: &str = "delivered";
const FAILED: &str = "failed";
const RESPONSE_CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// A group of database statements whose duration is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Statements {
    /// Store a batch of events.
    Intake,
    /// Record a batch of results.
    Completion,
    /// Claim due deliveries.
    Claim,
    /// Renew leases and take over expired ones.
    Leases,
    /// Re-check lanes.
    Lanes,
    /// Record a batch of redeliveries.
    Redeliveries,
    /// Read the values of a scrape.
    Scrape,
}

impl Statements {
    /// All groups.
    pub const ALL: [Self; 7] = [
        Self::Intake,
        Self::Completion,
        Self::Claim,
        Self::Leases,
        Self::Lanes,
        Self::Redeliveries,
        Self::Scrape,
    ];

    /// Returns the label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intake => "intake",
            Self::Completion => "completion",
            Self::Claim => "claim",
            Self::Leases => "leases",
            Self::Lanes => "lanes",
            Self::Redeliveries => "redeliveries",
            Self::Scrape => "scrape",
        }
    }
}

/// An attempt that was made.
#[derive(Debug, Clone, Copy)]
pub struct Attempt {
    /// [`SUCCESS`], or the cause of the failure.
    pub outcome: &'static str,
    /// The status of the response, if there is one.
    pub status: Option<u16>,
    /// The duration of the exchange.
    pub duration: Duration,
}

/// The result of an attempt of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Delivered, this long after the event was received.
    Delivered(Duration),
    /// Failed, without another attempt.
    Failed,
    /// Failed, with another attempt later.
    Retried,
}

/// Counters and histograms of one server. Clones share them.
#[derive(Clone)]
pub struct Metrics(Arc<Handles>);

struct Handles {
    recorder: PrometheusRecorder,
    text: PrometheusHandle,
    accepted: Counter,
    duplicate: Counter,
    rejected: Family<Counter>,
    webhooks: LabelledWebhooks,
    attempts: Family<Counter>,
    responses: Family<Counter>,
    redeliveries: Family<Counter>,
    latency: Histogram,
    attempt_duration: Histogram,
    leases_taken_over: Counter,
    clock_set_back: Counter,
    statements: Family<Histogram>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// Creates metrics that start from zero. `causes` are the causes of failed attempts, and `reasons` those of rejected
    /// requests: their series exist from the start, because Prometheus cannot see the first increment of a new one.
    ///
    /// # Errors
    /// If a histogram has no bounds.
    pub fn new(causes: &[&'static str], reasons: &[&'static str]) -> Result<Self, BuildError> {
        let recorder = build_recorder()?;
        let counter = |metric: &Definition| register_counter(&recorder, metric, &[]);
        let counters = |metric: Definition, values: &[&'static str]| {
            let family = Family::new(metric);
            for value in values {
                drop(family.get(value, |labels| register_counter(&recorder, &metric, labels)));
            }
            family
        };
        let statements = Family::new(names::DATABASE_STATEMENT_DURATION);
        for group in Statements::ALL {
            drop(statements.get(group.as_str(), |labels| {
                register_histogram(&recorder, &names::DATABASE_STATEMENT_DURATION, labels)
            }));
        }
        let handles = Handles {
            text: recorder.handle(),
            accepted: counter(&names::EVENTS_ACCEPTED),
            duplicate: counter(&names::EVENTS_DUPLICATE),
            rejected: counters(names::EVENT_REQUESTS_REJECTED, reasons),
            webhooks: LabelledWebhooks::new(webhook_counters(&recorder, OTHER)),
            attempts: counters(names::ATTEMPTS, &[causes, &[SUCCESS]].concat()),
            responses: counters(names::RESPONSES, &RESPONSE_CLASSES),
            redeliveries: counters(names::REDELIVERIES, &[DELIVERED, FAILED]),
            latency: register_histogram(&recorder, &names::DELIVERY_LATENCY, &[]),
            attempt_duration: register_histogram(&recorder, &names::ATTEMPT_DURATION, &[]),
            leases_taken_over: counter(&names::LEASES_TAKEN_OVER),
            clock_set_back: counter(&names::CLOCK_SET_BACK),
            statements,
            recorder,
        };
        Ok(Self(Arc::new(handles)))
    }

    /// Counts a batch of events.
    pub fn events_accepted(&self, accepted: usize, duplicate: usize) {
        let count = |events: usize| u64::try_from(events).unwrap_or_default();
        self.0.accepted.increment(count(accepted));
        self.0.duplicate.increment(count(duplicate));
    }

    /// Counts a rejected request with events.
    pub fn event_request_rejected(&self, reason: &'static str) {
        self.count(&self.0.rejected, reason);
    }

    /// Counts an attempt.
    pub fn attempted(&self, attempt: Attempt) {
        self.count(&self.0.attempts, attempt.outcome);
        self.0.attempt_duration.record(attempt.duration);
        let class = attempt.status.map(|status| usize::from(status / 100));
        if let Some(class) = class.and_then(|class| RESPONSE_CLASSES.get(class.checked_sub(1)?)) {
            self.count(&self.0.responses, class);
        }
    }

    /// Counts the result of an attempt of a delivery.
    pub fn ended(&self, webhook: Uuid, outcome: Outcome) {
        let counters = self.webhook(webhook);
        match outcome {
            Outcome::Delivered(latency) => {
                counters.delivered.increment(1);
                self.0.latency.record(latency);
            }
            Outcome::Failed => counters.failed.increment(1),
            Outcome::Retried => counters.retried.increment(1),
        }
    }

    /// Counts a redelivery.
    pub fn redelivered(&self, succeeded: bool) {
        self.count(&self.0.redeliveries, if succeeded { DELIVERED } else { FAILED });
    }

    /// Counts deliveries that were taken over.
    pub fn leases_taken_over(&self, count: u64) {
        self.0.leases_taken_over.increment(count);
    }

    /// Counts that the clock was set back.
    pub fn clock_set_back(&self) {
        self.0.clock_set_back.increment(1);
    }

    /// Measures a group of database statements until the timer is dropped, also if it fails. (A future that wraps the
    /// statements would be as large as theirs once more.)
    pub fn time(&self, group: Statements) -> Timer {
        let create = |labels: &[Label]| {
            register_histogram(&self.0.recorder, &names::DATABASE_STATEMENT_DURATION, labels)
        };
        let histogram = self.0.statements.get(group.as_str(), create);
        Timer { histogram, started_at: Instant::now() }
    }

    /// Gives a webhook its own label value if there is one left. Returns whether it has one.
    pub fn label_webhook(&self, webhook: Uuid) -> bool {
        self.webhook(webhook);
        self.0.webhooks.contains(webhook)
    }

    /// Returns whether a webhook has its own label value.
    pub fn is_labelled(&self, webhook: Uuid) -> bool {
        self.0.webhooks.contains(webhook)
    }

    /// Adds the recorded samples to the histograms. Without this, samples stay in memory until the next scrape.
    pub fn run_upkeep(&self) {
        self.0.text.run_upkeep();
    }

    /// Returns all counters and histograms in Prometheus' text format.
    pub fn render(&self) -> String {
        self.0.text.render()
    }

    fn count(&self, family: &Family<Counter>, value: &'static str) {
        let create = |labels: &[Label]| register_counter(&self.0.recorder, &family.metric, labels);
        family.get(value, create).increment(1);
    }

    fn webhook(&self, webhook: Uuid) -> Arc<WebhookCounters> {
        self.0.webhooks.get(webhook, |label| webhook_counters(&self.0.recorder, label))
    }
}

/// Records the time until it is dropped.
#[must_use]
pub struct Timer {
    histogram: Histogram,
    started_at: Instant,
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").field("started_at", &self.started_at).finish_non_exhaustive()
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.histogram.record(self.started_at.elapsed());
    }
}

/// The handles of a metric with one label, by label value. The values are constants, so their number is bounded.
struct Family<H> {
    metric: Definition,
    handles: RwLock<HashMap<&'static str, H>>,
}

impl<H: Clone> Family<H> {
    fn new(metric: Definition) -> Self {
        Self { metric, handles: RwLock::default() }
    }

    fn get(&self, value: &'static str, create: impl FnOnce(&[Label]) -> H) -> H {
        if let Some(handle) = self.handles.read().get(value) {
            return handle.clone();
        }
        let label = self.metric.labels.first().copied().unwrap_or_default();
        let create = || create(&[Label::from_static_parts(label, value)]);
        self.handles.write().entry(value).or_insert_with(create).clone()
    }
}

fn build_recorder() -> Result<PrometheusRecorder, BuildError> {
    let mut builder = PrometheusBuilder::new();
    for (metric, bounds) in [
        (names::DELIVERY_LATENCY, LATENCY_BOUNDS.as_slice()),
        (names::ATTEMPT_DURATION, &DURATION_BOUNDS),
        (names::DATABASE_STATEMENT_DURATION, &DURATION_BOUNDS),
    ] {
        builder = builder.set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), bounds)?;
    }
    Ok(builder.build_recorder())
}

fn metadata() -> Metadata<'static> {
    Metadata::new(module_path!(), Level::INFO, None)
}

fn register_counter(
    recorder: &PrometheusRecorder,
    metric: &Definition,
    labels: &[Label],
) -> Counter {
    recorder.describe_counter(metric.name.into(), None, metric.help.into());
    recorder.register_counter(&Key::from_parts(metric.name, labels.to_vec()), &metadata())
}

fn register_histogram(
    recorder: &PrometheusRecorder,
    metric: &Definition,
    labels: &[Label],
) -> Histogram {
    recorder.describe_histogram(metric.name.into(), None, metric.help.into());
    recorder.register_histogram(&Key::from_parts(metric.name, labels.to_vec()), &metadata())
}

fn webhook_counters(recorder: &PrometheusRecorder, webhook: &str) -> WebhookCounters {
    let label = Label::new("webhook", webhook.to_owned());
    let deliveries = |result| {
        let labels = [label.clone(), Label::from_static_parts("result", result)];
        register_counter(recorder, &names::DELIVERIES, &labels)
    };
    WebhookCounters {
        delivered: deliveries(DELIVERED),
        failed: deliveries(FAILED),
        retried: register_counter(recorder, &names::RETRIES, std::slice::from_ref(&label)),
    }
}

#[cfg(test)]
mod tests;
