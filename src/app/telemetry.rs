//! Logging to standard error.

use std::io::IsTerminal as _;

use anyhow::Context;
use tracing_subscriber::EnvFilter;

use crate::config::Config;

/// The database library logs every notice and the full text of slow statements, so it is quiet unless `GATEPOST_LOG`
/// enables it.
const DEFAULT_DIRECTIVE: &str = "sqlx=error";

/// Starts logging.
///
/// # Errors
/// If `GATEPOST_LOG` is not a valid filter.
pub fn start(config: &Config) -> anyhow::Result<()> {
    let filter =
        EnvFilter::try_new(format!("{DEFAULT_DIRECTIVE},{}", config.log)).with_context(|| {
            format!(
                "GATEPOST_LOG cannot be \"{}\"; use a filter such as info or gatepost=debug",
                config.log
            )
        })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let started = if config.log_json { builder.json().try_init() } else { builder.try_init() };
    started.map_err(|error| anyhow::anyhow!("logging cannot start: {error}"))
}
