//! The measurements.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::cases::Bench;
use crate::load::{self, Api, Load, Sent};
use crate::server::Server;
use crate::target::Arrivals;
use crate::{cpu, pgbench};

const CONNECTIONS: usize = 32;

/// The figures of one load, from the first request to the last arrival.
pub(crate) struct Measured {
    /// Deliveries per second.
    pub(crate) rate: f64,
    /// CPU time of server and PostgreSQL per delivery.
    pub(crate) cpu: Duration,
    /// CPU time of the server per delivery.
    pub(crate) server_cpu: Duration,
    /// CPU time of sender and target, which share this process.
    pub(crate) bench_cpu: Duration,
    pub(crate) latencies: Vec<Duration>,
}

/// Number of alternating measurements of compared loads: a machine can be faster in one minute than in the next.
pub(crate) const TURNS: usize = 5;

/// A load and its rate relative to `pgbench`, as the median of its rounds.
pub(crate) struct Compared {
    pub(crate) typical: Measured,
    pub(crate) of_pgbench: f64,
}

/// Loads alternating with `pgbench`, its rate, and the server's memory after each load.
pub(crate) struct Turns<const N: usize> {
    pub(crate) pgbench: f64,
    pub(crate) loads: [Compared; N],
    pub(crate) resident: [u64; N],
}

/// Two alternating loads.
pub(crate) struct Beside {
    pub(crate) first: Measured,
    pub(crate) second: Measured,
    /// The rate of the second relative to the first, as the median of the rounds.
    pub(crate) ratio: f64,
}

impl Bench {
    /// Returns the times from each event's request to its arrival at the healthy target, shortest first.
    pub(crate) async fn latencies(&self, server: &Server, load: Load) -> Vec<Duration> {
        self.arrivals.take();
        let sent = load::run(&server.api, load).await;
        assert_eq!(sent.accepted.len(), load.events, "every event must be answered 202");
        wait_for(&self.arrivals, load.events, Instant::now()).await;
        latencies(&sent, &self.arrivals)
    }

    /// Measures loads alternating with `pgbench`, on separate databases.
    pub(crate) async fn turns<const N: usize>(
        &self,
        server: &Server,
        loads: [Load; N],
    ) -> Turns<N> {
        let idle = self.idle_server().await;
        let mut rates = Vec::new();
        let mut resident = [0; N];
        let mut all = [(); N].map(|()| (Vec::new(), Vec::new()));
        for turn in 0..TURNS {
            let pgbench = pgbench::rate(&idle);
            rates.push(pgbench);
            for (at, load) in loads.into_iter().enumerate() {
                let measured = self.measure(server, load, 1).await;
                // Memory is read before the next load starts, and for the last load at its end.
                if turn == 0 || at + 1 == N {
                    resident[at] = cpu::resident(server.pid());
                }
                all[at].1.push(measured.rate / pgbench);
                all[at].0.push(measured);
            }
        }
        idle.stop().await;
        let loads = all.map(|(measured, parts)| Compared {
            typical: median(measured),
            of_pgbench: middle(parts),
        });
        Turns { pgbench: middle(rates), loads, resident }
    }

    /// Measures two alternating loads, each on its server and with a number of deliveries per event.
    pub(crate) async fn beside(
        &self,
        first: (&Server, Load, usize),
        second: (&Server, Load, usize),
    ) -> Beside {
        let (mut firsts, mut seconds, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..TURNS {
            let one = self.measure(first.0, first.1, first.2).await;
            let other = self.measure(second.0, second.1, second.2).await;
            ratios.push(other.rate / one.rate);
            firsts.push(one);
            seconds.push(other);
        }
        Beside { first: median(firsts), second: median(seconds), ratio: middle(ratios) }
    }

    pub(crate) async fn measure(&self, server: &Server, load: Load, fan: usize) -> Measured {
        self.measure_at(server, &server.api, server.pid(), load, fan).await
    }

    /// Measures a program with this process id that accepts events on the server's database.
    pub(crate) async fn measure_at(
        &self,
        server: &Server,
        api: &Api,
        pid: u32,
        load: Load,
        fan: usize,
    ) -> Measured {
        self.arrivals.take();
        let others = || if pid == server.pid() { Duration::ZERO } else { cpu::own_time(pid) };
        let all = || cpu::time(server.pid()) + others();
        let bench = || cpu::own_time(std::process::id());
        let (cpu_before, own_before, bench_before) = (all(), cpu::own_time(pid), bench());
        let sent = load::run(api, load).await;
        assert_eq!(sent.accepted.len(), load.events, "every event must be answered 202");
        let expected = load.events * fan;
        let begun = Instant::now();
        while self.arrivals.total() < expected {
            assert!(
                begun.elapsed() < Duration::from_mins(5),
                "{} of {expected} came",
                self.arrivals.total()
            );
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let ended = Instant::now();
        server.drain().await;
        let count = u32::try_from(expected).unwrap();
        let cpu = all().saturating_sub(cpu_before) / count;
        let server_cpu = cpu::own_time(pid).saturating_sub(own_before) / count;
        let bench_cpu = bench().saturating_sub(bench_before) / count;
        assert_eq!(self.arrivals.distinct(), load.events, "every event must arrive");
        let latencies = latencies(&sent, &self.arrivals);
        let rate = expected as f64 / (ended - sent.begun).as_secs_f64();
        Measured { rate, cpu, server_cpu, bench_cpu, latencies }
    }
}

fn latencies(sent: &Sent, arrivals: &Arrivals) -> Vec<Duration> {
    let sent_at: HashMap<usize, Instant> = sent.at.iter().copied().collect();
    let mut latencies: Vec<Duration> =
        arrivals.take().into_iter().map(|(number, at)| at - sent_at[&number]).collect();
    latencies.sort();
    latencies
}

pub(crate) fn single(events: usize) -> Load {
    Load { events, connections: CONNECTIONS, batch: 1, rate: None }
}

/// Returns the events per second that the server accepts, regardless of deliveries, as the median of its rounds.
pub(crate) async fn intake(server: &Server) -> f64 {
    let mut rates = Vec::new();
    for _ in 0..TURNS {
        let sent = load::run(&server.api, single(5_000)).await;
        rates.push(sent.accepted.len() as f64 / (sent.ended - sent.begun).as_secs_f64());
    }
    middle(rates)
}

pub(crate) fn median(mut measured: Vec<Measured>) -> Measured {
    measured.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    measured.swap_remove(measured.len() / 2)
}

/// Returns the median.
pub(crate) fn middle(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

pub(crate) async fn wait_for(arrivals: &Arrivals, count: usize, begun: Instant) -> Instant {
    while arrivals.total() < count {
        assert!(begun.elapsed() < Duration::from_mins(10), "{} of {count} came", arrivals.total());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Instant::now()
}
