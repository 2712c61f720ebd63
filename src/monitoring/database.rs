//! Figures from the database, cached.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::metrics::{Metrics, Statements};
use crate::model::Timestamp;
use crate::store::figures::{self, QueueFigures};
use crate::store::partitions::{self, PartitionDays};
use crate::store::{Error, PgPool};

/// How long figures are used, also if they could not be read.
const MAX_AGE: Duration = Duration::from_secs(5);
/// How long the size of the database and its partitions are used. They change slowly.
const MAX_SLOW_AGE: Duration = Duration::from_mins(1);

/// Figures from the database.
#[derive(Debug, Clone)]
pub(super) struct DatabaseFigures {
    pub(super) queue: QueueFigures,
    pub(super) partitions: PartitionDays,
    /// In bytes.
    pub(super) size: i64,
}

/// Reads figures at most once per [`MAX_AGE`], and never twice at a time.
#[derive(Debug, Clone)]
pub(super) struct FigureCache {
    db: PgPool,
    metrics: Metrics,
    cached: Arc<Mutex<Cached>>,
}

#[derive(Debug, Default)]
struct Cached {
    /// The newest figures. `None` if they could not be read.
    figures: Option<DatabaseFigures>,
    read_at: Option<Instant>,
    slow_read_at: Option<Instant>,
}

impl Cached {
    fn is_fresh(read_at: Option<Instant>, max_age: Duration) -> bool {
        read_at.is_some_and(|read_at| read_at.elapsed() < max_age)
    }
}

impl FigureCache {
    pub(super) fn new(db: PgPool, metrics: Metrics) -> Self {
        Self { db, metrics, cached: Arc::default() }
    }

    /// Returns the figures. `None` if the database does not respond.
    pub(super) async fn read(&self, now: Timestamp) -> Option<DatabaseFigures> {
        let mut cached = self.cached.lock().await;
        if Cached::is_fresh(cached.read_at, MAX_AGE) {
            return cached.figures.clone();
        }
        let slow =
            cached.figures.take().filter(|_| Cached::is_fresh(cached.slow_read_at, MAX_SLOW_AGE));
        if slow.is_none() {
            cached.slow_read_at = Some(Instant::now());
        }
        let timer = self.metrics.time(Statements::Scrape);
        let read = self.read_now(slow, now).await;
        drop(timer);
        cached.figures = read
            .inspect_err(|error| {
                tracing::warn!(error = error.chain(), "could not read figures for metrics");
            })
            .ok();
        cached.read_at = Some(Instant::now());
        cached.figures.clone()
    }

    /// Reads the figures. Partitions and size are kept if they are given.
    async fn read_now(
        &self,
        slow: Option<DatabaseFigures>,
        now: Timestamp,
    ) -> Result<DatabaseFigures, Error> {
        let queue = figures::queue(&self.db, now).await?;
        let (partitions, size) = match slow {
            Some(DatabaseFigures { partitions, size, .. }) => (partitions, size),
            None => (partitions::list(&self.db).await?, figures::size(&self.db).await?),
        };
        Ok(DatabaseFigures { queue, partitions, size })
    }
}
