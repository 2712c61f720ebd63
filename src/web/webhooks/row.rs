//! A row of the list of webhooks, ready to print.

use askama::Template;

use crate::model::Trigger;
use crate::store::webhook_health::{Health, Hour};
use crate::store::webhook_list::ListedWebhook;
use crate::web::charts::success_rate;
use crate::web::display_time::{self, DisplayTime, LocalNow};

/// Maximum length of a path, in characters. Longer ones are shortened.
const MAX_PATH_CHARS: usize = 30;
/// Maximum number of triggers shown as chips.
const MAX_CHIPS: usize = 2;
/// Middle of the first bar, in units of the sparkline.
const FIRST_BAR: i64 = 2;
/// Height of the sparkline, in its own units.
const SPARK_HEIGHT: i64 = 20;

/// Result of the newest deliveries.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Last {
    /// The newest delivery succeeded.
    Delivered(DisplayTime),
    /// The newest attempts failed.
    Failing(Failing),
    /// Gatepost has paused the webhook, for this reason.
    Paused(String),
    /// There are no deliveries.
    Never,
}

/// Deliveries that fail.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failing {
    pub(super) since: DisplayTime,
    /// Such as `15 min`; `None` if it is too short to show.
    pub(super) duration: Option<String>,
    /// Reason of the newest failure.
    pub(super) reason: String,
}

/// The bars of the sparkline in one color.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bars {
    pub(super) class: &'static str,
    /// Path data of SVG: a vertical line for each bar.
    pub(super) path: String,
}

/// One bar of the sparkline.
#[derive(Debug, PartialEq, Eq)]
struct Bar {
    x: i64,
    y: i64,
    height: i64,
    class: &'static str,
}

#[derive(Debug)]
pub(super) struct RowView {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) active: bool,
    pub(super) method: String,
    pub(super) url: String,
    pub(super) host: String,
    pub(super) path: String,
    /// Whether the path is shortened.
    pub(super) is_shortened: bool,
    /// Whether the server's certificate is not verified.
    pub(super) unverified: bool,
    pub(super) triggers: Vec<String>,
    /// Number of triggers that are not shown.
    pub(super) more: usize,
    pub(super) all_triggers: String,
    pub(super) last: Last,
    /// Such as `99.8 %`, or a dash.
    pub(super) rate: String,
    pub(super) bars: Vec<Bars>,
    pub(super) spark_label: String,
}

/// A single row, for htmx.
#[derive(Template)]
#[template(path = "webhooks/_row.html")]
pub(super) struct RowPart {
    pub(super) row: RowView,
}

impl RowView {
    pub(super) fn new(webhook: ListedWebhook, health: &Health, now: LocalNow) -> Self {
        let ListedWebhook { id, name, active, method, url, unverified, .. } = webhook;
        let (host, path) = split_url(&url);
        let triggers: Vec<String> = Trigger::ALL
            .iter()
            .map(|trigger| trigger.as_str())
            .filter(|word| webhook.triggers.iter().any(|chosen| chosen == word))
            .map(str::to_owned)
            .collect();
        let delivered: i64 = health.hours.iter().map(|hour| hour.delivered).sum();
        let failed: i64 = health.hours.iter().map(|hour| hour.failed).sum();
        Self {
            id: id.to_string(),
            name,
            active,
            method,
            url,
            host,
            is_shortened: path.chars().count() > MAX_PATH_CHARS,
            path: shorten(&path),
            unverified,
            more: triggers.len().saturating_sub(MAX_CHIPS),
            all_triggers: triggers.join(", "),
            triggers: triggers.into_iter().take(MAX_CHIPS).collect(),
            last: last(health, now),
            rate: success_rate(delivered, failed),
            bars: paths(&bars(&health.hours)),
            spark_label: format!("Last 24 hours: {delivered} delivered, {failed} failed attempts"),
        }
    }
}

