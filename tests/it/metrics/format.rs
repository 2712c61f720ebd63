//! A strict parser of Prometheus' text format: <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::collections::{BTreeMap, BTreeSet};

/// The name and the labels of a series.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Series {
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
}

impl Series {
    pub(super) fn new(name: &str, labels: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self { name: name.to_owned(), labels: labels.iter().map(owned).collect() }
    }

    /// Returns the series without a label.
    fn without(&self, label: &str) -> Self {
        let mut other = self.clone();
        other.labels.remove(label);
        other
    }
}

/// Returns all series. Each must belong to the metric that precedes it, which has a help text and a type.
pub(super) fn parse(text: &str) -> Result<BTreeMap<Series, f64>, String> {
    if !text.ends_with('\n') {
        return Err("the last line has no end".to_owned());
    }
    let mut all = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let (mut helped, mut name, mut kind) = ("", "", "");
    for line in text.lines().filter(|line| !line.is_empty()) {
        let fail = |problem: &str| Err(format!("{problem}: {line}"));
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let Some((metric, help)) = rest.split_once(' ') else { return fail("no text") };
            if help.is_empty() {
                return fail("an empty text");
            }
            helped = metric;
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let Some(pair) = rest.split_once(' ') else { return fail("no type") };
            (name, kind) = pair;
            if helped != name || !["counter", "gauge", "histogram"].contains(&kind) {
                return fail("no help, or an unknown type");
            }
            if !seen.insert(name) {
                return fail("a metric that occurs twice");
            }
        } else {
            let (series, value) = sample(line).ok_or_else(|| format!("not a sample: {line}"))?;
            let suffix = series.name.strip_prefix(name).filter(|_| !name.is_empty());
            let suffixes: &[&str] =
                if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
            if suffix.is_none_or(|suffix| !suffixes.contains(&suffix)) {
                return fail("a sample of another metric");
            }
            if kind != "gauge" && value < 0.0 {
                return fail("a negative number");
            }
            if all.insert(series, value).is_some() {
                return fail("a series that occurs twice");
            }
        }
    }
    check_histograms(&all)?;
    Ok(all)
}

fn sample(line: &str) -> Option<(Series, f64)> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = line.find(|c| !is_name(c))?;
    let (name, mut rest) = line.split_at(end);
    let mut series = Series::new(name, &[]);
    if let Some(labels) = rest.strip_prefix('{') {
        rest = labels;
        loop {
            let (label, value) = rest.split_once("=\"")?;
            let is_valid = !label.is_empty() && label.chars().all(is_name);
            let (value, after) = quoted(value)?;
            if !is_valid || series.labels.insert(label.to_owned(), value).is_some() {
                return None;
            }
            rest = match after.strip_prefix(',') {
                Some(next) => next,
                None => break rest = after.strip_prefix('}')?,
            };
        }
    }
    let value = rest.strip_prefix(' ')?;
    Some((series, value.parse().ok()?))
}

/// Returns a label value and what follows its closing quote.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next()? {
            '"' => return Some((value, chars.as_str())),
            '\\' => value.push(match chars.next()? {
                'n' => '\n',
                c @ ('"' | '\\') => c,
                _ => return None,
            }),
            c => value.push(c),
        }
    }
}

/// Buckets are cumulative, and the last one counts all observations.
fn check_histograms(all: &BTreeMap<Series, f64>) -> Result<(), String> {
    let mut buckets: BTreeMap<Series, Vec<(f64, f64)>> = BTreeMap::new();
    for (series, value) in all {
        let Some(bound) = series.labels.get("le") else { continue };
        let bound = bound.parse().map_err(|_error| format!("not a bound: {bound}"))?;
        buckets.entry(series.without("le")).or_default().push((bound, *value));
    }
    for (series, mut buckets) in buckets {
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        let counts: Vec<f64> = buckets.iter().map(|(_, count)| *count).collect();
        let name = series.name.replace("_bucket", "_count");
        let count = all.get(&Series { name, ..series.clone() });
        let (bound, last) = buckets.last().copied().unwrap_or_default();
        if !counts.is_sorted() || bound != f64::INFINITY || Some(&last) != count {
            return Err(format!("a histogram that does not add up: {series:?}"));
        }
    }
    Ok(())
}

#[test]
fn malformed_texts_are_rejected() {
    let head = "# HELP a_total Text.\n# TYPE a_total counter\n";
    let good = format!("{head}a_total{{b=\"c\\\\\\\"\\nd\",e=\"f\"}} 1.5\n\n");
    let series = Series::new("a_total", &[("b", "c\\\"\nd"), ("e", "f")]);
    assert_eq!(parse(&good).unwrap(), BTreeMap::from([(series, 1.5)]));
    for bad in [
        "a_total 1\n".to_owned(),
        format!("{head}b_total 1\n"),
        format!("{head}a_total 1"),
        format!("{head}a_total  1\n"),
        format!("{head}a_total one\n"),
        format!("{head}a_total -1\n"),
        format!("{head}a_total 1\na_total 2\n"),
        format!("{head}a_total{{}} 1\n"),
        format!("{head}a_total{{b=\"c}} 1\n"),
        format!("{head}a_total{{b=\"\\c\"}} 1\n"),
        format!("{head}a_total{{b=\"c\",b=\"d\"}} 1\n"),
        format!("{head}{head}"),
        "# TYPE a_total counter\na_total 1\n".to_owned(),
        "# HELP a A.\n# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\na_count 1\na_sum 1\n".to_owned(),
        "# HELP a A.\n# TYPE a histogram\na_bucket{le=\"1\"} 1\na_count 1\na_sum 1\n".to_owned(),
    ] {
        assert!(parse(&bad).is_err(), "{bad}");
    }
}
