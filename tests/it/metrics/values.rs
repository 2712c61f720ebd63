//! The values of metrics after known events.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use gatepost::identity::Scope;
use gatepost::metrics::names;
use serde_json::json;

use super::Scrape;
use crate::support::builders::WebhookBuilder;
use crate::support::logpoint::Behaviour;
use crate::support::scenario::Scenario;
use crate::support::{TestApp, event};

/// A scenario with a second webhook, which always fails.
async fn start() -> (Scenario, String, String) {
    let scenario =
        Scenario::with_webhook(|webhook| webhook.with("retry_schedule", json!(["1s"]))).await;
    let failing = WebhookBuilder::new("Failing", "https://127.0.0.1:1/")
        .with("retry_schedule", json!(["1s"]))
        .triggers(&["Created"]);
    let failing = scenario.app.webhooks(&failing.file()).await.remove(0);
    let read = scenario.app.token(Scope::Read).await;
    (scenario, failing, read)
}

#[tokio::test]
async fn events_deliveries_and_attempts_are_counted() {
    let (Scenario { app, logpoint, webhook, token }, failing, read) = start().await;
    // Three are accepted, of which one is also sent to the failing webhook. One is a duplicate, and one is rejected.
    app.send(&token, &event("Granted", "1")).await;
    app.wait_for("delivered", 1).await;
    logpoint.behave([Behaviour::Status(503, "busy".to_owned())]);
    app.send(&token, &event("Granted", "2")).await;
    app.wait_for("delivered", 2).await;
    assert_eq!(app.send(&token, &event("Granted", "2")).await.1["events"][0]["duplicate"], true);
    assert_eq!(app.send(&token, &json!({"event_type": "Unknown"})).await.0, 422);
    app.send(&token, &event("Created", "3")).await;
    app.wait_for("delivered", 3).await;
    app.wait_for("failed", 1).await;

    let scrape = Scrape::of(&app, &read).await;
    assert_eq!(scrape.get("gatepost_events_accepted_total", &[]), 3.0);
    assert_eq!(scrape.get("gatepost_events_duplicate_total", &[]), 1.0);
    let rejected = "gatepost_event_requests_rejected_total";
    assert_eq!(scrape.get(rejected, &[("reason", "invalid")]), 1.0);
    assert_eq!(scrape.sum(rejected), 1.0);
    let deliveries = |webhook: &str, result: &str| {
        scrape.get("gatepost_deliveries_total", &[("webhook", webhook), ("result", result)])
    };
    assert_eq!((deliveries(&webhook, "delivered"), deliveries(&webhook, "failed")), (3.0, 0.0));
    assert_eq!((deliveries(&failing, "delivered"), deliveries(&failing, "failed")), (0.0, 1.0));
    assert_eq!(deliveries("other", "delivered"), 0.0);
    assert_eq!(scrape.get("gatepost_retries_total", &[("webhook", &webhook)]), 1.0);
    assert_eq!(scrape.get("gatepost_retries_total", &[("webhook", &failing)]), 1.0);
    let attempts = |outcome| scrape.get("gatepost_attempts_total", &[("outcome", outcome)]);
    assert_eq!((attempts("success"), attempts("status"), attempts("refused")), (3.0, 1.0, 2.0));
    assert_eq!(scrape.sum("gatepost_attempts_total"), 6.0);
    assert_eq!(scrape.get("gatepost_responses_total", &[("class", "2xx")]), 3.0);
    assert_eq!(scrape.get("gatepost_responses_total", &[("class", "5xx")]), 1.0);
    assert_eq!(scrape.get("gatepost_attempt_duration_seconds_count", &[]), 6.0);
    assert_eq!(scrape.get("gatepost_delivery_latency_seconds_count", &[]), 3.0);
    // One delivery was retried after a second.
    let within = |bound| scrape.get("gatepost_delivery_latency_seconds_bucket", &[("le", bound)]);
    assert!(within("0.5") <= 2.0 && within("30") == 3.0);
    let connections = |name: &str| scrape.get(&format!("gatepost_connections_{name}_total"), &[]);
    assert_eq!(connections("opened") + connections("reused"), 4.0);
    assert!(connections("opened") >= 1.0 && connections("reused") >= 1.0);
    app.finish().await;
}

#[tokio::test]
async fn figures_are_read_from_the_database_at_most_once_in_five_seconds() {
    let (Scenario { app, logpoint, webhook, token }, _, read) = start().await;
    logpoint.always(Behaviour::Status(503, "busy".to_owned()));
    app.change_webhook(
        &webhook,
        &WebhookBuilder::reopen(&logpoint).with("retry_schedule", json!(["1h"])).file(),
        "ann.ngo@example.com",
    )
    .await;
    app.send(&token, &event("Granted", "1")).await;
    app.send(&token, &event("Granted", "1b")).await;
    app.send(
        &token,
        &json!({"event_type": "AccessRequestCreated", "event_time": "5", "data": {"id": "x"}}),
    )
    .await;
    app.wait_until("three attempts", async || logpoint.requests().len() == 3).await;
    app.wait_until("their results", async || {
        let due: i64 =
            sqlx::query_scalar("select count(*) from delivery_queue where state = 'due'")
                .fetch_one(app.database.pool())
                .await
                .unwrap();
        due == 3
    })
    .await;
    let state =
        |scrape: &Scrape, state: &str| scrape.get("gatepost_queue_deliveries", &[("state", state)]);
    let scrape = Scrape::of(&app, &read).await;
    assert_eq!((state(&scrape, "scheduled"), state(&scrape, "due")), (3.0, 0.0));
    assert_eq!(scrape.get("gatepost_queue_oldest_due_age_seconds", &[]), 0.0);
    let reads = |scrape: &Scrape| {
        let group = [("group", "scrape")];
        scrape.get("gatepost_database_statement_duration_seconds_count", &group)
    };
    let (before, started_at) = (reads(&scrape), Instant::now());
    for _ in 0..10 {
        Scrape::of(&app, &read).await;
    }
    let after = reads(&Scrape::of(&app, &read).await);
    assert!(after <= before + 1.0 + started_at.elapsed().as_secs_f64() / 5.0);
    sqlx::query("update delivery_queue set due_at = now() - interval '10 minutes', state = 'held'")
        .execute(app.database.pool())
        .await
        .unwrap();
    app.wait_until("new figures", async || state(&Scrape::of(&app, &read).await, "held") == 3.0)
        .await;
    app.finish_with_leftovers().await;
}

