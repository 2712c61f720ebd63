//! Traces: what a collector receives, and the header `traceparent`.

mod collector;

use std::collections::BTreeSet;

use gatepost::identity::Scope;
use serde_json::{Value, json};

use crate::support::app::EMAIL;
use crate::support::builders::WebhookBuilder;
use crate::support::database::TestDatabase;
use crate::support::logpoint::Behaviour;
use crate::support::process::{Server, directory, gatepost, wait_long, with_admin, with_database};
use crate::support::scenario::Scenario;
use crate::support::{event, http};
use collector::{Collector, Recorded};

/// Returns the records of all invocations, oldest first.
async fn invocations(database: &TestDatabase) -> Vec<Value> {
    let records: Vec<String> = sqlx::query_scalar("select record from invocations order by id")
        .fetch_all(database.pool())
        .await
        .unwrap();
    records.iter().map(|record| serde_json::from_str(record).unwrap()).collect()
}

async fn delivered(database: &TestDatabase, count: i64) {
    wait_long("the deliveries", async || {
        let found: i64 =
            sqlx::query_scalar("select count(*) from delivery_history where state = 'delivered'")
                .fetch_one(database.pool())
                .await
                .unwrap();
        found == count
    })
    .await;
}

#[tokio::test]
async fn spans_of_a_delivery_arrive_at_a_collector() {
    let Scenario { app, logpoint, webhook, token } =
        Scenario::with_webhook(|webhook| webhook.with("traceparent", true)).await;
    let read = app.token(Scope::Read).await;
    let database = app.database.clone();
    app.leave().await;
    let collector = Collector::start().await;
    let mut command = with_admin(with_database(gatepost(), database.url()));
    command.env("GATEPOST_OTLP_ENDPOINT", collector.url());
    let server = Server::start(command).await;
    let (status, accepted) = server.send(&token, &event("Granted", "1")).await;
    assert_eq!(status, 202);
    delivered(&database, 1).await;
    let path = format!(
        "{}/api/v1/events/{}/explain",
        server.base,
        accepted["events"][0]["id"].as_str().unwrap()
    );
    assert_eq!(http().get(path).bearer_auth(&read).send().await.unwrap().status(), 200);
    // At the end, all spans are exported.
    assert_eq!(server.interrupt().await, Some(0));

    let spans = collector.spans();
    let find =
        |name: &str| -> Vec<&Recorded> { spans.iter().filter(|one| one.name == name).collect() };
    let requests = find("api_request");
    assert_eq!(requests.len(), 2, "{spans:#?}");
    let accept = requests.iter().find(|one| one.attribute("url.path") == "/api/v1/events").unwrap();
    assert_eq!(accept.attribute("http.response.status_code"), "202");
    assert_eq!(accept.attribute("event.id"), accepted["events"][0]["id"].as_str().unwrap());
    let batches = find("intake_batch");
    let [batch] = batches.as_slice() else { panic!("{spans:#?}") };
    assert_eq!(batch.links, [(accept.trace_id.clone(), accept.span_id.clone())]);
    let statements: Vec<_> =
        find("statements").into_iter().filter(|one| one.attribute("group") == "intake").collect();
    assert_eq!((statements.len(), &statements[0].parent), (1, &batch.span_id));
    assert!(find("statements").iter().any(|one| one.attribute("group") == "completion"));
    let attempts = find("attempt");
    let [attempt] = attempts.as_slice() else { panic!("{spans:#?}") };
    assert_eq!(attempt.attribute("webhook.id"), webhook);
    assert_eq!(attempt.attribute("event.id"), accept.attribute("event.id"));
    assert_eq!(attempt.attribute("state"), "delivered");
    let sent = logpoint.requests();
    assert_eq!(Some(attempt.attribute("delivery.id").as_str()), sent[0].header("webhook-id"));
    // The target, the record and the collector have the same trace.
    let expected = format!("00-{}-{}-01", attempt.trace_id, attempt.span_id);
    assert_eq!(sent[0].header("traceparent"), Some(expected.as_str()));
    assert_eq!(invocations(&database).await[0]["trace_id"], attempt.trace_id.as_str());
    assert!(spans.iter().all(|one| one.service == "gatepost"));
    database.drop().await;
}

