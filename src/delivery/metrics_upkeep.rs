//! Adds the samples of histograms to their buckets, so that they do not take more and more memory while the metrics are not
//! scraped.

use std::time::Duration;

use tokio::time::Interval;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;

/// Time between two runs. At 5,000 deliveries per second, 20,000 samples accumulate.
const INTERVAL: Duration = Duration::from_secs(2);

/// Runs until stopped.
pub(super) async fn run(metrics: Metrics, stop: CancellationToken) {
    run_each(&mut tokio::time::interval(INTERVAL), metrics, stop).await;
}

async fn run_each(interval: &mut Interval, metrics: Metrics, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _instant = interval.tick() => metrics.run_upkeep(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::metrics::{Attempt, SUCCESS};

    /// Samples that are recorded between two runs.
    const SAMPLES: usize = 100_000;

    /// Resident memory of this process, in kilobytes. `None` where the system does not report it.
    fn resident_kb() -> Option<usize> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().strip_suffix("kB")?.trim().parse().ok()
    }

    fn record(metrics: &Metrics) {
        let duration = Duration::from_millis(3);
        for _ in 0..SAMPLES {
            metrics.attempted(Attempt { outcome: SUCCESS, status: Some(200), duration });
        }
    }

    #[tokio::test]
    async fn memory_is_bounded_while_nothing_is_scraped() {
        let metrics = Metrics::new(&[], &[]).unwrap();
        record(&metrics);
        let stop = CancellationToken::new();
        let upkeep = async {
            // More often than in operation.
            let mut interval = tokio::time::interval(Duration::from_millis(1));
            run_each(&mut interval, metrics.clone(), stop.clone()).await;
        };
        let before = resident_kb();
        let recording = async {
            let started_at = Instant::now();
            for _ in 0..30 {
                record(&metrics);
                tokio::time::timeout(Duration::from_millis(3), std::future::pending::<()>())
                    .await
                    .ok();
            }
            stop.cancel();
            started_at.elapsed()
        };
        let ((), elapsed) = tokio::join!(upkeep, recording);
        if let (Some(before), Some(after)) = (before, resident_kb()) {
            // Without upkeep, the samples would take 70 MB.
            assert!(after < before + 30_000, "{before} kB, then {after} kB after {elapsed:?}");
        }
        let count = format!("gatepost_attempt_duration_seconds_count {}", 31 * SAMPLES);
        assert!(metrics.render().contains(&count));
    }
}
