//! `gatepost serve`.

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use crate::app::{App, system_sources};
use crate::config::Config;

/// Runs the server until Ctrl-C or a termination signal.
pub(super) async fn run(config: Config) -> anyhow::Result<()> {
    let public = config.public_url.clone();
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot handle signals")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot handle signals")?;
    let app = tokio::select! {
        app = App::build(config, system_sources()) => app?,
        _signal = interrupt.recv() => return Ok(()),
        _signal = terminate.recv() => return Ok(()),
    };
    let url = public.map_or_else(|| format!("{scheme}://{}/", app.address), |url| url.to_string());
    print_line(&format!("Gatepost {} listens on {url}", env!("CARGO_PKG_VERSION")));
    if let Some(code) = &app.setup_code {
        print_line(&format!(
            "There are no users yet. Open {url}setup and enter the one-time code {code}"
        ));
    }
    app.run_until(async move {
        tokio::select! {
            _signal = interrupt.recv() => {}
            _signal = terminate.recv() => {}
        }
        tracing::info!("stopping");
    })
    .await;
    print_line("Gatepost has stopped.");
    Ok(())
}

/// Prints a line to standard output. If that fails, the server continues.
fn print_line(line: &str) {
    if let Err(error) = super::print(&format!("{line}\n")) {
        tracing::warn!(error = format!("{error:#}"), "could not write to standard output");
    }
}
