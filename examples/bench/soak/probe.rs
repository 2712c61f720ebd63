//! Observes the server: its health check and its memory.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::cpu;
use crate::load::read_status;

const PROBE_INTERVAL: Duration = Duration::from_millis(100);
/// Time within which the health check must respond.
const LIMIT: Duration = Duration::from_secs(1);
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// The process id of the server while it is up, and 0 otherwise.
pub(super) type Up = Arc<AtomicU32>;

/// What was observed.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Observed {
    /// Number of health checks while the server was up.
    pub(super) probes: usize,
    /// How many of them took longer than [`LIMIT`] or failed.
    pub(super) late: usize,
    pub(super) slowest: Duration,
    /// Highest resident memory of all server processes, in bytes.
    pub(super) peak: u64,
}

/// A running observer. Stops when dropped.
pub(super) struct Observer {
    observed: Arc<Mutex<Observed>>,
    task: JoinHandle<()>,
}

impl Observer {
    pub(super) fn start(address: &str, up: Up) -> Self {
        let observed = Arc::<Mutex<Observed>>::default();
        let task = tokio::spawn(observe(address.to_owned(), up, Arc::clone(&observed)));
        Self { observed, task }
    }

    pub(super) fn observed(&self) -> Observed {
        *self.observed.lock().unwrap()
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn observe(address: String, up: Up, observed: Arc<Mutex<Observed>>) {
    loop {
        let pid = up.load(Ordering::Relaxed);
        if pid != 0 {
            let begun = Instant::now();
            let status = timeout(PROBE_TIMEOUT, get(&address, "/healthz")).await.ok().flatten();
            let taken = begun.elapsed();
            let mut observed = observed.lock().unwrap();
            observed.peak = observed.peak.max(cpu::peak_resident(pid));
            // A server that was killed in the meantime need not respond.
            if up.load(Ordering::Relaxed) == pid {
                observed.probes += 1;
                observed.late += usize::from(status != Some(200) || taken > LIMIT);
                observed.slowest = observed.slowest.max(taken);
            }
        }
        sleep(PROBE_INTERVAL).await;
    }
}

/// Requests a page over a new connection. Returns the status, or `None` if the connection broke.
pub(super) async fn get(address: &str, path: &str) -> Option<usize> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let text = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n");
    stream.write_all(text.as_bytes()).await.ok()?;
    read_status(&mut stream, &mut Vec::new()).await
}
