//! Logs, on standard error.

use std::io::IsTerminal as _;

use anyhow::Context;
use tracing_subscriber::EnvFilter;

use crate::config::Config;

/// The database library reports every notice and every slow statement with its whole text; whoever
/// wants that says so in `GATEPOST_LOG`.
const QUIET: &str = "sqlx=error";

/// Begins to log.
///
/// # Errors
/// Where `GATEPOST_LOG` is not a filter.
pub fn start(config: &Config) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(format!("{QUIET},{}", config.log)).with_context(|| {
        format!("GATEPOST_LOG cannot be \"{}\": use info or gatepost=debug", config.log)
    })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let started = if config.log_json { builder.json().try_init() } else { builder.try_init() };
    started.map_err(|error| anyhow::anyhow!("logging cannot start: {error}"))
}
