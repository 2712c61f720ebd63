//! A target that responds with status 200 with little overhead, and records when each event arrived.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

pub(crate) use memchr::memmem::find;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The text before an event's number in a request body.
const MARK: &[u8] = b"\"number\": \"";
/// A response that every validator accepts.
pub(crate) const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 16\r\n\r\n{\"success\":true}";

/// The received events.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    total: AtomicUsize,
    seen: Mutex<Received>,
}

#[derive(Debug, Default)]
struct Received {
    numbers: HashSet<usize>,
    /// Number and time of the first arrival of each event.
    first: Vec<(usize, Instant)>,
}

/// Receives the requests of a target.
pub(crate) trait Recorder: Send + Sync + 'static {
    /// Records a complete request.
    fn record(&self, request: &[u8]);
}

/// Records nothing.
impl Recorder for () {
    fn record(&self, _request: &[u8]) {}
}

impl Recorder for Arrivals {
    fn record(&self, request: &[u8]) {
        self.note(number_in(request));
    }
}

impl Arrivals {
    /// Returns the number of requests, including duplicates.
    pub(crate) fn total(&self) -> usize {
        self.total.load(Ordering::Relaxed)
    }

    /// Returns the number of distinct events.
    pub(crate) fn distinct(&self) -> usize {
        self.seen.lock().unwrap().numbers.len()
    }

    /// Removes and returns all arrivals.
    pub(crate) fn take(&self) -> Vec<(usize, Instant)> {
        self.total.store(0, Ordering::Relaxed);
        std::mem::take(&mut *self.seen.lock().unwrap()).first
    }

    fn note(&self, number: Option<usize>) {
        self.total.fetch_add(1, Ordering::Relaxed);
        let now = Instant::now();
        let mut seen = self.seen.lock().unwrap();
        if let Some(number) = number
            && seen.numbers.insert(number)
        {
            seen.first.push((number, now));
        }
    }
}

/// Listens on loopback and returns the address. Each response is delayed.
pub(crate) async fn start(recorder: Arc<impl Recorder>, delay: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&recorder), delay));
        }
    });
    format!("http://{address}")
}

async fn serve(mut stream: TcpStream, recorder: Arc<impl Recorder>, delay: Duration) {
    stream.set_nodelay(true).unwrap();
    let mut buffer = Vec::with_capacity(16 * 1024);
    loop {
        while let Some(length) = request_length(&buffer) {
            recorder.record(&buffer[..length]);
            buffer.drain(..length);
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            if stream.write_all(RESPONSE).await.is_err() {
                return;
            }
        }
        match stream.read_buf(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

/// Returns the length of the first complete request, if there is one.
pub(crate) fn request_length(buffer: &[u8]) -> Option<usize> {
    let head = find(buffer, b"\r\n\r\n")? + 4;
    let length =
        find(&buffer[..head], b"ontent-length: ").map_or(0, |at| digits(&buffer[at + 15..]));
    (buffer.len() >= head + length).then_some(head + length)
}

/// Returns the number of the event in a request body.
pub(crate) fn number_in(request: &[u8]) -> Option<usize> {
    find(request, MARK).map(|at| digits(&request[at + MARK.len()..]))
}

pub(crate) fn digits(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0, |number, byte| number * 10 + usize::from(byte - b'0'))
}
