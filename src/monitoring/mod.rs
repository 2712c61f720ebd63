//! What `GET /metrics` returns: the counters and histograms of this server, and figures that are read when they are
//! requested.
//!
//! Figures from the database are cached, so that scrapes cannot load it. They are about all instances, the others about
//! this one.

mod database;
mod process;

use std::collections::HashMap;

use crate::delivery::{Dispatcher, DispatcherFigures};
use crate::egress::Client;
use crate::metrics::{Exposition, MAX_LABELLED_WEBHOOKS, Metrics, OTHER, names};
use crate::model::{Sources, Timestamp};
use crate::store::PgPool;
use crate::store::figures::{self, PoolFigures, QueueFigures};

use database::{DatabaseFigures, FigureCache};

/// A pool of connections and its name.
pub type NamedPool = (&'static str, PgPool);

/// Reads the metrics of this server.
#[derive(Debug, Clone)]
pub struct Monitor {
    metrics: Metrics,
    dispatcher: Dispatcher,
    client: Client,
    pools: Vec<NamedPool>,
    sources: Sources,
    cache: FigureCache,
    started_at: Timestamp,
}

impl Monitor {
    /// Creates a monitor. Figures are read from `db`.
    pub fn new(
        metrics: Metrics,
        dispatcher: Dispatcher,
        client: Client,
        (db, pools): (PgPool, Vec<NamedPool>),
        sources: Sources,
    ) -> Self {
        let started_at = sources.now();
        let cache = FigureCache::new(db, metrics.clone());
        Self { metrics, dispatcher, client, pools, sources, cache, started_at }
    }

    /// Returns the counters and histograms.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Returns the clock.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Returns all metrics in Prometheus' text format.
    pub async fn render(&self) -> String {
        let now = self.sources.now();
        let database = self.cache.read(now).await;
        let mut text = Exposition::default();
        self.add_process(&mut text);
        add_dispatcher(&mut text, &self.metrics, &self.dispatcher.figures());
        let (opened, reused) = self.client.connection_counts();
        text.add_value(&names::CONNECTIONS_OPENED, float(opened));
        text.add_value(&names::CONNECTIONS_REUSED, float(reused));
        self.add_pools(&mut text);
        add_database(&mut text, database.as_ref(), now);
        self.metrics.render() + &text.into_text()
    }

    fn add_process(&self, text: &mut Exposition) {
        text.add(&names::BUILD_INFO, [([env!("CARGO_PKG_VERSION")], 1.0)]);
        text.add_value(&names::START_TIME, float(self.started_at.timestamp()));
        if let Some(bytes) = process::resident_bytes() {
            text.add_value(&names::MEMORY_RESIDENT, float(bytes));
        }
    }

    fn add_pools(&self, text: &mut Exposition) {
        let pools: Vec<(&str, PoolFigures)> =
            self.pools.iter().map(|(name, pool)| (*name, figures::pool(pool))).collect();
        let connections = pools.iter().flat_map(|(name, pool)| {
            [
                ([*name, "idle"], pool.idle.into()),
                ([*name, "in_use"], pool.size.saturating_sub(pool.idle).into()),
            ]
        });
        text.add(&names::DATABASE_POOL_CONNECTIONS, connections);
        let max = pools.iter().map(|(name, pool)| ([*name], pool.max.into()));
        text.add(&names::DATABASE_POOL_MAX_CONNECTIONS, max);
    }
}

fn add_dispatcher(text: &mut Exposition, metrics: &Metrics, figures: &DispatcherFigures) {
    let DispatcherFigures { in_flight, max_in_flight, deliveries, events, max_events, webhooks } =
        figures;
    for (metric, value) in [
        (&names::DISPATCHER_IN_FLIGHT, in_flight),
        (&names::DISPATCHER_MAX_IN_FLIGHT, max_in_flight),
        (&names::DISPATCHER_DELIVERIES, deliveries),
        (&names::DISPATCHER_EVENTS, events),
        (&names::DISPATCHER_MAX_EVENTS, max_events),
    ] {
        text.add_value(metric, float(*value));
    }
    let mut states = HashMap::from([("active", 0_u32), ("inactive", 0), ("paused", 0)]);
    let mut labelled = Vec::new();
    let mut other_open = 0_u32;
    // With few webhooks, all have a label from the start. With many, those get one that have an attempt or an open circuit
    // breaker first.
    let is_few = webhooks.len() <= MAX_LABELLED_WEBHOOKS;
    for webhook in webhooks {
        let state = match (webhook.is_active, webhook.is_paused) {
            (true, _) => "active",
            (false, true) => "paused",
            (false, false) => "inactive",
        };
        *states.entry(state).or_default() += 1;
        let id = webhook.id.uuid();
        let has_label = if is_few || webhook.is_breaker_open {
            metrics.label_webhook(id)
        } else {
            metrics.is_labelled(id)
        };
        if has_label {
            labelled.push((id.to_string(), webhook));
        } else {
            other_open += u32::from(webhook.is_breaker_open);
        }
    }
    text.add(&names::WEBHOOKS, states.into_iter().map(|(state, count)| ([state], count.into())));
    let names = labelled.iter().map(|(id, webhook)| ([id.as_str(), &webhook.name], 1.0));
    text.add(&names::WEBHOOK_INFO, names);
    let open = labelled
        .iter()
        .map(|(id, webhook)| ([id.as_str()], f64::from(u8::from(webhook.is_breaker_open))));
    text.add(&names::CIRCUIT_BREAKER_OPEN, open.chain([([OTHER], other_open.into())]));
}

/// Without a database, only that is reported.
fn add_database(text: &mut Exposition, figures: Option<&DatabaseFigures>, now: Timestamp) {
    text.add_value(&names::DATABASE_UP, f64::from(u8::from(figures.is_some())));
    let Some(DatabaseFigures { queue, partitions, size }) = figures else { return };
    let QueueFigures { due, scheduled, leased, held, waiting, oldest_due_at } = *queue;
    let states = [
        ("due", due),
        ("scheduled", scheduled),
        ("leased", leased),
        ("held", held),
        ("waiting", waiting),
    ];
    text.add(&names::QUEUE_DELIVERIES, states.map(|(state, count)| ([state], float(count))));
    let age = oldest_due_at.and_then(|at| (now - at).to_std().ok()).unwrap_or_default();
    text.add_value(&names::QUEUE_OLDEST_DUE_AGE, age.as_secs_f64());
    text.add_value(&names::DATABASE_SIZE, float(*size));
    let counts = partitions.iter().map(|(table, days)| {
        ([table.as_str()], float(i64::try_from(days.len()).unwrap_or(i64::MAX)))
    });
    text.add(&names::PARTITIONS, counts);
    let ahead = partitions.iter().filter_map(|(table, days)| {
        let ahead = (*days.last()? - now.date_naive()).num_days();
        Some(([table.as_str()], float(ahead)))
    });
    text.add(&names::PARTITIONS_AHEAD, ahead);
}

/// Numbers in Prometheus are floating-point numbers. Those above 2^53 are rounded.
fn float(number: impl TryInto<i64>) -> f64 {
    #[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "see above")]
    let float = number.try_into().unwrap_or(i64::MAX) as f64;
    float
}
