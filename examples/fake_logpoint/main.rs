//! The simulated Logpoint as a program, for trying Gatepost without an appliance.
//!
//! `cargo run --example fake_logpoint -- --listen 127.0.0.1:8443 --state-dir data/logpoint`
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

#[cfg_attr(not(test), expect(dead_code, unused_imports, reason = "tests use the rest"))]
mod logpoint;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use logpoint::{Certificate, FakeLogpoint, Options, Pem};

/// A simulated Logpoint over TLS, with a few incidents in memory
#[derive(Parser)]
#[command(name = "fake_logpoint")]
struct Flags {
    /// Address to listen on; port 0 selects a free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
    /// User name that the API accepts
    #[arg(long, value_name = "NAME", default_value = "svc-gatepost")]
    username: String,
    /// Key of that user
    #[arg(long, value_name = "KEY", default_value = "demo-key")]
    secret_key: String,
    /// Folder for the certificate and its key, so that a pinned fingerprint stays valid; by default,
    /// each start creates new ones
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fake_logpoint: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    let Flags { listen, username, secret_key, state_dir } = Flags::parse();
    let mut terminated = signal(SignalKind::terminate())?;
    let certificate = match state_dir {
        Some(dir) => Certificate::Given(load_or_create(&dir)?),
        None => Certificate::SelfSigned,
    };
    let log: fn(&str) = |line| println!("{line}");
    let options = Options { listen, username, secret_key, certificate, ..Options::default() };
    let options = Options { max_recorded: 0, log: Some(log), ..options };
    let logpoint = FakeLogpoint::try_start(options)
        .await
        .with_context(|| format!("could not listen on {listen}"))?;
    println!("Simulated Logpoint on {}", logpoint.url(""));
    println!("Certificate SHA-256 {}", logpoint.fingerprint());
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _signal = terminated.recv() => {}
    }
    logpoint.stop().await;
    Ok(())
}

/// Loads the certificate from a folder, or creates it at the first start.
fn load_or_create(dir: &Path) -> anyhow::Result<Pem> {
    let (certificate, key) = (dir.join("certificate.pem"), dir.join("key.pem"));
    if certificate.exists() {
        let read = |path: &Path| {
            fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))
        };
        return Ok(Pem { certificate: read(&certificate)?, key: read(&key)? });
    }
    fs::create_dir_all(dir).with_context(|| format!("could not create {}", dir.display()))?;
    let pem = Pem::self_signed()?;
    // The certificate is written last, so that it never exists without its key.
    write(&key, 0o600, &pem.key)?;
    write(&certificate, 0o644, &pem.certificate)?;
    Ok(pem)
}

fn write(path: &Path, mode: u32, text: &str) -> anyhow::Result<()> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(mode).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("could not write {}", path.display()))
}
