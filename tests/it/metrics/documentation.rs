//! Documentation, dashboard and alerts name the metrics that exist.

use std::collections::BTreeSet;
use std::path::Path;

use gatepost::metrics::names::{self, Definition, Kind};
use serde_json::Value;

fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/monitoring").join(file);
    std::fs::read_to_string(path).unwrap()
}

/// Returns the names of metrics that a text mentions, as they are in a scrape.
fn mentioned(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c == '_' || c == '*';
    let words = text.split(|c| !is_part(c)).filter(|word| word.starts_with("gatepost_"));
    words.map(str::to_owned).collect()
}

/// Returns whether a metric has a series of this name.
fn has_series(metric: &Definition, name: &str) -> bool {
    let rest = name.strip_prefix(metric.name);
    match metric.kind {
        Kind::Histogram => rest.is_some_and(|rest| ["_bucket", "_sum", "_count"].contains(&rest)),
        Kind::Counter | Kind::Gauge => rest == Some(""),
    }
}

#[test]
fn the_table_lists_all_metrics() {
    let expected: Vec<String> = names::ALL
        .iter()
        .map(|metric| {
            let labels: Vec<String> =
                metric.labels.iter().map(|label| format!("`{label}`")).collect();
            let labels = if labels.is_empty() { "–".to_owned() } else { labels.join(", ") };
            let kind = metric.kind.as_str();
            format!("| `{}` | {kind} | {labels} | {} |", metric.name, metric.help)
        })
        .collect();
    let text = read("README.md");
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| `gatepost_")).collect();
    assert_eq!(rows, expected, "docs/monitoring/README.md");
}

#[test]
fn the_text_names_only_existing_metrics() {
    for name in mentioned(&read("README.md")) {
        let exists = names::ALL.iter().any(|metric| match name.split_once('*') {
            Some((beginning, _)) => metric.name.starts_with(beginning),
            None => metric.name == name || has_series(metric, &name),
        });
        assert!(exists, "{name}");
    }
}

#[test]
fn every_expression_of_the_alerts_names_existing_series() {
    let text = read("alerts.yml");
    let alerts: Value = serde_saphyr::from_str(&text).unwrap();
    let rules = alerts["groups"][0]["rules"].as_array().unwrap();
    assert!(rules.len() > 8);
    let mut known = BTreeSet::new();
    for rule in rules {
        let name = rule["alert"].as_str().unwrap();
        assert!(known.insert(name), "{name} occurs twice");
        check_expression(rule["expr"].as_str().unwrap());
        let summary = rule["annotations"]["summary"].as_str().unwrap();
        assert!(summary.ends_with('.'), "{summary}");
        assert!(rule["labels"]["severity"].is_string(), "{name}");
    }
}

#[test]
fn every_query_of_the_dashboard_names_existing_series() {
    let dashboard: Value = serde_json::from_str(&read("grafana-dashboard.json")).unwrap();
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    assert_eq!(
        (&variables[0]["name"], &variables[0]["type"]),
        (&"datasource".into(), &"datasource".into())
    );
    let panels = dashboard["panels"].as_array().unwrap();
    let mut shown = BTreeSet::new();
    for panel in panels {
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
        for target in panel["targets"].as_array().unwrap() {
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
            let query = target["expr"].as_str().unwrap();
            check_expression(query);
            shown.extend(mentioned(query));
        }
    }
    for metric in names::ALL {
        assert!(
            shown.iter().any(|name| has_series(metric, name)),
            "no panel shows {}",
            metric.name
        );
    }
}

/// Checks the names of series and labels in an expression.
fn check_expression(expression: &str) {
    let depth = expression.chars().fold(0_i32, |depth, c| match c {
        '(' | '{' | '[' => depth + 1,
        ')' | '}' | ']' => depth - 1,
        _ => depth,
    });
    assert_eq!(depth, 0, "{expression}");
    for name in mentioned(expression) {
        let metric = names::ALL.iter().find(|metric| has_series(metric, &name));
        let Some(metric) = metric else { panic!("no series {name}: {expression}") };
        let counts = ["rate(", "increase("].iter().any(|function| expression.contains(function));
        assert!(metric.kind == Kind::Gauge || counts, "{expression}");
        for selector in expression.split(&format!("{name}{{")).skip(1) {
            let selector = selector.split('}').next().unwrap_or_default();
            for label in selector.split(',') {
                let label = label.split(['=', '!']).next().unwrap_or_default().trim();
                let is_known = metric.labels.contains(&label) || label == "job";
                assert!(is_known, "{name} has no label {label}: {expression}");
            }
        }
    }
}
