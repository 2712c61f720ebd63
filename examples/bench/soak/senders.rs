//! Senders that do what the API demands: each sends an event until it is accepted, with the same key.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior, interval_at, sleep, timeout};

use crate::load::{Api, read_status, request_text};
use crate::target::{digits, find};

/// Senders of single events with a key, and the interval of each.
const SINGLE: u32 = 16;
const SINGLE_INTERVAL: Duration = Duration::from_millis(100);
/// Senders of arrays, the interval of each, and the number of events in an array.
const BATCHES: u32 = 2;
const BATCH_INTERVAL: Duration = Duration::from_millis(500);
const BATCH: usize = 10;
/// How long a sender waits for a response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);
/// Delay after a broken connection, and after an unexpected response.
const RETRY_INTERVAL: Duration = Duration::from_millis(200);

/// An accepted event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Accepted {
    pub(super) number: usize,
    /// When the request that was answered with 202 was started.
    pub(super) requested: Instant,
}

/// What the senders have experienced.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) accepted: Vec<Accepted>,
    /// Number of responses with status 503.
    pub(super) unavailable: usize,
    /// Number of requests without a response, and of refused connections.
    pub(super) unanswered: usize,
    /// Responses with any other status.
    pub(super) unexpected: Vec<String>,
}

/// Running senders.
pub(super) struct Senders {
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
}

struct Shared {
    api: Api,
    next: AtomicUsize,
    is_over: AtomicBool,
    outcome: Mutex<Outcome>,
}

impl Senders {
    pub(super) fn start(api: &Api) -> Self {
        let (next, is_over) = (AtomicUsize::new(1), AtomicBool::new(false));
        let outcome = Mutex::default();
        let shared = Arc::new(Shared { api: api.clone(), next, is_over, outcome });
        let mut tasks = JoinSet::new();
        for (senders, batch, pace) in
            [(SINGLE, 1, SINGLE_INTERVAL), (BATCHES, BATCH, BATCH_INTERVAL)]
        {
            for sender in 0..senders {
                let first = Instant::now() + pace * sender / senders;
                tasks.spawn(send(Arc::clone(&shared), batch, interval_at(first.into(), pace)));
            }
        }
        Self { shared, tasks }
    }

    /// Ends the load once the event of each sender is accepted.
    pub(super) async fn finish(self) -> Outcome {
        self.shared.is_over.store(true, Ordering::Relaxed);
        self.tasks.join_all().await;
        std::mem::take(&mut *self.shared.outcome.lock().unwrap())
    }
}

async fn send(shared: Arc<Shared>, batch: usize, mut pace: Interval) {
    // Keeps the senders apart, also after a restart.
    pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut kept = None;
    while !shared.is_over.load(Ordering::Relaxed) {
        pace.tick().await;
        let first = shared.next.fetch_add(batch, Ordering::Relaxed);
        let key =
            if batch == 1 { format!("idempotency-key: soak-{first}\r\n") } else { String::new() };
        let text = request_text(&shared.api, first, batch, &key);
        loop {
            let requested = Instant::now();
            let attempt = timeout(RESPONSE_TIMEOUT, exchange(&shared.api, &mut kept, &text)).await;
            let response = attempt.ok().flatten();
            if !matches!(response, Some(Response { status: 202, .. })) {
                // The connection may be broken, or its response may still come.
                kept = None;
            }
            match shared.note(response, first..first + batch, requested) {
                Some(delay) => sleep(delay).await,
                None => break,
            }
        }
    }
}

struct Response {
    status: usize,
    /// The header `Retry-After`.
    delay: Option<Duration>,
    text: String,
}

impl Shared {
    /// Notes a response. Returns when to try again, unless the events are accepted.
    fn note(
        &self,
        response: Option<Response>,
        numbers: std::ops::Range<usize>,
        requested: Instant,
    ) -> Option<Duration> {
        let mut outcome = self.outcome.lock().unwrap();
        match response {
            Some(Response { status: 202, .. }) => {
                outcome.accepted.extend(numbers.map(|number| Accepted { number, requested }));
                return None;
            }
            Some(Response { status: 503, delay: Some(delay), .. }) => {
                outcome.unavailable += 1;
                return Some(delay);
            }
            Some(Response { text, .. }) => outcome.unexpected.push(text),
            None => outcome.unanswered += 1,
        }
        Some(RETRY_INTERVAL)
    }
}

/// Sends a request over the kept connection, or a new one. `None` if the connection broke.
async fn exchange(api: &Api, kept: &mut Option<TcpStream>, text: &str) -> Option<Response> {
    let stream = if let Some(stream) = kept {
        stream
    } else {
        let stream = TcpStream::connect(&api.address).await.ok()?;
        stream.set_nodelay(true).ok()?;
        kept.insert(stream)
    };
    stream.write_all(text.as_bytes()).await.ok()?;
    let mut buffer = Vec::new();
    let status = read_status(stream, &mut buffer).await?;
    let delay = find(&buffer, b"retry-after: ").map(|at| digits(&buffer[at + 13..]));
    let delay = delay.map(|seconds| Duration::from_secs(u64::try_from(seconds).unwrap()));
    Some(Response { status, delay, text: String::from_utf8_lossy(&buffer).into_owned() })
}
