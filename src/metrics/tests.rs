use super::*;

fn metrics() -> Metrics {
    Metrics::new(&["timeout"], &["invalid"]).unwrap()
}

/// Returns the lines of a metric that contain a text.
fn lines(metrics: &Metrics, beginning: &str) -> Vec<String> {
    let text = metrics.render();
    let mut found: Vec<String> =
        text.lines().filter(|line| line.starts_with(beginning)).map(str::to_owned).collect();
    found.sort();
    found
}

#[test]
fn series_of_known_values_exist_from_the_start() {
    let metrics = metrics();
    assert_eq!(
        lines(&metrics, "gatepost_attempts_total"),
        [
            "gatepost_attempts_total{outcome=\"success\"} 0",
            "gatepost_attempts_total{outcome=\"timeout\"} 0"
        ]
    );
    assert_eq!(
        lines(&metrics, "gatepost_event_requests_rejected_total"),
        ["gatepost_event_requests_rejected_total{reason=\"invalid\"} 0"]
    );
    let groups = "gatepost_database_statement_duration_seconds_count";
    assert_eq!(lines(&metrics, groups).len(), Statements::ALL.len());
}

#[test]
fn an_attempt_is_counted_by_outcome_and_class() {
    let metrics = metrics();
    let duration = Duration::from_millis(30);
    for (outcome, status) in
        [(SUCCESS, Some(204)), ("timeout", None), ("status", Some(599)), ("status", Some(999))]
    {
        metrics.attempted(Attempt { outcome, status, duration });
    }
    assert_eq!(lines(&metrics, "gatepost_attempts_total").len(), 3);
    assert_eq!(
        lines(&metrics, "gatepost_attempts_total{outcome=\"status\"}"),
        ["gatepost_attempts_total{outcome=\"status\"} 2"]
    );
    assert_eq!(
        lines(&metrics, "gatepost_responses_total{class=\"2xx\"}"),
        ["gatepost_responses_total{class=\"2xx\"} 1"]
    );
    assert_eq!(
        lines(&metrics, "gatepost_responses_total{class=\"5xx\"}"),
        ["gatepost_responses_total{class=\"5xx\"} 1"]
    );
    let bucket = "gatepost_attempt_duration_seconds_bucket{le=\"0.05\"}";
    assert_eq!(lines(&metrics, bucket), [format!("{bucket} 4")]);
    let bucket = "gatepost_attempt_duration_seconds_bucket{le=\"0.025\"}";
    assert_eq!(lines(&metrics, bucket), [format!("{bucket} 0")]);
}

#[test]
fn only_a_limited_number_of_webhooks_has_its_own_label() {
    let metrics = metrics();
    let webhook = |number: usize| Uuid::from_u128(u128::try_from(number).unwrap());
    for _ in 0..2 {
        for number in 0..300 {
            metrics.ended(webhook(number), Outcome::Failed);
        }
    }
    let failed: Vec<String> = lines(&metrics, "gatepost_deliveries_total")
        .into_iter()
        .filter(|line| line.contains("result=\"failed\""))
        .collect();
    assert_eq!(failed.len(), MAX_LABELLED_WEBHOOKS + 1);
    assert!(failed.contains(&format!(
        "gatepost_deliveries_total{{webhook=\"other\",result=\"failed\"}} {}",
        2 * (300 - MAX_LABELLED_WEBHOOKS)
    )));
    assert!(metrics.label_webhook(webhook(7)));
    assert!(!metrics.label_webhook(webhook(250)));
    // The first ones keep their label.
    metrics.ended(webhook(0), Outcome::Retried);
    let retried = format!("gatepost_retries_total{{webhook=\"{}\"}} 1", webhook(0));
    assert_eq!(
        lines(&metrics, "gatepost_retries_total").iter().filter(|line| **line == retried).count(),
        1
    );
}

#[test]
fn several_servers_do_not_share_counts() {
    let (one, other) = (metrics(), metrics());
    one.events_accepted(2, 1);
    assert_eq!(lines(&one, "gatepost_events_accepted_total"), ["gatepost_events_accepted_total 2"]);
    assert_eq!(
        lines(&one, "gatepost_events_duplicate_total"),
        ["gatepost_events_duplicate_total 1"]
    );
    assert_eq!(
        lines(&other, "gatepost_events_accepted_total"),
        ["gatepost_events_accepted_total 0"]
    );
}
