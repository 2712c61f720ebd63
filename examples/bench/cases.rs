//! The benchmark cases.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use crate::bad::Bad;
use crate::floor::Floor;
use crate::load::{self, Api, Load};
use crate::measure::{Compared, Measured, TURNS, Turns, intake, median, middle, single, wait_for};
use crate::report::{Goal, Report, mib, micros, millis};
use crate::server::{Server, Webhook};
use crate::target::Arrivals;
use crate::{cpu, pgbench, rows};

const EVENTS: usize = 20_000;
/// Number of deliveries of a backlog over which its rate is measured, and number of deliveries ignored at its start.
const WINDOW: usize = 10_000;
const STARTED: usize = 100;
/// Default number of attempts in flight of a webhook.
const IN_FLIGHT: u32 = 8;

/// A run of the benchmarks.
pub(crate) struct Bench {
    pub(crate) program: PathBuf,
    target: String,
    pub(crate) arrivals: Arc<Arrivals>,
    pub(crate) report: Report,
}

impl Bench {
    pub(crate) fn new(program: PathBuf, target: String, arrivals: Arc<Arrivals>) -> Self {
        Self { program, target, arrivals, report: Report::default() }
    }

    pub(crate) async fn run(&mut self, is_selected: impl Fn(&str) -> bool) {
        if is_selected("single") || is_selected("batch") {
            self.throughput().await;
        }
        if is_selected("paced") {
            self.paced().await;
        }
        if is_selected("floor") {
            self.floor().await;
        }
        if is_selected("bad target") {
            self.bad_target().await;
        }
        if is_selected("fan-out") {
            self.fan_out().await;
        }
        if is_selected("backlog") {
            self.backlog().await;
        }
        if is_selected("pages") {
            self.pages().await;
        }
        if is_selected("redeliver") {
            self.redeliver().await;
        }
        if is_selected("history") {
            self.history().await;
        }
    }

    pub(crate) fn webhook(&self, name: &str, integration: Option<&str>) -> Webhook {
        let url = format!("{}/add_incident_comment", self.target);
        let integration = integration.map(str::to_owned);
        Webhook { name: name.to_owned(), url, integration, in_flight: IN_FLIGHT, settings: "" }
    }

    /// Starts an idle server, whose PostgreSQL is free for `pgbench`.
    pub(crate) async fn idle_server(&self) -> Server {
        Server::start(&self.program, &[self.webhook("One", None)]).await
    }

    /// Throughput of single events and of batches.
    async fn throughput(&mut self) {
        let server = Server::start(&self.program, &[self.webhook("One", None)]).await;
        let idle = cpu::resident(server.pid());
        self.report.add("memory", "idle", mib(idle), "MiB", Some(Goal::AtMost(25.0)));
        self.direct().await;
        self.measure(&server, single(2_000), 1).await;
        let loads = [single(EVENTS), Load { batch: 100, ..single(EVENTS) }];
        let Turns { pgbench, loads: [one, batch], resident } = self.turns(&server, loads).await;
        self.report.add("pgbench", "one-row inserts", pgbench, "/s", None);
        for (what, bytes) in ["under load", "under load of batches"].into_iter().zip(resident) {
            self.report.add("memory", what, mib(bytes), "MiB", Some(Goal::AtMost(40.0)));
        }
        self.report_load("single", &one, Goal::AtLeast(0.5), Some(Goal::AtMost(150.0)));
        let p50 = one.typical.latencies[one.typical.latencies.len() / 2];
        self.report.add("single", "p50", millis(p50), "ms", None);
        self.report_load("batch", &batch, Goal::AtLeast(0.8), None);
        server.stop().await;
        self.wide().await;
    }

    /// Latency at a constant rate.
    async fn paced(&mut self) {
        let server = Server::start(&self.program, &[self.webhook("One", None)]).await;
        self.measure(&server, single(2_000), 1).await;
        let paced = self.measure(&server, Load { rate: Some(200.0), ..single(3_000) }, 1).await;
        self.report.add("paced", "CPU", micros(paced.cpu), "µs", None);
        self.report.add("paced", "CPU of the server", micros(paced.server_cpu), "µs", None);
        let paced = paced.latencies;
        let at = |part: usize| millis(paced[(paced.len() - 1) * part / 100]);
        self.report.add("paced", "p50", at(50), "ms", Some(Goal::AtMost(1.0)));
        self.report.add("paced", "p99", at(99), "ms", Some(Goal::AtMost(3.0)));
        server.stop().await;
    }

    fn report_load(&mut self, name: &'static str, load: &Compared, rate: Goal, cpu: Option<Goal>) {
        let Compared { typical, of_pgbench } = load;
        self.report.add(name, "deliveries", typical.rate, "/s", None);
        self.report.add(name, "of pgbench", *of_pgbench, "", Some(rate));
        self.report.add(name, "CPU", micros(typical.cpu), "µs", cpu);
        self.report.add(name, "CPU of the server", micros(typical.server_cpu), "µs", None);
        self.report.add(name, "CPU of sender and target", micros(typical.bench_cpu), "µs", None);
    }

