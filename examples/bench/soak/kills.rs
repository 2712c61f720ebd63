//! Kills the server or its PostgreSQL with SIGKILL, at random times.

use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use tokio::time::{sleep, timeout};

use super::probe::{Up, get};
use crate::cpu;
use crate::server::Server;

/// Shortest and longest time from the end of a restart to the next kill, in milliseconds.
const INTERVAL_MILLIS: std::ops::Range<u64> = 2_000..8_000;
/// How long a restart may take until the server is ready again.
const RESTART_TIMEOUT: Duration = Duration::from_mins(1);
const CHECK_INTERVAL: Duration = Duration::from_millis(50);
/// Time in which PostgreSQL notices that a process of it was killed.
const NOTICE_TIME: Duration = Duration::from_millis(250);

/// What is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kill {
    Server,
    /// PostgreSQL's main process, which the server starts again.
    Postmaster,
    /// A process of PostgreSQL that serves a connection. PostgreSQL then ends all connections and recovers.
    Backend,
    /// The server and PostgreSQL's main process at once.
    Both,
}

impl Kill {
    pub(super) const ALL: [(&'static str, Self); 4] = [
        ("kills of the server", Self::Server),
        ("kills of PostgreSQL's main process", Self::Postmaster),
        ("kills of a connection's process in PostgreSQL", Self::Backend),
        ("kills of the server and PostgreSQL at once", Self::Both),
    ];
}

/// A kill, and the time until the server was ready again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outage {
    pub(super) kill: Kill,
    pub(super) begun: Instant,
    pub(super) ended: Instant,
}

/// Kills until this time. The last restart is completed.
pub(super) async fn run(server: &mut Server, up: &Up, seed: u64, until: Instant) -> Vec<Outage> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut outages = Vec::new();
    loop {
        let pause = Duration::from_millis(random.random_range(INTERVAL_MILLIS));
        if Instant::now() + pause >= until {
            sleep(until.saturating_duration_since(Instant::now())).await;
            return outages;
        }
        sleep(pause).await;
        let kill = Kill::ALL.choose(&mut random).unwrap().1;
        let begun = Instant::now();
        let restarting = execute(kill, server, up, &mut random);
        let is_ready = timeout(RESTART_TIMEOUT, restarting).await.is_ok();
        assert!(is_ready, "not ready {} s after {kill:?} was killed", RESTART_TIMEOUT.as_secs());
        outages.push(Outage { kill, begun, ended: Instant::now() });
    }
}

async fn execute(kill: Kill, server: &mut Server, up: &Up, random: &mut StdRng) {
    let (postmaster, backends) = postgres(server.pid()).await;
    let postmaster = postmaster.expect("a running PostgreSQL");
    match kill {
        Kill::Postmaster => {
            signal_kill(postmaster).await;
            while postgres(server.pid()).await.0.is_none_or(|pid| pid == postmaster) {
                sleep(CHECK_INTERVAL).await;
            }
        }
        Kill::Backend => {
            signal_kill(*backends.choose(random).expect("a connection to PostgreSQL")).await;
            sleep(NOTICE_TIME).await;
        }
        Kill::Server | Kill::Both => {
            up.store(0, Ordering::Relaxed);
            if kill == Kill::Both {
                signal_kill(postmaster).await;
            }
            server.kill();
            server.start_again().await;
            up.store(server.pid(), Ordering::Relaxed);
        }
    }
    while get(&server.api.address, "/readyz").await != Some(200) {
        sleep(CHECK_INTERVAL).await;
    }
}

/// Returns the processes of a server's PostgreSQL: the main process, and those that serve connections.
///
/// Like the kill itself, this does not block the thread of senders and targets. If they paused before a kill, no delivery
/// would be in flight.
async fn postgres(server: u32) -> (Option<u32>, Vec<u32>) {
    tokio::task::spawn_blocking(move || find_postgres(server)).await.unwrap()
}

fn find_postgres(server: u32) -> (Option<u32>, Vec<u32>) {
    let (mut postmaster, mut backends) = (None, Vec::new());
    for pid in cpu::tree(server) {
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command);
        let name = command.split('\0').next().unwrap_or_default();
        if name.starts_with("postgres: gatepost gatepost") {
            backends.push(pid);
        } else if name.ends_with("/postgres") {
            // A parent comes before its children, some of which do not have their own name yet.
            postmaster.get_or_insert(pid);
        }
    }
    (postmaster, backends)
}

/// Kills a process that was just found among the descendants of the server.
async fn signal_kill(pid: u32) {
    let mut command = Command::new("kill");
    command.arg("-KILL").arg(pid.to_string()).stderr(Stdio::null());
    // It may have ended in the meantime.
    let _status = tokio::task::spawn_blocking(move || command.status()).await.unwrap().unwrap();
}