/// A collector that is down delays neither events nor the stop.
#[tokio::test]
async fn without_a_collector_events_are_delivered() {
    let Scenario { app, logpoint, token, .. } = Scenario::start().await;
    let database = app.database.clone();
    app.leave().await;
    let mut command = with_admin(with_database(gatepost(), database.url()));
    command.env("GATEPOST_OTLP_ENDPOINT", "http://127.0.0.1:1");
    command.env("GATEPOST_LOG", "gatepost=debug");
    let directory = directory();
    let log = directory.path().join("log");
    command.stderr(std::fs::File::create(&log).unwrap());
    let server = Server::start(command).await;
    assert_eq!(server.send(&token, &event("Granted", "1")).await.0, 202);
    delivered(&database, 1).await;
    assert_eq!(server.interrupt().await, Some(0));
    assert_eq!(logpoint.requests()[0].header("traceparent"), None, "not switched on");
    assert!(invocations(&database).await[0]["trace_id"].is_string(), "exported");
    let log = std::fs::read_to_string(&log).unwrap();
    for message in ["built the routes", "finished an attempt", "could not export spans", "stopping"]
    {
        assert!(log.contains(message), "{message} is not in {log}");
    }
    assert_eq!(log.matches("could not export spans").count(), 1, "{log}");
    database.drop().await;
}

#[tokio::test]
async fn each_attempt_has_its_own_trace_context() {
    let Scenario { app, logpoint, webhook, token } = Scenario::with_webhook(|webhook| {
        let schedule = json!(["1s"]);
        webhook.with("traceparent", true).with("retry_schedule", schedule)
    })
    .await;
    logpoint.behave([Behaviour::Status(503, "busy".to_owned())]);
    app.send(&token, &event("Granted", "1")).await;
    app.wait_for("delivered", 1).await;
    let headers: Vec<String> = logpoint
        .requests()
        .iter()
        .map(|request| request.header("traceparent").unwrap().to_owned())
        .collect();
    let ids: BTreeSet<&str> =
        headers.iter().filter_map(|header| header.split('-').nth(1)).collect();
    assert_eq!((headers.len(), ids.len()), (2, 2));
    let recorded = invocations(&app.database).await;
    for (header, record) in headers.iter().zip(&recorded) {
        assert_eq!(record["trace_id"], header.split('-').nth(1).unwrap());
    }
    // The page of the invocation shows it, and the webhook's test has one too.
    let mut ann = app.admin().await;
    let page = ann.get(&format!("/invocations/{}", recorded[0]["id"].as_str().unwrap())).await;
    assert!(page.texts(".facts")[0].contains(recorded[0]["trace_id"].as_str().unwrap()));
    let form = ann.get(&format!("/webhooks/{webhook}/edit")).await;
    assert!(form.attribute("#traceparent", "checked").is_some());
    app.finish().await;
}

#[tokio::test]
async fn without_the_option_no_context_is_sent() {
    let Scenario { app, logpoint, token, .. } = Scenario::start().await;
    app.send(&token, &event("Granted", "1")).await;
    app.wait_for("delivered", 1).await;
    assert_eq!(logpoint.requests()[0].header("traceparent"), None);
    assert!(invocations(&app.database).await[0].get("trace_id").is_none());
    app.finish().await;
}

#[tokio::test]
async fn the_webhooks_own_header_takes_precedence() {
    let Scenario { app, logpoint, webhook, token } = Scenario::start().await;
    let http =
        json!({ "url": logpoint.url("/reopen_incident"), "headers": { "Traceparent": "own" } });
    let changed = WebhookBuilder::reopen(&logpoint)
        .with("traceparent", true)
        .with("type", json!({ "http_request": http }));
    app.change_webhook(&webhook, &changed.file(), EMAIL).await;
    app.send(&token, &event("Granted", "1")).await;
    app.wait_for("delivered", 1).await;
    let sent = logpoint.requests();
    let own: Vec<_> = sent[0].headers.iter().filter(|(name, _)| name == "traceparent").collect();
    assert_eq!(own, [&("traceparent".to_owned(), "own".to_owned())]);
    app.finish().await;
}
