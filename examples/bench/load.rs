//! Sends events over keep-alive connections with little overhead.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::target::{digits, find};

/// The documented event in full. `@N` is replaced by its number.
pub(crate) const EVENT: &str = include_str!("event.json");

/// The API to send to.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    /// `127.0.0.1:8080`
    pub(crate) address: String,
    pub(crate) token: String,
}

/// The events to send.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) events: usize,
    pub(crate) connections: usize,
    /// Events per request.
    pub(crate) batch: usize,
    /// Events per second. `None` sends the next request after each response.
    pub(crate) rate: Option<f64>,
}

/// The sent events.
#[derive(Debug)]
pub(crate) struct Sent {
    /// When each event's request was started, by number.
    pub(crate) at: Vec<(usize, Instant)>,
    /// The numbers of the accepted events.
    pub(crate) accepted: Vec<usize>,
    pub(crate) begun: Instant,
    pub(crate) ended: Instant,
}

static NEXT: AtomicUsize = AtomicUsize::new(1);

/// Sends all events. Failed requests are not retried.
pub(crate) async fn run(api: &Api, load: Load) -> Sent {
    let begun = Instant::now();
    let requests = load.events / load.batch;
    let taken = Arc::new(AtomicUsize::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..load.connections {
        workers.spawn(work(api.clone(), load, begun, requests, Arc::clone(&taken)));
    }
    let mut sent = Sent { at: Vec::new(), accepted: Vec::new(), begun, ended: begun };
    while let Some(done) = workers.join_next().await {
        let (at, accepted) = done.unwrap();
        sent.at.extend(at);
        sent.accepted.extend(accepted);
    }
    sent.ended = Instant::now();
    sent
}

async fn work(
    api: Api,
    load: Load,
    begun: Instant,
    requests: usize,
    taken: Arc<AtomicUsize>,
) -> (Vec<(usize, Instant)>, Vec<usize>) {
    let (mut at, mut accepted) = (Vec::new(), Vec::new());
    let Ok(mut stream) = TcpStream::connect(&api.address).await else { return (at, accepted) };
    stream.set_nodelay(true).unwrap();
    let mut buffer = Vec::with_capacity(64 * 1024);
    loop {
        let request = taken.fetch_add(1, Ordering::Relaxed);
        if request >= requests {
            return (at, accepted);
        }
        if let Some(rate) = load.rate {
            let due = begun + Duration::from_secs_f64(request as f64 * load.batch as f64 / rate);
            tokio::time::sleep_until(due.into()).await;
        }
        let first = NEXT.fetch_add(load.batch, Ordering::Relaxed);
        let text = request_text(&api, first, load.batch, "");
        let now = Instant::now();
        at.extend((first..first + load.batch).map(|number| (number, now)));
        if stream.write_all(text.as_bytes()).await.is_err() {
            return (at, accepted);
        }
        match read_status(&mut stream, &mut buffer).await {
            Some(202) => accepted.extend(first..first + load.batch),
            Some(_) => {}
            None => return (at, accepted),
        }
    }
}

/// Returns a request with events of consecutive numbers, and with further header lines.
pub(crate) fn request_text(api: &Api, first: usize, batch: usize, headers: &str) -> String {
    let event = |number: usize| EVENT.replace("@N", &number.to_string());
    let body = if batch == 1 {
        event(first)
    } else {
        let events: Vec<String> = (first..first + batch).map(event).collect();
        format!("[{}]", events.join(","))
    };
    format!(
        "POST /api/v1/events HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         {headers}content-length: {}\r\n\r\n{body}",
        api.address,
        api.token,
        body.len()
    )
}

/// Reads the next response into an empty buffer, and returns its status. `None` if the connection ended.
pub(crate) async fn read_status(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<usize> {
    buffer.clear();
    loop {
        if let Some(head) = find(buffer, b"\r\n\r\n") {
            let length = find(&buffer[..head], b"ontent-length: ")
                .map_or(0, |at| digits(&buffer[at + 15..]));
            if buffer.len() >= head + 4 + length {
                return Some(digits(&buffer[9..]));
            }
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}
