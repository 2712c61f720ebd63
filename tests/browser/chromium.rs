//! A Chromium for each test, with a profile of its own, and the chromedriver that starts it.

use std::process::Stdio;

use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use url::Url;

use crate::support::app::WAIT_TIMEOUT;

const ARGUMENTS: [&str; 10] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    // A menu is where it will be at once.
    "--force-prefers-reduced-motion",
];
/// Its processes and its folder.
pub(crate) struct Chromium {
    /// None once it has quit.
    pid: Option<String>,
    driver: Child,
    /// Held, so that chromedriver can go on talking.
    _said: Lines<BufReader<ChildStdout>>,
    _profile: TempDir,
}

impl Drop for Chromium {
    /// A test that failed leaves no process behind either.
    fn drop(&mut self) {
        let pids = self.driver.id().map(|pid| pid.to_string()).into_iter().chain(self.pid.take());
        let _killed = std::process::Command::new("kill")
            .arg("-KILL")
            .args(pids)
            .stderr(Stdio::null())
            .status();
    }
}

impl Chromium {
    /// Starts it, with one empty window.
    pub(crate) async fn start() -> (Self, Client) {
        // All that it leaves behind goes with it.
        let profile = tempfile::tempdir().unwrap();
        let (driver, said, port) = drive(&profile).await;
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities(&profile))
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .unwrap();
        let pid = client.capabilities().and_then(|all| all.get("goog:processID"));
        let pid = pid.map(ToString::to_string);
        (Self { pid, driver, _said: said, _profile: profile }, client)
    }

    /// Its session was closed: its process id may be another's now.
    pub(crate) fn has_quit(mut self) {
        self.pid = None;
    }
}

/// Starts chromedriver on a port that is free.
async fn drive(profile: &TempDir) -> (Child, Lines<BufReader<ChildStdout>>, u16) {
    // It takes a port that is free for IPv4, and ends where another has it for IPv6.
    for _ in 0..5 {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .env("TMPDIR", profile.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("chromedriver is missing: run script/bootstrap --test");
        let mut said = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = tokio::time::timeout(WAIT_TIMEOUT, port(&mut said)).await;
        if let Some(port) = port.expect("chromedriver does not start") {
            return (driver, said, port);
        }
    }
    panic!("chromedriver ends as soon as it is started")
}

/// The port that it says it listens on; none where it ends.
async fn port(said: &mut Lines<BufReader<ChildStdout>>) -> Option<u16> {
    while let Some(line) = said.next_line().await.unwrap() {
        if let Some((_, port)) = line.split_once("started successfully on port ") {
            return Some(port.trim_end_matches('.').parse().unwrap());
        }
    }
    None
}

fn capabilities(profile: &TempDir) -> Capabilities {
    let profile = format!("--user-data-dir={}", profile.path().display());
    let arguments: Vec<&str> = ARGUMENTS.into_iter().chain([profile.as_str()]).collect();
    let capabilities = json!({
        "goog:chromeOptions": {"args": arguments},
        "goog:loggingPrefs": {"browser": "ALL"},
        // Questions are the test's to answer.
        "unhandledPromptBehavior": "ignore",
    });
    capabilities.as_object().unwrap().clone()
}

/// A POST that is chromedriver's own.
#[derive(Debug)]
pub(crate) struct Extra {
    pub(crate) path: &'static str,
    pub(crate) body: Value,
}

impl WebDriverCompatibleCommand for Extra {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _url: &Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}
