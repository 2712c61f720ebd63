//! Bulk redelivery compared to a backlog of the same size, and its effect on the latency of live deliveries.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cases::Bench;
use crate::load::Load;
use crate::measure::{middle, single, wait_for};
use crate::report::{Goal, millis};
use crate::rows;
use crate::server::{Server, Webhook};
use crate::target::{self, Arrivals};

const DELIVERIES: usize = 100_000;
/// Number of deliveries ignored at the start.
const STARTED: usize = 100;
/// Number of alternating measurements.
const TURNS: usize = 3;

impl Bench {
    /// The deliveries to send again go to their own webhook and target, so that the arrivals of live ones can be told
    /// apart.
    pub(crate) async fn redeliver(&mut self) {
        let arrivals = Arc::new(Arrivals::default());
        let url = target::start(Arc::clone(&arrivals), Duration::ZERO).await;
        let again = Webhook { url, ..self.webhook("Again", Some("no integration")) };
        let server = Server::start(&self.program, &[again, self.webhook("Live", None)]).await;
        self.latencies(&server, single(2_000)).await;
        let mut ratios = Vec::new();
        let (mut drains, mut rates) = (Vec::new(), Vec::new());
        for turn in 0..TURNS {
            rows::waiting_deliveries(&server, i64::try_from(DELIVERIES).unwrap()).await;
            server.execute("checkpoint").await;
            let release = "update delivery_queue set state = 'due' where state = 'held'";
            let drain = rate(&server, &arrivals, release).await;
            server.drain().await;
            server.execute("checkpoint").await;
            let redelivery = rate(&server, &arrivals, &queue(turn)).await;
            finished(&server).await;
            ratios.push(redelivery / drain);
            drains.push(drain);
            rates.push(redelivery);
        }
        self.report.add("redeliver", "drain of 100,000", middle(drains), "/s", None);
        self.report.add("redeliver", "redelivery of 100,000", middle(rates), "/s", None);
        let goal = Some(Goal::AtLeast(0.8));
        self.report.add("redeliver", "redelivery over drain", middle(ratios), "×", goal);
        self.live_latency(&server).await;
        server.stop().await;
    }

    /// Latency of live deliveries alone and beside redeliveries, alternating.
    async fn live_latency(&mut self, server: &Server) {
        let steady = Load { rate: Some(200.0), ..single(2_000) };
        let at = |latencies: &[Duration], part: usize| {
            millis(latencies[(latencies.len() - 1) * part / 100])
        };
        let mut ratios = [Vec::new(), Vec::new()];
        for turn in 0..TURNS {
            let alone = self.latencies(server, steady).await;
            server.execute(&queue(TURNS + turn)).await;
            // Flushes the rows inserted in bulk before the measurement.
            server.execute("checkpoint").await;
            server.execute("select pg_notify('gatepost_deliveries', '')").await;
            // Until the first event arrives, nothing else is to be sent.
            self.latencies(server, Load { rate: Some(200.0), ..single(400) }).await;
            let beside = self.latencies(server, steady).await;
            let stop = "update redeliveries set state = 'stopped' where state = 'queued'";
            server.execute(stop).await;
            finished(server).await;
            for (ratios, part) in ratios.iter_mut().zip([50, 99]) {
                ratios.push(at(&beside, part) / at(&alone, part));
            }
        }
        for (ratios, what) in ratios.into_iter().zip(["live p50", "live p99"]) {
            let goal = Some(Goal::AtMost(1.1));
            self.report.add("redeliver", what, middle(ratios), "×", goal);
        }
    }
}

/// Returns SQL that queues the redelivery of the deliveries that one turn has made.
fn queue(turn: usize) -> String {
    format!(
        "insert into redeliveries (delivery_id, state, requested_at, who)
         select id, 'queued', now(), 'bench' from delivery_history
         where webhook_id = (select id from webhooks where name = 'Again')
         order by id offset {} limit {DELIVERIES}",
        turn % TURNS * DELIVERIES
    )
}

/// Returns the deliveries per second after a statement that makes them due.
async fn rate(server: &Server, arrivals: &Arrivals, sql: &str) -> f64 {
    arrivals.take();
    let before = arrivals.total();
    let begun = Instant::now();
    server.execute(sql).await;
    server.execute("select pg_notify('gatepost_deliveries', '')").await;
    let first = wait_for(arrivals, before + STARTED, begun).await;
    let last = wait_for(arrivals, before + DELIVERIES, begun).await;
    (DELIVERIES - STARTED) as f64 / (last - first).as_secs_f64()
}

/// Waits until no redelivery is queued or being sent.
async fn finished(server: &Server) {
    let open = "select count(*) from redeliveries where state in ('queued', 'leased')";
    while server.number(open).await > 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
