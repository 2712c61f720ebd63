//! One bad target does not slow the others, nor fill the memory.

use super::load::post_once;
use super::place::Place;
use super::{request_id, tell};
use crate::support::logpoint::{Behaviour, FakeLogpoint, Options};
use crate::support::process::Server;
use crate::support::wait_until;

const EVENTS: usize = 200;
/// By how much a server may grow, in KB: far less than any of the answers that it must not take in.
const GROWTH: u64 = 80 * 1024;

/// A server with a good webhook, and a bad one as soon as it is asked for.
struct Pair {
    place: Place,
    server: Server,
    bad: FakeLogpoint,
}

impl Pair {
    async fn new(behaviour: Behaviour) -> Self {
        let place = Place::new("").await;
        let server = place.start().await;
        let bad = FakeLogpoint::start(Options::default()).await;
        bad.always(behaviour);
        Self { place, server, bad }
    }

    /// From now on the bad one gets every event too.
    async fn add_bad(&self) {
        // Whatever it answers will do, so that it gets ever more.
        let yaml = tell(&self.bad, "Bad", "    max_in_flight: 64").replace("$.success", "$");
        let yaml: String = yaml
            .lines()
            .filter(|line| !line.contains("response_validators"))
            .flat_map(|line| [line, "\n"])
            .collect();
        self.place.run(&["webhooks", "import", "-"], &yaml).await;
        // The server hears of it by and by.
        let mut number = 0;
        while self.send(&format!("probe {number}")).await < 2 {
            number += 1;
        }
    }

    /// Sends an event; gives to how many webhooks it goes.
    async fn send(&self, request: &str) -> u64 {
        let event = crate::support::event("Granted", request);
        let (status, answer) = self.server.send(&self.place.token, &event).await;
        assert_eq!(status, 202, "{answer}");
        answer["events"][0]["deliveries"].as_u64().unwrap()
    }

    /// Sends many events, and waits until the good target has all of them.
    async fn send_many(&self, name: &str) {
        let mut senders = tokio::task::JoinSet::new();
        let http = crate::support::http();
        for number in 0..EVENTS {
            let request = format!("{name} {number}");
            let (http, base) = (http.clone(), self.server.base.clone());
            let token = self.place.token.clone();
            senders.spawn(async move { post_once(&http, &base, &token, &request).await });
        }
        while let Some(sent) = senders.join_next().await {
            assert_eq!(sent.unwrap(), Some(202));
        }
        wait_until("the good target", async || {
            let arrived = self.place.logpoint.requests();
            arrived.iter().filter(|one| request_id(one).starts_with(name)).count() == EVENTS
        })
        .await;
    }

    /// What the server has in memory, in KB.
    fn resident(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.server.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

/// Everything reaches the good target while the bad one has its way, and memory stays. (How fast it
/// does is measured elsewhere: a test must not depend on what else the machine does.)
async fn is_no_burden(behaviour: Behaviour) -> Pair {
    let pair = Pair::new(behaviour).await;
    pair.send_many("alone").await;
    let before = pair.resident();
    pair.add_bad().await;
    pair.send_many("beside").await;
    let grown = pair.resident().saturating_sub(before);
    assert!(grown < GROWTH, "grew by {grown} KB");
    pair
}

impl Pair {
    /// What hangs is not waited for.
    async fn end(self) {
        self.server.kill().await;
        self.place.end([]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_hangs_is_no_burden() {
    let pair = is_no_burden(Behaviour::HangBeforeAnswer).await;
    assert_eq!(pair.bad.requests().len(), 64, "as many as may be in flight");
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_trickles_is_no_burden() {
    let pair = is_no_burden(Behaviour::Trickle).await;
    assert_eq!(pair.bad.requests().len(), 64, "as many as may be in flight");
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_never_reads_is_no_burden() {
    let pair = is_no_burden(Behaviour::NeverRead).await;
    assert!(pair.bad.requests().is_empty());
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_resets_is_no_burden() {
    let pair = is_no_burden(Behaviour::HangUp).await;
    assert!(pair.bad.requests().len() >= 10);
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_answers_with_100_mb_is_no_burden_and_little_of_it_is_kept() {
    let pair = is_no_burden(Behaviour::HugeBody(100 * 1024 * 1024)).await;
    wait_until("an answer of the bad one", async || {
        let truncated: i64 = sqlx::query_scalar(
            "select count(*) from invocations where length(record) > 65536
             and record like '%\"truncated\":true%'",
        )
        .fetch_one(&pair.place.pool)
        .await
        .unwrap();
        truncated > 0
    })
    .await;
    let records: Vec<String> = sqlx::query_scalar("select record from invocations")
        .fetch_all(&pair.place.pool)
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
async fn several_that_hang_and_have_much_to_do_leave_room_for_others() {
    let place = Place::of(|yaml| yaml.replace("[Created, Granted]", "[Granted]")).await;
    let server = place.start().await;
    let bad = FakeLogpoint::start(Options::default()).await;
    bad.always(Behaviour::HangBeforeAnswer);
    for number in 0..5 {
        let yaml = tell(&bad, &format!("Bad {number}"), "    max_in_flight: 64")
            .replace("[Created, Granted]", "[Created]");
        place.run(&["webhooks", "import", "-"], &yaml).await;
    }
    wait_until("the server to know them", async || {
        let event = crate::support::event("Created", &format!("probe {}", super::random(u16::MAX)));
        let (_, answer) = server.send(&place.token, &event).await;
        answer["events"][0]["deliveries"] == 5
    })
    .await;
    let many: Vec<_> = (0..600)
        .map(|number| crate::support::event("Created", &format!("request {number}")))
        .collect();
    assert_eq!(server.send(&place.token, &many.into()).await.0, 202);
    let all = bad.wait_for_requests(128).await.len();
    for number in 0..20 {
        let event = crate::support::event("Granted", &format!("request {number}"));
        assert_eq!(server.send(&place.token, &event).await.0, 202);
    }
    place.logpoint.wait_for_requests(20).await;
    assert!(all <= 256, "{all} exchanges at once");
    server.kill().await;
    place.end([]).await;
}
