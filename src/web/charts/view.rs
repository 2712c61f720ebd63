//! Charts, ready to print by `templates/charts/_charts.html`.

use std::time::Duration;

use super::Period;
use super::plot::{self, BAR_WIDTH, Segment};
use super::series::{self, Bar};
use crate::model::Timestamp;
use crate::store::hours::HourCounts;
use crate::web::display_time::{self, LocalNow};

/// The percentiles of latencies that are shown, with the class of their line.
const PERCENTILES: [(&str, u8); 3] = [("p50", 50), ("p95", 95), ("p99", 99)];

/// A link to another period.
#[derive(Debug)]
pub(in crate::web) struct PeriodLink {
    pub(in crate::web) label: &'static str,
    pub(in crate::web) href: String,
    pub(in crate::web) is_current: bool,
}

/// A number with its name.
#[derive(Debug)]
pub(in crate::web) struct Tile {
    pub(in crate::web) label: &'static str,
    pub(in crate::web) value: String,
    /// A color, if the number needs attention.
    pub(in crate::web) tone: &'static str,
}

/// A color of a chart and its meaning.
#[derive(Debug)]
pub(in crate::web) struct LegendEntry {
    pub(in crate::web) class: &'static str,
    pub(in crate::web) label: &'static str,
}

/// A line of a chart.
#[derive(Debug)]
pub(in crate::web) struct Line {
    pub(in crate::web) class: &'static str,
    pub(in crate::web) path: String,
    pub(in crate::web) dots: String,
}

/// The place of a bar, with what it shows in words.
#[derive(Debug)]
pub(in crate::web) struct Column {
    pub(in crate::web) x: usize,
    pub(in crate::web) text: String,
    pub(in crate::web) segments: Vec<Segment>,
}

/// A chart.
#[derive(Debug)]
pub(in crate::web) struct ChartView {
    pub(in crate::web) id: &'static str,
    pub(in crate::web) title: &'static str,
    /// The whole chart in words.
    pub(in crate::web) summary: String,
    pub(in crate::web) legend: Vec<LegendEntry>,
    /// Labels of the vertical axis, from the top.
    pub(in crate::web) scale: [String; 3],
    pub(in crate::web) columns: Vec<Column>,
    pub(in crate::web) lines: Vec<Line>,
}

/// A row of the table with the same numbers.
#[derive(Debug)]
pub(in crate::web) struct TableRow {
    pub(in crate::web) time: String,
    pub(in crate::web) counts: [i64; 3],
    pub(in crate::web) latencies: [String; 3],
}

/// All charts of a page.
#[derive(Debug)]
pub(in crate::web) struct ChartsView {
    pub(in crate::web) periods: Vec<PeriodLink>,
    /// Such as `24 hours`.
    pub(in crate::web) period: &'static str,
    pub(in crate::web) tiles: Vec<Tile>,
    pub(in crate::web) charts: [ChartView; 2],
    /// Labels of the time axis.
    pub(in crate::web) times: Vec<String>,
    pub(in crate::web) width: usize,
    pub(in crate::web) column_width: usize,
    pub(in crate::web) is_empty: bool,
    /// Newest first, without rows of zeros.
    pub(in crate::web) rows: Vec<TableRow>,
}

impl ChartsView {
    /// The start of the oldest hour to read.
    pub(in crate::web) fn first_hour(period: Period, now: Timestamp) -> Timestamp {
        series::first_hour(period, now)
    }

    /// Charts of hours. `path` is the address of the page; `waiting` is how many deliveries wait now.
    pub(in crate::web) fn new(
        path: &str,
        period: Period,
        now: LocalNow,
        hours: &[HourCounts],
        waiting: String,
    ) -> Self {
        let bars = series::bars(period, now.time, hours);
        let sum = series::total(&bars);
        let texts: Vec<String> = bars.iter().map(|bar| time_range(bar, period, now)).collect();
        let rows = bars.iter().zip(&texts).rev().filter(|(bar, _)| bar.total() > 0);
        let labels = bars.iter().step_by(period.bars_per_label());
        Self {
            periods: Period::ALL.map(|other| period_link(path, other, period)).into(),
            period: period.label(),
            tiles: tiles(sum.as_ref(), waiting),
            charts: [
                deliveries(&bars, &texts, sum.as_ref()),
                latencies(&bars, &texts, sum.as_ref()),
            ],
            times: labels.map(|bar| axis_label(bar, period, now)).collect(),
            width: bars.len() * BAR_WIDTH,
            column_width: BAR_WIDTH,
            is_empty: sum.is_none_or(|sum| sum.total() == 0),
            rows: rows.map(|(bar, time)| row(bar, time)).collect(),
        }
    }
}