fn last(health: &Health, now: LocalNow) -> Last {
    if let Some(reason) = &health.paused_because {
        return Last::Paused(reason.clone());
    }
    match (health.failing_since, health.last_delivered_at) {
        (Some(since), _) => Last::Failing(Failing {
            since: DisplayTime::new(since, now),
            duration: display_time::elapsed(since, now.time),
            reason: health.last_error.clone().unwrap_or_default(),
        }),
        (None, Some(at)) => Last::Delivered(DisplayTime::new(at, now)),
        (None, None) => Last::Never,
    }
}

/// Bars of the sparkline: one per hour, failed on top of delivered. Empty without any deliveries.
fn bars(hours: &[Hour]) -> Vec<Bar> {
    let max = hours.iter().map(|hour| hour.delivered + hour.failed).max().unwrap_or_default();
    if max == 0 {
        return Vec::new();
    }
    let scaled = |count: i64| if count == 0 { 0 } else { (count * SPARK_HEIGHT / max).max(2) };
    let mut bars = Vec::new();
    for (x, hour) in (FIRST_BAR..).step_by(4).zip(hours) {
        let good = scaled(hour.delivered);
        let bad = scaled(hour.failed).min(SPARK_HEIGHT - good.min(SPARK_HEIGHT - 2));
        if good == 0 && bad == 0 {
            bars.push(Bar { x, y: SPARK_HEIGHT - 1, height: 1, class: "none" });
        }
        if good > 0 {
            let good = good.min(SPARK_HEIGHT - bad);
            bars.push(Bar { x, y: SPARK_HEIGHT - good, height: good, class: "good" });
        }
        if bad > 0 {
            let y = (SPARK_HEIGHT - good - bad).max(0);
            bars.push(Bar { x, y, height: bad, class: "bad" });
        }
    }
    bars
}

/// Combines the bars of each color, because a page has many.
fn paths(bars: &[Bar]) -> Vec<Bars> {
    let path = |class: &'static str| {
        let of_class = bars.iter().filter(|bar| bar.class == class);
        let outline = |Bar { x, y, height, .. }: &Bar| format!("M{x} {}v-{height}", y + height);
        let path = of_class.map(outline).collect::<Vec<_>>().concat();
        (!path.is_empty()).then_some(Bars { class, path })
    };
    ["none", "good", "bad"].into_iter().filter_map(path).collect()
}

/// Splits a URL into its host with port and the rest. The rest can contain placeholders, so it is not parsed as a URL.
fn split_url(url: &str) -> (String, String) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    (host.to_owned(), path.to_owned())
}

/// Removes the middle of a long path, because both ends are more significant.
fn shorten(path: &str) -> String {
    let count = path.chars().count();
    if count <= MAX_PATH_CHARS {
        return path.to_owned();
    }
    let head: String = path.chars().take(MAX_PATH_CHARS / 2).collect();
    let tail: String = path.chars().skip(count - MAX_PATH_CHARS / 2 + 1).collect();
    format!("{head}…{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_and_shortens_urls() {
        assert_eq!(split_url("https://10.0.0.5:8443/a?b"), ("10.0.0.5:8443".into(), "/a?b".into()));
        assert_eq!(split_url("https://host?x={{a}}"), ("host".into(), "?x={{a}}".into()));
        assert_eq!(shorten("/reopen_incident"), "/reopen_incident");
        assert_eq!(shorten(&"x".repeat(80)).chars().count(), MAX_PATH_CHARS);
    }

    #[test]
    fn bars_stay_within_the_sparkline() {
        let hours = [
            Hour { delivered: 1000, failed: 1 },
            Hour { delivered: 0, failed: 1001 },
            Hour { delivered: 1, failed: 1 },
            Hour::default(),
        ];
        for bar in bars(&hours) {
            assert!(bar.y >= 0 && bar.height > 0 && bar.y + bar.height <= SPARK_HEIGHT, "{bar:?}");
        }
        let colors = paths(&bars(&hours));
        assert_eq!(colors.len(), 3);
        assert_eq!(colors[0], Bars { class: "none", path: "M14 20v-1".to_owned() });
    }
}