#[tokio::test]
async fn the_age_of_what_waits_and_the_open_breaker_are_reported() {
    let (Scenario { app, logpoint: _logpoint, token, .. }, failing, read) = start().await;
    let webhook = WebhookBuilder::new("Failing", "https://127.0.0.1:1/")
        .with("retry_schedule", json!(vec!["1h"; 8]))
        .triggers(&["Created"]);
    app.change_webhook(&failing, &webhook.file(), "ann.ngo@example.com").await;
    for number in 0..12 {
        app.send(&token, &event("Created", &number.to_string())).await;
    }
    let open = |scrape: &Scrape, webhook: &str| {
        scrape.get("gatepost_circuit_breaker_open", &[("webhook", webhook)])
    };
    app.wait_until("the open breaker", async || {
        open(&Scrape::of(&app, &read).await, &failing) == 1.0
    })
    .await;
    assert_eq!(open(&Scrape::of(&app, &read).await, "other"), 0.0);
    sqlx::query("update delivery_queue set state = 'due', due_at = now() - interval '10 minutes', lease = null, leased_until = null")
        .execute(app.database.pool())
        .await
        .unwrap();
    app.wait_until("the age", async || {
        let age = Scrape::of(&app, &read).await.get("gatepost_queue_oldest_due_age_seconds", &[]);
        (600.0..700.0).contains(&age)
    })
    .await;
    app.finish_with_leftovers().await;
}

#[tokio::test]
async fn every_metric_is_there_after_some_traffic() {
    let (Scenario { app, logpoint, token, .. }, _, read) = start().await;
    app.send(&token, &event("Created", "1")).await;
    app.send(&token, &json!([])).await;
    app.wait_for("delivered", 1).await;
    app.wait_for("failed", 1).await;
    drop(logpoint);
    let scrape = Scrape::of(&app, &read).await;
    let found: BTreeSet<String> = scrape.0.keys().map(|series| series.name.clone()).collect();
    let mut expected = BTreeSet::new();
    for metric in names::ALL {
        let suffixes: &[&str] = match metric.kind {
            names::Kind::Histogram => &["_bucket", "_sum", "_count"],
            names::Kind::Counter | names::Kind::Gauge => &[""],
        };
        expected.extend(suffixes.iter().map(|suffix| format!("{}{suffix}", metric.name)));
    }
    assert_eq!(found, expected);
    for series in scrape.0.keys() {
        let metric = names::ALL.iter().find(|one| {
            ["", "_bucket", "_sum", "_count"]
                .iter()
                .any(|suffix| series.name == format!("{}{suffix}", one.name))
        });
        let labels: BTreeSet<&str> =
            series.labels.keys().map(String::as_str).filter(|label| *label != "le").collect();
        assert_eq!(labels, metric.unwrap().labels.iter().copied().collect(), "{series:?}");
    }
    assert_eq!(scrape.get("gatepost_build_info", &[("version", env!("CARGO_PKG_VERSION"))]), 1.0);
    assert!(scrape.get("gatepost_memory_resident_bytes", &[]) > 1e7);
    assert!(scrape.get("gatepost_database_size_bytes", &[]) > 1e6);
    let dispatcher = [("pool", "dispatcher")];
    assert_eq!(scrape.get("gatepost_database_pool_max_connections", &dispatcher), 4.0);
    let events = [("table", "events")];
    assert!(scrape.get("gatepost_partitions", &events) >= 8.0);
    assert!((6.0..=8.0).contains(&scrape.get("gatepost_partitions_ahead", &events)));
    assert!(
        scrape.get("gatepost_database_statement_duration_seconds_count", &[("group", "intake")])
            >= 1.0
    );
    app.finish().await;
}

#[tokio::test]
async fn taken_over_leases_and_a_clock_that_is_set_back_are_counted() {
    let app = TestApp::start().await;
    let read = app.token(Scope::Read).await;
    sqlx::query(
        "insert into delivery_queue (id, event_id, webhook_id, state, attempts, due_at, lease, leased_until, created_at)
         select gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'leased', 1, now(), gen_random_uuid(), now(), now()
         from generate_series(1, 3)",
    )
    .execute(app.database.pool())
    .await
    .unwrap();
    app.wait_until("the lost leases", async || {
        Scrape::of(&app, &read).await.get("gatepost_leases_taken_over_total", &[]) == 3.0
    })
    .await;
    app.clock.step_back(Duration::from_mins(1));
    app.wait_until("the clock", async || {
        Scrape::of(&app, &read).await.get("gatepost_clock_set_back_total", &[]) == 1.0
    })
    .await;
    app.finish_with_leftovers().await;
}
