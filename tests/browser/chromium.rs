//! A Chromium with its own profile for each test, started by its own chromedriver.

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

const ARGUMENTS: [&str; 11] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    // Wide enough for the navigation beside the page.
    "--window-size=1280,900",
    // Menus appear without animation.
    "--force-prefers-reduced-motion",
];

/// The processes and the profile.
pub(crate) struct Chromium {
    /// Process id of Chromium; `None` after it has ended.
    pid: Option<String>,
    driver: Child,
    /// Kept open, so that chromedriver can write to it.
    _output: Lines<BufReader<ChildStdout>>,
    _profile: TempDir,
}

impl Drop for Chromium {
    /// Kills the processes of a failed test.
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
    /// Starts Chromium with one empty window.
    pub(crate) async fn start() -> (Self, Client) {
        // Temporary files are in the profile, and are deleted with it.
        let profile = tempfile::tempdir().unwrap();
        let (driver, output, port) = start_driver(&profile).await;
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities(&profile))
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .unwrap();
        let pid = client.capabilities().and_then(|all| all.get("goog:processID"));
        let pid = pid.map(ToString::to_string);
        (Self { pid, driver, _output: output, _profile: profile }, client)
    }

    /// Forgets the process after its session was closed, because its id can be reused.
    pub(crate) fn forget_process(mut self) {
        self.pid = None;
    }
}

/// Starts chromedriver on a free port.
async fn start_driver(profile: &TempDir) -> (Child, Lines<BufReader<ChildStdout>>, u16) {
    // chromedriver chooses a port that is free for IPv4, and ends if the port is in use for IPv6.
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
        let mut output = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = tokio::time::timeout(WAIT_TIMEOUT, port(&mut output)).await;
        if let Some(port) = port.expect("chromedriver does not start") {
            return (driver, output, port);
        }
    }
    panic!("chromedriver ends immediately")
}

/// Reads the port from the output. `None` if chromedriver has ended.
async fn port(output: &mut Lines<BufReader<ChildStdout>>) -> Option<u16> {
    while let Some(line) = output.next_line().await.unwrap() {
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
        // Tests answer the dialogs of the browser.
        "unhandledPromptBehavior": "ignore",
    });
    capabilities.as_object().unwrap().clone()
}

/// A command that chromedriver adds to `WebDriver`.
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