    /// Throughput of sender and target without a server between them.
    async fn direct(&mut self) {
        let address = self.target.trim_start_matches("http://").to_owned();
        let api = Api { address, token: String::new() };
        self.arrivals.take();
        let sent = load::run(&api, single(100_000)).await;
        let rate = self.arrivals.total() as f64 / (sent.ended - sent.begun).as_secs_f64();
        self.report.add("straight", "sender to target", rate, "/s", None);
    }

    /// Throughput of a webhook with more attempts in flight than the default.
    async fn wide(&mut self) {
        let webhook = Webhook { in_flight: 32, ..self.webhook("Wide", None) };
        let server = Server::start(&self.program, &[webhook]).await;
        self.measure(&server, single(2_000), 1).await;
        let loads = [single(EVENTS), Load { batch: 100, ..single(EVENTS) }];
        let Turns { loads: [one, batch], resident, .. } = self.turns(&server, loads).await;
        for (name, wide) in [("single", one), ("batch", batch)] {
            self.report.add(name, "32 at once: of pgbench", wide.of_pgbench, "", None);
            self.report.add(name, "32 at once: CPU", micros(wide.typical.cpu), "µs", None);
        }
        self.report.add("memory", "under batches, 32 at once", mib(resident[1]), "MiB", None);
        server.stop().await;
    }

    /// Latency of a healthy target while the same events go to a bad one too, alternating with a server that has only the
    /// healthy one.
    async fn bad_target(&mut self) {
        let steady = Load { rate: Some(200.0), ..single(1_000) };
        let alone = Server::start(&self.program, &[self.webhook("Good", None)]).await;
        self.latencies(&alone, single(500)).await;
        let p99 = |latencies: Vec<_>| millis(latencies[latencies.len() * 99 / 100]);
        let mut usual = Vec::new();
        for (what, bad) in Bad::ALL {
            let url = bad.start(Arc::new(())).await;
            let bad = Webhook { url, in_flight: 64, ..self.webhook("Bad", None) };
            let webhooks = [self.webhook("Good", None), bad];
            let mut ratios = Vec::new();
            for _ in 0..3 {
                let without = p99(self.latencies(&alone, steady).await);
                // Not earlier, because the server would continue with the bad target meanwhile.
                let server = Server::start(&self.program, &webhooks).await;
                self.latencies(&server, single(500)).await;
                ratios.push(p99(self.latencies(&server, steady).await) / without);
                server.stop().await;
                usual.push(without);
            }
            self.report.add("bad target", what, middle(ratios), "×", Some(Goal::AtMost(2.0)));
        }
        alone.stop().await;
        self.report.add("bad target", "p99 alone", middle(usual), "ms", None);
    }

    /// One event to many webhooks, and many webhooks of which one matches. Each alternates with a single webhook.
    async fn fan_out(&mut self) {
        let one = Server::start(&self.program, &[self.webhook("One", None)]).await;
        self.measure(&one, single(2_000), 1).await;
        let hundred: Vec<Webhook> =
            (0..100).map(|n| self.webhook(&format!("Webhook {n}"), None)).collect();
        let server = Server::start(&self.program, &hundred).await;
        self.measure(&server, single(50), 100).await;
        let beside = self.beside((&one, single(EVENTS), 1), (&server, single(300), 100)).await;
        server.stop().await;
        let times = 100.0 / beside.ratio;
        let goal = Some(Goal::AtMost(40.0));
        self.report.add("fan-out", "an event to 100 over one", times, "×", goal);
        let [single_cpu, cpu] = [&beside.first, &beside.second].map(|one| micros(one.cpu));
        self.report.add("fan-out", "CPU of a delivery to 100", cpu, "µs", None);
        self.report.add("fan-out", "CPU of a delivery to one", single_cpu, "µs", None);
        let integration = |n| if n == 7 { "prod *" } else { "staging" };
        let thousand: Vec<Webhook> = (0..1000)
            .map(|n| self.webhook(&format!("Webhook {n}"), Some(integration(n))))
            .collect();
        let server = Server::start(&self.program, &thousand).await;
        self.measure(&server, single(2_000), 1).await;
        let beside = self.beside((&one, single(EVENTS), 1), (&server, single(EVENTS), 1)).await;
        server.stop().await;
        one.stop().await;
        let goal = Some(Goal::AtLeast(0.9));
        self.report.add("fan-out", "one of 1,000 over one of one", beside.ratio, "×", goal);
    }

