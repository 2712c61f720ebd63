//! `gatepost serve`.

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use crate::app::{App, system_sources};
use crate::config::Config;

/// Runs the server until Ctrl-C or a termination signal.
pub(super) async fn run(config: Config) -> anyhow::Result<()> {
    let public = config.public_url.clone();
    let mut interrupt = signal(SignalKind::interrupt()).context("signals")?;
    let mut terminate = signal(SignalKind::terminate()).context("signals")?;
    let app = tokio::select! {
        app = App::build(config, system_sources()) => app?,
        _signal = interrupt.recv() => return Ok(()),
        _signal = terminate.recv() => return Ok(()),
    };
    let url = public.map_or_else(|| format!("http://{}/", app.address), |url| url.to_string());
    println!("Gatepost {} listens on {url}", env!("CARGO_PKG_VERSION"));
    if let Some(code) = &app.setup_code {
        println!("Nobody can sign in yet. Open {url}setup and enter the one-time code {code}");
    }
    app.run_until(async move {
        tokio::select! {
            _signal = interrupt.recv() => {}
            _signal = terminate.recv() => {}
        }
        tracing::info!("stopping");
    })
    .await?;
    println!("Gatepost has stopped.");
    Ok(())
}
