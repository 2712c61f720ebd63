//! What is measured.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use crate::bad::Bad;
use crate::floor::Floor;
use crate::load::{self, Api, Load};
use crate::measure::{Measured, intake, median, single, wait_for};
use crate::report::{Goal, Report, mib, micros, millis};
use crate::server::{Server, Webhook};
use crate::target::Arrivals;
use crate::{cpu, pgbench, rows};

const EVENTS: usize = 20_000;
/// Of a webhook, where nothing is said.
const IN_FLIGHT: u32 = 8;

/// A run.
pub(crate) struct Bench {
    program: PathBuf,
    target: String,
    pub(crate) arrivals: Arc<Arrivals>,
    pub(crate) report: Report,
}

impl Bench {
    pub(crate) fn new(program: PathBuf, target: String, arrivals: Arc<Arrivals>) -> Self {
        Self { program, target, arrivals, report: Report::default() }
    }

    pub(crate) async fn run(&mut self, wanted: impl Fn(&str) -> bool) {
        if wanted("single") || wanted("batch") || wanted("paced") {
            self.throughput().await;
        }
        if wanted("floor") {
            self.floor().await;
        }
        if wanted("bad target") {
            self.bad_target().await;
        }
        if wanted("fan-out") {
            self.fan_out().await;
        }
        if wanted("backlog") {
            self.backlog().await;
        }
        if wanted("history") {
            self.history().await;
        }
    }

    fn webhook(&self, name: &str, integration: Option<&str>) -> Webhook {
        let url = format!("{}/add_incident_comment", self.target);
        let integration = integration.map(str::to_owned);
        Webhook { name: name.to_owned(), url, integration, in_flight: IN_FLIGHT }
    }

    /// Single events, events in batches, and a steady trickle.
    async fn throughput(&mut self) {
        let server = Server::start(&self.program, &[self.webhook("One", None)]).await;
        let pgbench = pgbench::rate(&server);
        self.report.add("pgbench", "one-row inserts", pgbench, "/s", None);
        let idle = cpu::resident(server.pid());
        self.report.add("memory", "idle", mib(idle), "MiB", Some(Goal::AtMost(25.0)));
        self.straight().await;
        self.measure(&server, single(2_000), 1).await;
        let one = self.typical(&server, single(EVENTS), 1).await;
        let busy = cpu::resident(server.pid());
        self.report.add("memory", "under load", mib(busy), "MiB", Some(Goal::AtMost(40.0)));
        self.report.add("single", "deliveries", one.rate, "/s", None);
        self.report.add("single", "of pgbench", one.rate / pgbench, "", Some(Goal::AtLeast(0.5)));
        self.report.add("single", "CPU", micros(one.cpu), "µs", Some(Goal::AtMost(150.0)));
        self.report.add("single", "CPU of the server", micros(one.server_cpu), "µs", None);
        self.report.add("single", "CPU of sender and target", micros(one.bench_cpu), "µs", None);
        self.report.add(
            "single",
            "p50",
            millis(one.latencies[one.latencies.len() / 2]),
            "ms",
            None,
        );
        let batch = self.typical(&server, Load { batch: 100, ..single(EVENTS) }, 1).await;
        let busy = cpu::resident(server.pid());
        self.report.add(
            "memory",
            "under load of batches",
            mib(busy),
            "MiB",
            Some(Goal::AtMost(40.0)),
        );
        self.report.add("batch", "deliveries", batch.rate, "/s", None);
        self.report.add("batch", "of pgbench", batch.rate / pgbench, "", Some(Goal::AtLeast(0.8)));
        self.report.add("batch", "CPU", micros(batch.cpu), "µs", None);
        self.report.add("batch", "CPU of the server", micros(batch.server_cpu), "µs", None);
        self.report.add("batch", "CPU of sender and target", micros(batch.bench_cpu), "µs", None);
        let paced = self.measure(&server, Load { rate: Some(200.0), ..single(3_000) }, 1).await;
        self.report.add("paced", "CPU", micros(paced.cpu), "µs", None);
        self.report.add("paced", "CPU of the server", micros(paced.server_cpu), "µs", None);
        let paced = paced.latencies;
        let at = |part: usize| millis(paced[(paced.len() - 1) * part / 100]);
        self.report.add("paced", "p50", at(50), "ms", Some(Goal::AtMost(1.0)));
        self.report.add("paced", "p99", at(99), "ms", Some(Goal::AtMost(3.0)));
        server.stop().await;
        self.wide(pgbench).await;
    }