fn period_link(path: &str, period: Period, current: Period) -> PeriodLink {
    let name: &'static str = period.into();
    let is_default = period == Period::default();
    let href = if is_default { path.to_owned() } else { format!("{path}?period={name}") };
    PeriodLink { label: period.label(), href, is_current: period == current }
}

fn tiles(sum: Option<&Bar>, waiting: String) -> Vec<Tile> {
    let (delivered, failed, retried) =
        sum.map_or((0, 0, 0), |sum| (sum.delivered, sum.failed, sum.retried));
    let latency =
        |part| sum.and_then(|sum| sum.latencies.percentile(part)).map_or("–".to_owned(), short);
    let tile = |label, value| Tile { label, value, tone: "" };
    vec![
        tile("Delivered", grouped(delivered)),
        Tile { tone: if failed > 0 { "bad" } else { "" }, ..tile("Failed", grouped(failed)) },
        tile("Success rate", success_rate(delivered, failed + retried)),
        tile("Latency p50", latency(50)),
        tile("Latency p95", latency(95)),
        tile("Waiting now", waiting),
    ]
}

fn deliveries(bars: &[Bar], texts: &[String], sum: Option<&Bar>) -> ChartView {
    let highest = bars.iter().map(Bar::total).max().unwrap_or_default();
    let maximum = plot::nice_maximum(highest);
    let columns = bars.iter().zip(texts).enumerate().map(|(index, (bar, time))| {
        let parts = [("good", bar.delivered), ("bad", bar.failed), ("warn", bar.retried)];
        Column {
            x: index * BAR_WIDTH,
            text: format!("{time}: {}", counts_text(bar)),
            segments: plot::stack(index, &parts, maximum),
        }
    });
    // Half of an odd number is not a count.
    let middle = if maximum % 2 == 0 { grouped(maximum / 2) } else { String::new() };
    ChartView {
        id: "deliveries-chart",
        title: "Deliveries",
        summary: sum.map_or_else(String::new, counts_text),
        legend: vec![
            LegendEntry { class: "good", label: "Delivered" },
            LegendEntry { class: "bad", label: "Failed" },
            LegendEntry { class: "warn", label: "Retried" },
        ],
        scale: [grouped(maximum), middle, "0".to_owned()],
        columns: columns.collect(),
        lines: Vec::new(),
    }
}

fn latencies(bars: &[Bar], texts: &[String], sum: Option<&Bar>) -> ChartView {
    let of_bars = PERCENTILES.map(|(class, part)| {
        let values = bars.iter().map(|bar| bar.latencies.percentile(part).map(micros));
        (class, values.collect::<Vec<Option<i64>>>())
    });
    let highest = of_bars.iter().flat_map(|(_, values)| values).flatten().copied();
    let maximum = plot::nice_maximum(highest.max().unwrap_or_default());
    let columns = bars.iter().zip(texts).enumerate().map(|(index, (bar, time))| Column {
        x: index * BAR_WIDTH,
        text: format!("{time}: {}", latency_text(bar)),
        segments: Vec::new(),
    });
    let label = |micros: i64| {
        let label = display_time::duration(u64::try_from(micros).unwrap_or_default());
        if maximum > 1 { label } else { String::new() }
    };
    ChartView {
        id: "latency-chart",
        title: "Latency",
        summary: sum.map_or_else(String::new, latency_text),
        legend: PERCENTILES.map(|(class, _)| LegendEntry { class, label: class }).into(),
        scale: [label(maximum), label(maximum / 2), "0".to_owned()],
        columns: columns.collect(),
        lines: of_bars
            .map(|(class, values)| Line {
                class,
                path: plot::line(&values, maximum),
                dots: plot::dots(&values, maximum),
            })
            .into_iter()
            .filter(|line| !line.path.is_empty())
            .collect(),
    }
}

