//! Persistent senders: each sends an event until it is accepted, and then the next one.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::support::app::WAIT_TIMEOUT;
use crate::support::{event, http};

/// Time between two attempts to send the same event.
const RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// The outcome of a load.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Request ids of accepted events.
    pub(super) accepted: HashSet<String>,
    /// Request ids of events without a definite response. It is unknown whether they were stored.
    pub(super) open: VecDeque<String>,
    /// Number of responses with status 503.
    pub(super) unavailable: usize,
    /// Errors of requests without a response.
    pub(super) unanswered: Vec<String>,
    /// Number of retried events that were duplicates.
    pub(super) duplicates: usize,
    /// Unexpected responses.
    pub(super) unexpected: Vec<String>,
    next: usize,
}

impl Outcome {
    fn next(&mut self) -> String {
        self.open.pop_front().unwrap_or_else(|| {
            self.next += 1;
            format!("request {}", self.next)
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Running,
    /// No new events are sent.
    Finishing,
    /// No events are retried either.
    Ended,
}

struct Shared {
    base: String,
    token: String,
    padding: String,
    outcome: Mutex<Outcome>,
    accepted: watch::Sender<usize>,
    stage: watch::Sender<Stage>,
}

impl Shared {
    fn outcome(&self) -> MutexGuard<'_, Outcome> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running load.
pub(super) struct Load {
    shared: Arc<Shared>,
    senders: JoinSet<()>,
}

impl Load {
    /// Starts senders that continue after `before`.
    pub(super) fn start(base: &str, token: &str, senders: usize, before: Outcome) -> Self {
        Self::with_padding(base, token, senders, before, 0)
    }

    /// Starts senders of events with incompressible padding of this many bytes.
    pub(super) fn with_padding(
        base: &str,
        token: &str,
        senders: usize,
        before: Outcome,
        padding: usize,
    ) -> Self {
        let mut bytes = vec![0; padding / 2];
        rand::fill(&mut bytes);
        let shared = Arc::new(Shared {
            base: base.to_owned(),
            token: token.to_owned(),
            padding: hex::encode(bytes),
            accepted: watch::Sender::new(before.accepted.len()),
            outcome: Mutex::new(before),
            stage: watch::Sender::new(Stage::Running),
        });
        let mut tasks = JoinSet::new();
        let http = http();
        for _ in 0..senders {
            tasks.spawn(send(Arc::clone(&shared), http.clone()));
        }
        Self { shared, senders: tasks }
    }

    /// Returns the number of accepted events.
    pub(super) fn accepted(&self) -> usize {
        *self.shared.accepted.borrow()
    }

    /// Waits until this many events were accepted in total.
    pub(super) async fn wait_for_accepted(&self, count: usize) {
        let mut accepted = self.shared.accepted.subscribe();
        let waited = accepted.wait_for(|so_far| *so_far >= count);
        let waited = tokio::time::timeout(WAIT_TIMEOUT, waited).await;
        assert!(waited.is_ok(), "{} of {count} accepted; {:?}", self.accepted(), self.describe());
    }

    /// Waits until this many responses had status 503 in total.
    pub(super) async fn wait_for_unavailable(&self, count: usize) {
        let condition = async || self.shared.outcome().unavailable >= count;
        crate::support::wait_until(&format!("{count} × 503"), condition).await;
    }

    pub(super) fn unavailable(&self) -> usize {
        self.shared.outcome().unavailable
    }

    fn describe(&self) -> String {
        let outcome = self.shared.outcome();
        let Outcome { unavailable, unanswered, unexpected, .. } = &*outcome;
        format!("{unavailable} unavailable, unanswered: {unanswered:?}, unexpected: {unexpected:?}")
    }

    /// Ends the load. Waits only for responses.
    pub(super) async fn end(self) -> Outcome {
        self.stop(Stage::Ended).await
    }

    /// Ends the load once each sender's event is accepted.
    pub(super) async fn finish(self) -> Outcome {
        let outcome = self.stop(Stage::Finishing).await;
        assert!(outcome.open.is_empty(), "{:?}", outcome.open);
        outcome
    }

    async fn stop(mut self, stage: Stage) -> Outcome {
        self.shared.stage.send_replace(stage);
        let stopping = async {
            while let Some(ended) = self.senders.join_next().await {
                ended.unwrap();
            }
        };
        let stopped = tokio::time::timeout(2 * WAIT_TIMEOUT, stopping).await;
        assert!(stopped.is_ok(), "the senders make no progress; {}", self.describe());
        let outcome = std::mem::take(&mut *self.shared.outcome());
        assert!(outcome.unexpected.is_empty(), "{:?}", outcome.unexpected);
        outcome
    }
}

async fn send(shared: Arc<Shared>, http: reqwest::Client) {
    let mut pause = tokio::time::interval(RETRY_INTERVAL);
    pause.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let stage = || *shared.stage.borrow();
    while stage() == Stage::Running {
        let request = shared.outcome().next();
        loop {
            if send_once(&shared, &http, &request).await {
                shared.accepted.send_modify(|count| *count += 1);
                break;
            }
            if stage() == Stage::Ended {
                shared.outcome().open.push_back(request);
                return;
            }
            pause.tick().await;
        }
    }
}

/// Returns whether the event was accepted.
async fn send_once(shared: &Shared, http: &reqwest::Client, request: &str) -> bool {
    let mut event = event("Granted", request);
    if !shared.padding.is_empty() {
        event["padding"] = shared.padding.clone().into();
    }
    let sending = http
        .post(format!("{}/api/v1/events", shared.base))
        .bearer_auth(&shared.token)
        .header("content-type", "application/json")
        .body(event.to_string());
    let requesting = async {
        let response = sending.send().await?;
        let status = response.status().as_u16();
        let retry_after = response.headers().get("retry-after").cloned();
        Ok::<_, reqwest::Error>((status, retry_after, response.text().await?))
    };
    let responded = requesting.await;
    let mut outcome = shared.outcome();
    match responded {
        Err(error) => outcome.unanswered.push(format!("{error:?}")),
        Ok((202, _, body)) => {
            let response: Value = serde_json::from_str(&body).unwrap();
            if response["events"][0]["duplicate"] == true {
                outcome.duplicates += 1;
            }
            if !outcome.accepted.insert(request.to_owned()) {
                outcome.unexpected.push(format!("{request} was accepted twice"));
            }
            return true;
        }
        Ok((503, Some(_), _)) => outcome.unavailable += 1,
        Ok((status, retry_after, body)) => {
            outcome.unexpected.push(format!("{status}, Retry-After {retry_after:?}: {body}"));
        }
    }
    false
}

/// Sends one event. Returns the status.
pub(super) async fn post_once(
    http: &reqwest::Client,
    base: &str,
    token: &str,
    request: &str,
) -> Option<u16> {
    let event = event("Granted", request);
    crate::support::process::post_event(http, base, token, &event).await.map(|(status, _)| status)
}
