//! The figures of the page Status, ready to print.

use chrono::TimeDelta;

use crate::health::{Figures, Reached};
use crate::model::Timestamp;
use crate::model::delivery::DeliveryState;
use crate::store::instances::Instance;
use crate::store::partitions::PartitionDays;
use crate::store::status::{
    FailingWebhook, HourTotals, MAX_COUNTED, PausedWebhook, Queue, RecentHours, Webhooks,
};
use crate::web::display_time::{self, DisplayTime, LocalNow};

/// States of unfinished deliveries, in the order in which they are shown.
const UNFINISHED: [DeliveryState; 4] =
    [DeliveryState::Due, DeliveryState::Leased, DeliveryState::Waiting, DeliveryState::Held];

/// A figure with its label.
pub(super) struct Fact {
    pub(super) label: &'static str,
    pub(super) value: String,
}

/// Attempts of an hour.
pub(super) struct HourView {
    pub(super) label: &'static str,
    pub(super) start: DisplayTime,
    pub(super) totals: HourTotals,
    /// Such as `12.5`.
    pub(super) per_minute: String,
}

/// A webhook whose circuit breaker is open.
pub(super) struct FailingView {
    pub(super) href: String,
    pub(super) name: String,
    pub(super) since: DisplayTime,
    pub(super) probe: Option<DisplayTime>,
    pub(super) last_error: String,
}

/// A webhook that Gatepost has paused.
pub(super) struct PausedView {
    pub(super) href: String,
    pub(super) name: String,
    pub(super) reason: String,
}

/// A table of webhooks.
pub(super) struct WebhooksView<T> {
    pub(super) rows: Vec<T>,
    /// Number of webhooks that are not among the rows.
    pub(super) more: i64,
}

/// An instance.
pub(super) struct InstanceView {
    pub(super) host_name: String,
    pub(super) version: String,
    /// Empty if the user may not see it.
    pub(super) address: String,
    pub(super) started: DisplayTime,
    pub(super) seen: DisplayTime,
    pub(super) is_alive: bool,
}

/// All figures. Those that could not be read are left out.
pub(super) struct FiguresView {
    pub(super) facts: Vec<Fact>,
    pub(super) hours: Vec<HourView>,
    pub(super) failing: WebhooksView<FailingView>,
    pub(super) paused: WebhooksView<PausedView>,
    pub(super) instances: Vec<InstanceView>,
    /// Whether addresses are shown.
    pub(super) shows_addresses: bool,
}

impl FiguresView {
    /// `shows_addresses` tells whether the user may see addresses of servers.
    pub(super) fn new(figures: Figures, now: LocalNow, shows_addresses: bool) -> Self {
        let Figures { database, instances, queue, hours, events, failing, paused, partitions } =
            figures;
        let mut facts = Vec::new();
        facts.extend(queue.iter().flat_map(|queue| queue_facts(queue, now.time)));
        facts.extend(events.map(events_fact));
        facts.extend(database.iter().flat_map(database_facts));
        facts.extend(partitions.as_ref().and_then(history_fact));
        Self {
            facts,
            hours: hours.map(|hours| hour_views(&hours, now)).unwrap_or_default(),
            failing: webhooks_view(failing, |webhook| FailingView::new(webhook, now)),
            paused: webhooks_view(paused, PausedView::new),
            instances: instances
                .into_iter()
                .flatten()
                .map(|instance| InstanceView::new(instance, now, shows_addresses))
                .collect(),
            shows_addresses,
        }
    }
}

fn fact(label: &'static str, value: impl Into<String>) -> Fact {
    Fact { label, value: value.into() }
}

fn queue_facts(queue: &Queue, now: Timestamp) -> Vec<Fact> {
    let total = queue.total();
    let unfinished =
        if total >= MAX_COUNTED { format!("{total} or more") } else { total.to_string() };
    let mut facts = vec![fact("Unfinished deliveries", unfinished)];
    for state in UNFINISHED {
        let count = queue.count(state);
        if count > 0 {
            facts.push(fact(state.label(), count.to_string()));
        }
    }
    let late = queue.oldest_due.and_then(|due| display_time::elapsed(due, now));
    facts.push(fact("Longest due for", late.unwrap_or_else(|| "None is late".to_owned())));
    facts
}

fn events_fact(count: i64) -> Fact {
    let count = if count >= MAX_COUNTED { format!("{count} or more") } else { count.to_string() };
    fact("Events in the last 5 minutes", count)
}

fn database_facts(database: &Reached) -> [Fact; 3] {
    let micros = u64::try_from(database.took.as_micros()).unwrap_or(u64::MAX);
    let clock = describe_skew(database.skew, database.server.time);
    [
        fact("Database", format!("PostgreSQL {}", database.server.version)),
        fact("Response time", display_time::duration(micros)),
        fact("Clock of this server", clock),
    ]
}

fn describe_skew(skew: TimeDelta, now: Timestamp) -> String {
    let difference = skew.abs();
    if difference <= TimeDelta::milliseconds(100) {
        return "Agrees with the database".to_owned();
    }
    let direction = if skew > TimeDelta::zero() { "ahead" } else { "behind" };
    let seconds = || format!("{:.1} s", difference.as_seconds_f64());
    let span = display_time::elapsed(now, now + difference).unwrap_or_else(seconds);
    format!("{span} {direction}")
}

fn history_fact(partitions: &PartitionDays) -> Option<Fact> {
    let first = partitions.values().filter_map(|days| days.first()).min()?;
    Some(fact("History since", first.format("%-d %b %Y").to_string()))
}

fn hour_views(hours: &RecentHours, now: LocalNow) -> Vec<HourView> {
    let elapsed = (now.time - hours.started_at).num_minutes().clamp(1, 60);
    let view = |label, start, totals: HourTotals, minutes: i64| {
        // Tenths, rounded.
        let rate = (totals.delivered * 10 + minutes / 2) / minutes;
        let per_minute = format!("{}.{}", rate / 10, rate % 10);
        HourView { label, start: DisplayTime::new(start, now), totals, per_minute }
    };
    vec![
        view("This hour", hours.started_at, hours.current, elapsed),
        view("Last hour", hours.started_at - TimeDelta::hours(1), hours.previous, 60),
    ]
}

fn webhooks_view<T, V>(webhooks: Option<Webhooks<T>>, view: impl Fn(T) -> V) -> WebhooksView<V> {
    let Some(Webhooks { count, first }) = webhooks else {
        return WebhooksView { rows: Vec::new(), more: 0 };
    };
    let more = count - i64::try_from(first.len()).unwrap_or_default();
    WebhooksView { rows: first.into_iter().map(view).collect(), more }
}

impl FailingView {
    fn new(webhook: FailingWebhook, now: LocalNow) -> Self {
        Self {
            href: format!("/webhooks/{}", webhook.id),
            name: webhook.name,
            since: DisplayTime::new(webhook.failing_since, now),
            probe: webhook.probe_at.map(|at| DisplayTime::new(at, now)),
            last_error: webhook.last_error,
        }
    }
}

impl PausedView {
    fn new(webhook: PausedWebhook) -> Self {
        let href = format!("/webhooks/{}", webhook.id);
        Self { href, name: webhook.name, reason: webhook.reason }
    }
}

impl InstanceView {
    fn new(instance: Instance, now: LocalNow, shows_address: bool) -> Self {
        Self {
            is_alive: instance.is_alive(),
            host_name: instance.host_name,
            version: instance.version,
            address: if shows_address { instance.address } else { String::new() },
            started: DisplayTime::new(instance.started_at, now),
            seen: DisplayTime::new(now.time - instance.unseen_for, now),
        }
    }
}