    /// What the sender and the target can do without anything between them.
    async fn straight(&mut self) {
        let address = self.target.trim_start_matches("http://").to_owned();
        let api = Api { address, token: String::new() };
        self.arrivals.take();
        let sent = load::run(&api, single(100_000)).await;
        let rate = self.arrivals.total() as f64 / (sent.ended - sent.begun).as_secs_f64();
        self.report.add("straight", "sender to target", rate, "/s", None);
    }

    /// A webhook that may have more exchanges at once than is usual.
    async fn wide(&mut self, pgbench: f64) {
        let webhook = Webhook { in_flight: 32, ..self.webhook("Wide", None) };
        let server = Server::start(&self.program, &[webhook]).await;
        self.measure(&server, single(2_000), 1).await;
        for (name, batch) in [("single", 1), ("batch", 100)] {
            let wide = self.typical(&server, Load { batch, ..single(EVENTS) }, 1).await;
            self.report.add(name, "32 at once: of pgbench", wide.rate / pgbench, "", None);
            self.report.add(name, "32 at once: CPU", micros(wide.cpu), "µs", None);
        }
        let busy = cpu::resident(server.pid());
        self.report.add("memory", "under batches, 32 at once", mib(busy), "MiB", None);
        server.stop().await;
    }

    /// How long deliveries to a good target take while the same events go to a bad one too.
    async fn bad_target(&mut self) {
        let mut alone = None;
        let cases = Bad::ALL.map(|(what, bad)| (what, Some(bad)));
        for (what, bad) in [("p99 alone", None)].into_iter().chain(cases) {
            let mut webhooks = vec![self.webhook("Good", None)];
            if let Some(bad) = bad {
                let url = bad.start().await;
                webhooks.push(Webhook { url, in_flight: 64, ..self.webhook("Bad", None) });
            }
            let server = Server::start(&self.program, &webhooks).await;
            self.latencies(&server, single(500)).await;
            let latencies =
                self.latencies(&server, Load { rate: Some(200.0), ..single(2_000) }).await;
            server.stop().await;
            let p99 = latencies[latencies.len() * 99 / 100];
            let alone = *alone.get_or_insert(p99);
            if bad.is_none() {
                self.report.add("bad target", what, millis(p99), "ms", None);
            } else {
                let ratio = millis(p99) / millis(alone);
                self.report.add("bad target", what, ratio, "×", Some(Goal::AtMost(2.0)));
            }
        }
    }

    /// One event to many webhooks, and many webhooks of which one wants it.
    async fn fan_out(&mut self) {
        let hundred: Vec<Webhook> =
            (0..100).map(|n| self.webhook(&format!("Webhook {n}"), None)).collect();
        let server = Server::start(&self.program, &hundred).await;
        self.measure(&server, single(50), 100).await;
        let many = self.typical(&server, single(300), 100).await;
        server.stop().await;
        let server = Server::start(&self.program, &[self.webhook("One", None)]).await;
        self.measure(&server, single(2_000), 1).await;
        let one = self.typical(&server, single(EVENTS), 1).await;
        server.stop().await;
        let ratio = one.rate / (many.rate / 100.0);
        self.report.add(
            "fan-out",
            "an event to 100 over one",
            ratio,
            "×",
            Some(Goal::AtMost(40.0)),
        );
        self.report.add("fan-out", "CPU of a delivery to 100", micros(many.cpu), "µs", None);
        self.report.add("fan-out", "CPU of a delivery to one", micros(one.cpu), "µs", None);
        let thousand: Vec<Webhook> = (0..1000)
            .map(|n| {
                self.webhook(
                    &format!("Webhook {n}"),
                    Some(if n == 7 { "prod *" } else { "staging" }),
                )
            })
            .collect();
        let server = Server::start(&self.program, &thousand).await;
        self.measure(&server, single(2_000), 1).await;
        let filtered = self.typical(&server, single(EVENTS), 1).await;
        server.stop().await;
        let ratio = filtered.rate / one.rate;
        self.report.add(
            "fan-out",
            "one of 1,000 over one of one",
            ratio,
            "×",
            Some(Goal::AtLeast(0.9)),
        );
    }

