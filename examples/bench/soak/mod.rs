//! The soak test: events are sent for some minutes, while the server and its PostgreSQL are killed every few seconds, other
//! targets misbehave, and slow clients occupy connections. No accepted event may be lost.
//!
//! `script/bench soak [MINUTES] [SEED]`

mod figures;
mod kills;
mod probe;
mod receipts;
mod senders;
mod slow_clients;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::bad::Bad;
use crate::report::Report;
use crate::server::{Server, Webhook};
use crate::target::{self, Recorder};
use figures::Figures;
use probe::Observer;
use receipts::Receipts;
use senders::Senders;
use slow_clients::SlowClients;

const DEFAULT_MINUTES: f64 = 10.0;
/// Default number of attempts in flight of a webhook.
const IN_FLIGHT: u32 = 8;
/// How long the healthy target takes, so that attempts are in flight at every kill.
const RESPONSE_DELAY: Duration = Duration::from_millis(20);
/// How long deliveries to the counted targets may take after the load.
const DRAIN_TIMEOUT: Duration = Duration::from_mins(5);
const DRAIN_CHECK_INTERVAL: Duration = Duration::from_millis(250);
/// Maximum number of lost events to describe.
const MAX_DESCRIBED: usize = 10;
/// The server listens on the first free one of these ports. They are below those that the system assigns to connections,
/// so that no connection takes the port during a restart.
const PORTS: std::ops::Range<u16> = 20_000..32_768;

/// The targets whose deliveries may not be lost: one without faults, and one that closes kept connections, which the server
/// has to open again.
const HEALTHY: &str = "Healthy";
const CLOSING: &str = "Closes kept connections";
/// The other targets. None of them accepts a delivery.
const ODD: [(&str, Bad); 6] = [
    ("Hangs", Bad::Hangs),
    ("Resets", Bad::Resets),
    ("Responds with garbage", Bad::Garbles),
    ("Breaks off", Bad::BreaksOff),
    ("Responds with 100 MB", Bad::Floods),
    ("Rejects with NUL", Bad::RejectsWithNul),
];
/// Few and fast retries, so that deliveries to odd targets fail during the test.
const ODD_SETTINGS: &str = "    timeout_in_sec: 5\n    retry_schedule: [1s, 5s]\n";

/// The number of requests that a target has received.
#[derive(Debug, Default)]
struct Counter(AtomicUsize);

impl Recorder for Counter {
    fn record(&self, _request: &[u8]) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Runs the soak test. Fails if an accepted event was lost.
pub(crate) async fn run(program: &Path, arguments: &[String]) -> ExitCode {
    let minutes = arguments.first().map_or(DEFAULT_MINUTES, |text| text.parse().expect("minutes"));
    let seed = arguments.get(1).map_or_else(rand::random, |text| text.parse().expect("a seed"));
    let messages = PathBuf::from(format!("/tmp/gatepost-soak-{}.log", std::process::id()));
    println!("soak for {minutes} minutes with seed {seed}; messages in {}", messages.display());
    let [healthy, closing] = [(); 2].map(|()| Arc::<Receipts>::default());
    let odd = Arc::<Counter>::default();
    let mut webhooks = vec![
        webhook(HEALTHY, target::start(Arc::clone(&healthy), RESPONSE_DELAY).await, ""),
        webhook(CLOSING, Bad::ClosesKept.start(Arc::<Receipts>::clone(&closing)).await, ""),
    ];
    for (name, bad) in ODD {
        let url = bad.start(Arc::<Counter>::clone(&odd)).await;
        webhooks.push(webhook(name, url, ODD_SETTINGS));
    }
    let listen = format!("127.0.0.1:{}", free_port());
    let mut server = Server::start_at(&listen, Some(messages.clone()), program, &webhooks).await;
    let up = Arc::new(AtomicU32::new(server.pid()));
    let watch = Observer::start(&listen, Arc::clone(&up));
    let slow_clients = SlowClients::start(&server.api);
    let senders = Senders::start(&server.api);
    let until = Instant::now() + Duration::from_secs_f64(minutes * 60.0);
    let outages = kills::run(&mut server, &up, seed, until).await;
    let outcome = senders.finish().await;
    drain(&server).await;
    let numbers = || outcome.accepted.iter().map(|one| one.number);
    let lost = [healthy.missing(numbers()), closing.missing(numbers())];
    let observed = watch.observed();
    drop(watch);
    for number in lost.iter().flatten().take(MAX_DESCRIBED) {
        println!("  lost: event {number}: {}", describe(&server, *number).await);
    }
    let is_lost = lost.iter().any(|lost| !lost.is_empty());
    let panics = std::fs::read_to_string(&messages).unwrap().matches("panicked at").count();
    let mut report = Report::default();
    Figures {
        outcome,
        outages,
        lost,
        received: [healthy.take(), closing.take()],
        observed,
        odd_requests: odd.0.load(Ordering::Relaxed),
        slow_connections: slow_clients.ended(),
        panics,
    }
    .add_to(&mut report);
    drop(slow_clients);
    server.stop().await;
    report.print();
    if is_lost { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn webhook(name: &str, url: String, settings: &'static str) -> Webhook {
    Webhook { name: name.to_owned(), url, integration: None, in_flight: IN_FLIGHT, settings }
}

fn free_port() -> u16 {
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    PORTS.into_iter().find(is_free).expect("a free port")
}

/// Waits until all deliveries to the counted targets have finished. What has not arrived then is lost.
async fn drain(server: &Server) {
    let begun = Instant::now();
    let sql = format!(
        "select count(*) from delivery_queue q join webhooks w on w.id = q.webhook_id
         where w.name in ('{HEALTHY}', '{CLOSING}')"
    );
    loop {
        let left = server.number(&sql).await;
        if left == 0 {
            return;
        }
        if begun.elapsed() > DRAIN_TIMEOUT {
            println!("{left} deliveries have not finished within {} s", DRAIN_TIMEOUT.as_secs());
            return;
        }
        tokio::time::sleep(DRAIN_CHECK_INTERVAL).await;
    }
}

/// Returns what the database knows of an event.
async fn describe(server: &Server, number: usize) -> String {
    let sql = format!(
        "select coalesce(string_agg(format('%s: %s, %s attempts', w.name, d.state, d.attempts), '; '), 'not stored')
         from events e join deliveries d on d.event_id = e.id join webhooks w on w.id = d.webhook_id
         where e.request_id = 'request-{number}'"
    );
    server.text(&sql).await
}