fn row(bar: &Bar, time: &str) -> TableRow {
    let latency = |part| bar.latencies.percentile(part).map_or("–".to_owned(), short);
    TableRow {
        time: time.to_owned(),
        counts: [bar.delivered, bar.failed, bar.retried],
        latencies: PERCENTILES.map(|(_, part)| latency(part)),
    }
}

fn counts_text(bar: &Bar) -> String {
    let (delivered, failed) = (grouped(bar.delivered), grouped(bar.failed));
    format!("{delivered} delivered, {failed} failed, {} retried", grouped(bar.retried))
}

fn latency_text(bar: &Bar) -> String {
    let parts = PERCENTILES.map(|(name, part)| {
        bar.latencies.percentile(part).map(|latency| format!("{name} {}", short(latency)))
    });
    let known: Vec<String> = parts.into_iter().flatten().collect();
    if known.is_empty() { "No successful deliveries".to_owned() } else { known.join(", ") }
}

fn time_range(bar: &Bar, period: Period, now: LocalNow) -> String {
    let start = now.format(bar.start, "%-d %b, %H:%M");
    let pattern = if period == Period::Month { "%-d %b, %H:%M" } else { "%H:%M" };
    format!("{start} to {}", now.format(bar.end, pattern))
}

fn axis_label(bar: &Bar, period: Period, now: LocalNow) -> String {
    now.format(bar.start, if period == Period::Day { "%H:%M" } else { "%-d %b" })
}

fn micros(latency: Duration) -> i64 {
    i64::try_from(latency.as_micros()).unwrap_or(i64::MAX)
}

fn short(latency: Duration) -> String {
    display_time::duration(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX))
}

/// Formats a number with separators, such as `1,234`.
fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The part of attempts that delivered, such as `99.8 %`; a dash if there are none.
pub(in crate::web) fn success_rate(delivered: i64, failed: i64) -> String {
    if delivered + failed == 0 {
        return "–".to_owned();
    }
    match delivered * 1000 / (delivered + failed) {
        1000 => "100 %".to_owned(),
        per_mille => format!("{}.{} %", per_mille / 10, per_mille % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LatencyCounts;

    fn hour(start: &str, delivered: i64, millis: u64) -> HourCounts {
        let mut latencies = LatencyCounts::default();
        for _ in 0..delivered {
            latencies.record(Duration::from_millis(millis));
        }
        HourCounts { hour: start.parse().unwrap(), delivered, failed: 1, retried: 0, latencies }
    }

    fn charts(period: Period, zone: &str, hours: &[HourCounts]) -> ChartsView {
        let now = LocalNow::new("2026-11-27T16:40:00Z".parse().unwrap(), zone);
        ChartsView::new("/webhooks/1", period, now, hours, "0".to_owned())
    }

    #[test]
    fn values_are_described_in_words_and_in_the_time_zone() {
        let hours = [hour("2026-11-27T16:00:00Z", 1_200, 100)];
        let shown = charts(Period::Day, "Europe/Zurich", &hours);
        let last = shown.charts[0].columns.last().unwrap();
        assert_eq!(last.text, "27 Nov, 17:00 to 18:00: 1,200 delivered, 1 failed, 0 retried");
        assert_eq!(shown.rows.len(), 1);
        assert_eq!(shown.tiles[2].value, "99.9 %");
        let month = charts(Period::Month, "UTC", &hours);
        let last = month.charts[1].columns.last().unwrap();
        assert!(last.text.starts_with("26 Nov, 17:00 to 27 Nov, 17:00: p50 "), "{}", last.text);
    }

    #[test]
    fn nothing_is_empty() {
        let shown = charts(Period::Week, "UTC", &[]);
        assert!(shown.is_empty && shown.rows.is_empty());
        assert_eq!(
            shown.tiles.iter().map(|tile| tile.value.as_str()).collect::<Vec<_>>(),
            ["0", "0", "–", "–", "–", "0"]
        );
        assert_eq!(
            shown.charts[1].columns[0].text,
            "20 Nov, 17:00 to 23:00: No successful deliveries"
        );
    }

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn rates_are_rounded_down() {
        for (delivered, failed, text) in
            [(0, 0, "–"), (9_999, 1, "99.9 %"), (5, 0, "100 %"), (0, 3, "0.0 %")]
        {
            assert_eq!(success_rate(delivered, failed), text);
        }
    }
}