    /// The minimal program compared to the server, alternating on the same database. See [`crate::floor`].
    async fn floor(&mut self) {
        let mut ones = [0.0; 2];
        for (fan, loads) in [
            (1, vec![("single", single(EVENTS)), ("batch", Load { batch: 100, ..single(EVENTS) })]),
            (100, vec![("fan-out", single(300))]),
        ] {
            let webhooks: Vec<Webhook> =
                (0..fan).map(|n| self.webhook(&format!("Webhook {n}"), None)).collect();
            let server = Server::start(&self.program, &webhooks).await;
            self.measure(&server, single(2_000 / fan), fan).await;
            let yard = self.idle_server().await;
            let in_flight = if fan == 1 { 8 } else { 256 };
            let floor = Floor::start(&server, &self.target, in_flight);
            self.measure_at(&server, &floor.api, floor.pid(), single(2_000 / fan), fan).await;
            for (name, load) in loads {
                let (mut lows, mut highs, mut parts) = (Vec::new(), Vec::new(), Vec::new());
                for _ in 0..TURNS {
                    let pgbench = if fan == 1 { pgbench::rate(&yard) } else { 1.0 };
                    let low = self.measure_at(&server, &floor.api, floor.pid(), load, fan).await;
                    parts.push(low.rate / pgbench);
                    lows.push(low);
                    highs.push(self.measure(&server, load, fan).await);
                }
                let (low, high) = (median(lows), median(highs));
                if fan == 1 && name == "single" {
                    ones = [low.rate, high.rate];
                }
                self.report_floor(name, &low, &high);
                if fan == 1 {
                    self.add_floor(name, "of pgbench", middle(parts), "");
                } else {
                    let times = |rate: f64, one: f64| one * 100.0 / rate;
                    self.add_floor(name, "an event to 100 over one", times(low.rate, ones[0]), "×");
                    self.add_floor(name, "the server's", times(high.rate, ones[1]), "×");
                }
            }
            drop(floor);
            yard.stop().await;
            server.stop().await;
        }
    }

    fn report_floor(&mut self, name: &str, low: &Measured, high: &Measured) {
        self.add_floor(name, "deliveries", low.rate, "/s");
        self.add_floor(name, "the server's deliveries", high.rate, "/s");
        self.add_floor(name, "CPU", micros(low.cpu), "µs");
        self.add_floor(name, "CPU without PostgreSQL", micros(low.server_cpu), "µs");
        self.add_floor(name, "the server's CPU", micros(high.cpu), "µs");
        self.add_floor(name, "the server's CPU without PostgreSQL", micros(high.server_cpu), "µs");
    }

    fn add_floor(&mut self, name: &str, what: &str, value: f64, unit: &'static str) {
        self.report.add("floor", format!("{name}: {what}"), value, unit, None);
    }

    /// Throughput of a backlog, and of intake meanwhile.
    async fn backlog(&mut self) {
        let server = Server::start(&self.program, &[self.webhook("One", None)]).await;
        self.measure(&server, single(2_000), 1).await;
        let mut rates = Vec::new();
        for _ in 0..TURNS {
            let begun = self.release(&server, WINDOW).await;
            rates.push(self.drained(WINDOW, begun).await.0);
            server.drain().await;
        }
        let few = middle(rates);
        let alone = intake(&server).await;
        server.drain().await;
        let mut begun = self.release(&server, 1_000_000).await;
        let mut rates = Vec::new();
        for turn in 1..=TURNS {
            let (rate, ended) = self.drained(turn * WINDOW, begun).await;
            rates.push(rate);
            begun = ended;
        }
        let many = middle(rates);
        let ingest = intake(&server).await / alone;
        server.stop().await;
        self.arrivals.take();
        let goal = || Some(Goal::AtLeast(0.8));
        self.report.add("backlog", "ingest while draining", ingest, "×", goal());
        self.report.add("backlog", "drain of 10,000", few, "/s", None);
        self.report.add("backlog", "drain of 1,000,000", many, "/s", None);
        self.report.add("backlog", "1,000,000 over 10,000", many / few, "×", goal());
    }

    /// Releases held deliveries. Returns when the first hundred have arrived.
    async fn release(&self, server: &Server, count: usize) -> Instant {
        rows::waiting_deliveries(server, i64::try_from(count).unwrap()).await;
        // Flushes the rows inserted in bulk before the measurement.
        server.execute("checkpoint").await;
        self.arrivals.take();
        let begun = Instant::now();
        server.execute("update delivery_queue set state = 'due' where state = 'held'").await;
        server.execute("select pg_notify('gatepost_deliveries', '')").await;
        wait_for(&self.arrivals, STARTED, begun).await
    }

    /// Returns the deliveries per second in the window that ends with this arrival, and its time.
    async fn drained(&self, last: usize, begun: Instant) -> (f64, Instant) {
        let ended = wait_for(&self.arrivals, last, begun).await;
        let count = if last == WINDOW { WINDOW - STARTED } else { WINDOW };
        (count as f64 / (ended - begun).as_secs_f64(), ended)
    }

    /// Throughput with a large history, alternating with a server without one.
    async fn history(&mut self) {
        let [new, old] = ["New", "Old"].map(|name| [self.webhook(name, None)]);
        let new = Server::start(&self.program, &new).await;
        let old = Server::start(&self.program, &old).await;
        for server in [&new, &old] {
            self.measure(server, single(2_000), 1).await;
        }
        rows::old_deliveries(&old, 5_000_000).await;
        self.measure(&old, single(2_000), 1).await;
        let beside = self.beside((&new, single(EVENTS), 1), (&old, single(EVENTS), 1)).await;
        new.stop().await;
        old.stop().await;
        let goal = Some(Goal::AtLeast(0.9));
        self.report.add("history", "with 5,000,000 old rows", beside.ratio, "×", goal);
    }
}