    /// What cannot be left out, and how far the server is from it: in turns on the same database.
    async fn floor(&mut self) {
        let mut ones = [0.0; 2];
        for (fan, loads) in [
            (1, vec![("single", single(EVENTS)), ("batch", Load { batch: 100, ..single(EVENTS) })]),
            (100, vec![("fan-out", single(300))]),
        ] {
            let webhooks: Vec<Webhook> =
                (0..fan).map(|n| self.webhook(&format!("Webhook {n}"), None)).collect();
            let server = Server::start(&self.program, &webhooks).await;
            let pgbench = if fan == 1 { pgbench::rate(&server) } else { 0.0 };
            self.measure(&server, single(2_000 / fan), fan).await;
            let in_flight = if fan == 1 { 8 } else { 256 };
            let floor = Floor::start(&server, &self.target, in_flight);
            self.measure_at(&server, &floor.api, floor.pid(), single(2_000 / fan), fan).await;
            for (name, load) in loads {
                let (mut lows, mut highs) = (Vec::new(), Vec::new());
                for _ in 0..3 {
                    lows.push(self.measure_at(&server, &floor.api, floor.pid(), load, fan).await);
                    highs.push(self.measure(&server, load, fan).await);
                }
                let (low, high) = (median(lows), median(highs));
                if fan == 1 && name == "single" {
                    ones = [low.rate, high.rate];
                }
                self.tell_floor(name, &low, &high);
                if fan == 1 {
                    self.add_floor(name, "of pgbench", low.rate / pgbench, "");
                } else {
                    let times = |rate: f64, one: f64| one * 100.0 / rate;
                    self.add_floor(name, "an event to 100 over one", times(low.rate, ones[0]), "×");
                    self.add_floor(name, "the server's", times(high.rate, ones[1]), "×");
                }
            }
            drop(floor);
            server.stop().await;
        }
    }

    fn tell_floor(&mut self, name: &str, low: &Measured, high: &Measured) {
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

    /// How fast what waits goes out, and whether new events come in meanwhile.
    async fn backlog(&mut self) {
        let mut rates = Vec::new();
        for waiting in [10_000, 1_000_000] {
            let server = Server::start(&self.program, &[self.webhook("One", None)]).await;
            self.measure(&server, single(2_000), 1).await;
            let alone = intake(&server).await;
            server.drain().await;
            self.arrivals.take();
            rows::waiting_deliveries(&server, waiting).await;
            let begun = Instant::now();
            server.execute("update delivery_queue set state = 'due' where state = 'held'").await;
            server.execute("select pg_notify('gatepost_deliveries', '')").await;
            let window = 10_000.min(usize::try_from(waiting).unwrap());
            let begun = wait_for(&self.arrivals, 100, begun).await;
            let ended = wait_for(&self.arrivals, window, begun).await;
            rates.push((window - 100) as f64 / (ended - begun).as_secs_f64());
            if waiting > 10_000 {
                let ratio = intake(&server).await / alone;
                self.report.add(
                    "backlog",
                    "ingest while draining",
                    ratio,
                    "×",
                    Some(Goal::AtLeast(0.8)),
                );
            }
            server.stop().await;
            self.arrivals.take();
        }
        self.report.add("backlog", "drain of 10,000", rates[0], "/s", None);
        self.report.add("backlog", "drain of 1,000,000", rates[1], "/s", None);
        let ratio = rates[1] / rates[0];
        self.report.add("backlog", "1,000,000 over 10,000", ratio, "×", Some(Goal::AtLeast(0.8)));
    }

    /// Whether it slows down as history grows.
    async fn history(&mut self) {
        let server = Server::start(&self.program, &[self.webhook("One", None)]).await;
        self.measure(&server, single(2_000), 1).await;
        let before = self.typical(&server, single(EVENTS), 1).await;
        rows::old_deliveries(&server, 5_000_000).await;
        self.measure(&server, single(2_000), 1).await;
        let after = self.typical(&server, single(EVENTS), 1).await;
        server.stop().await;
        let ratio = after.rate / before.rate;
        self.report.add("history", "with 5,000,000 old rows", ratio, "×", Some(Goal::AtLeast(0.9)));
    }
}
