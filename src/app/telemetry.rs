//! Logging to standard error, and traces.

use std::io::IsTerminal as _;
use std::sync::Arc;

use anyhow::Context;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use super::log_lines::LogLines;
use crate::config::Config;
use crate::egress::CollectorClient;
use crate::trace::{Exporter, SpanFilter};

/// The database library logs every notice and the full text of slow statements, so it is quiet unless `GATEPOST_LOG`
/// enables it.
const DEFAULT_DIRECTIVE: &str = "sqlx=error";

/// Logging, and the export of traces if there is a collector.
#[derive(Debug)]
pub struct Telemetry(Option<Arc<Exporter>>);

impl Telemetry {
    /// Exports the remaining spans.
    pub async fn stop(self) {
        let Some(exporter) = self.0 else { return };
        // Blocks until the runtime has sent them.
        let stopping = tokio::task::spawn_blocking(move || exporter.stop());
        if let Err(error) = stopping.await {
            tracing::warn!(%error, "could not export the last spans");
        }
    }
}

/// Starts logging and traces.
///
/// # Errors
/// If `GATEPOST_LOG` is not a valid filter, or traces cannot be exported.
pub fn start(config: &Config) -> anyhow::Result<Telemetry> {
    let filter =
        EnvFilter::try_new(format!("{DEFAULT_DIRECTIVE},{}", config.log)).with_context(|| {
            format!(
                "GATEPOST_LOG cannot be \"{}\"; use a filter such as info or gatepost=debug",
                config.log
            )
        })?;
    let Some(endpoint) = &config.otlp_endpoint else {
        let builder = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(std::io::stderr().is_terminal())
            .with_writer(LogLines);
        let started = if config.log_json { builder.json().try_init() } else { builder.try_init() };
        started.map_err(|error| anyhow::anyhow!("logging cannot start: {error}"))?;
        return Ok(Telemetry(None));
    };
    let exporter = Exporter::start(endpoint.as_str(), CollectorClient::new()?);
    let exporter = exporter.context("GATEPOST_OTLP_ENDPOINT")?;
    let logs = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(LogLines);
    let logs = if config.log_json { logs.json().boxed() } else { logs.boxed() };
    let layers = tracing_subscriber::registry().with(SpanFilter(filter)).with(logs);
    let started = layers.with(exporter.layer()).try_init();
    started.map_err(|error| anyhow::anyhow!("logging cannot start: {error}"))?;
    Ok(Telemetry(Some(Arc::new(exporter))))
}
