//! A bad target neither delays other targets nor fills the memory.

use super::environment::Environment;
use super::load::post_once;
use super::{patient_webhook, request_id};
use crate::support::logpoint::{Behaviour, FakeLogpoint, Options};
use crate::support::process::Server;
use crate::support::wait_until;
use serde_json::json;

const EVENTS: usize = 200;
/// Maximum growth of a server's memory, in KB: far less than the responses that it must not hold in memory.
const MAX_GROWTH_KB: u64 = 80 * 1024;

/// A server with a healthy target, and a bad one once it is added.
struct Pair {
    environment: Environment,
    server: Server,
    bad: FakeLogpoint,
}

impl Pair {
    async fn new(behaviour: Behaviour) -> Self {
        let environment = Environment::new().await;
        let server = environment.start().await;
        let bad = FakeLogpoint::start(Options::default()).await;
        bad.always(behaviour);
        Self { environment, server, bad }
    }

    /// Adds a webhook that sends every event to the bad target too.
    async fn add_bad(&self) {
        // Any response counts as success, so that the breaker stays closed.
        let webhook = patient_webhook(&self.bad).name("Bad").with("max_in_flight", 64);
        let yaml = webhook.with("response_validators", json!([])).file();
        self.environment.run(&["webhooks", "import", "-"], &yaml).await;
        assert_eq!(self.send("the first event").await, 2, "the import is in force");
    }

    /// Sends an event. Returns the number of its deliveries.
    async fn send(&self, request: &str) -> u64 {
        let event = crate::support::event("Granted", request);
        let (status, response) = self.server.send(&self.environment.token, &event).await;
        assert_eq!(status, 202, "{response}");
        response["events"][0]["deliveries"].as_u64().unwrap()
    }

    /// Sends many events and waits until the healthy target has received all of them.
    async fn send_many(&self, name: &str) {
        let mut senders = tokio::task::JoinSet::new();
        let http = crate::support::http();
        for number in 0..EVENTS {
            let request = format!("{name} {number}");
            let (http, base) = (http.clone(), self.server.base.clone());
            let token = self.environment.token.clone();
            senders.spawn(async move { post_once(&http, &base, &token, &request).await });
        }
        while let Some(sent) = senders.join_next().await {
            assert_eq!(sent.unwrap(), Some(202));
        }
        wait_until("the good target", async || {
            let arrived = self.environment.logpoint.requests();
            arrived.iter().filter(|one| request_id(one).starts_with(name)).count() == EVENTS
        })
        .await;
    }

    /// Returns the resident memory of the server, in KB.
    fn resident(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.server.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

/// Asserts that the healthy target receives everything and that memory does not grow. Throughput is measured by the
/// benchmarks, because a test must not depend on the load of the machine.
async fn assert_harmless(behaviour: Behaviour) -> Pair {
    let pair = Pair::new(behaviour).await;
    pair.send_many("alone").await;
    let before = pair.resident();
    pair.add_bad().await;
    pair.send_many("beside").await;
    let grown = pair.resident().saturating_sub(before);
    assert!(grown < MAX_GROWTH_KB, "grew by {grown} KB");
    pair
}

impl Pair {
    /// Stops the server without waiting for attempts that hang.
    async fn end(self) {
        self.server.kill().await;
        self.environment.end([]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn survives_a_target_that_hangs() {
    let pair = assert_harmless(Behaviour::HangBeforeResponse).await;
    assert_eq!(pair.bad.requests().len(), 64, "the maximum in flight");
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn survives_a_target_that_responds_slowly() {
    let pair = assert_harmless(Behaviour::Trickle).await;
    assert_eq!(pair.bad.requests().len(), 64, "the maximum in flight");
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn survives_a_target_that_never_reads() {
    let pair = assert_harmless(Behaviour::NeverRead).await;
    assert!(pair.bad.requests().is_empty());
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn survives_a_target_that_resets_connections() {
    let pair = assert_harmless(Behaviour::HangUp).await;
    assert!(pair.bad.requests().len() >= 10);
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn survives_a_response_of_100_mb_and_truncates_it() {
    let pair = assert_harmless(Behaviour::HugeBody(100 * 1024 * 1024)).await;
    wait_until("a response of the bad target", async || {
        let truncated: i64 = sqlx::query_scalar(
            "select count(*) from invocations where length(record) > 65536
             and record like '%\"truncated\":true%'",
        )
        .fetch_one(&pair.environment.pool)
        .await
        .unwrap();
        truncated > 0
    })
    .await;
    let records: Vec<String> = sqlx::query_scalar("select record from invocations")
        .fetch_all(&pair.environment.pool)
        .await
        .unwrap();
    for record in records {
        let record: serde_json::Value = serde_json::from_str(&record).unwrap();
        let response = &record["transcript"]["response"];
        let body = response["body"].as_str().unwrap_or_default();
        assert!(body.len() <= 64 * 1024, "{}", body.len());
        assert_eq!(response["truncated"] == true, body.len() == 64 * 1024, "{}", body.len());
    }
    pair.end().await;
}

#[tokio::test]
async fn leaves_capacity_beside_several_targets_that_hang() {
    let environment = Environment::with(|webhook| webhook.triggers(&["Granted"])).await;
    let server = environment.start().await;
    let bad = FakeLogpoint::start(Options::default()).await;
    bad.always(Behaviour::HangBeforeResponse);
    for number in 0..5 {
        let webhook = patient_webhook(&bad).name(&format!("Bad {number}"));
        let yaml = webhook.with("max_in_flight", 64).triggers(&["Created"]).file();
        environment.run(&["webhooks", "import", "-"], &yaml).await;
    }
    let many: Vec<_> = (0..600)
        .map(|number| crate::support::event("Created", &format!("request {number}")))
        .collect();
    assert_eq!(server.send(&environment.token, &many.into()).await.0, 202);
    let all = bad.wait_for_requests(128).await.len();
    for number in 0..20 {
        let event = crate::support::event("Granted", &format!("request {number}"));
        assert_eq!(server.send(&environment.token, &event).await.0, 202);
    }
    environment.logpoint.wait_for_requests(20).await;
    assert!(all <= 256, "{all} exchanges at once");
    server.kill().await;
    environment.end([]).await;
}
