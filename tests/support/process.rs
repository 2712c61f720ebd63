//! The `gatepost` program as a process that tests can stop, kill and restart.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use super::app::{EMAIL, PASSWORD, WAIT_TIMEOUT};

/// The master key of servers with a database URL.
pub(crate) const MASTER_KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
/// Timeout of a command. Also ends a server that should not have started.
const COMMAND_TIMEOUT: Duration = Duration::from_mins(1);

/// Returns the program, without the environment of the test.
pub(crate) fn gatepost() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatepost"));
    command.env_clear();
    for name in ["PATH", "PG_BIN_DIR"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.env("GATEPOST_LISTEN", "127.0.0.1:0");
    command.env("GATEPOST_EGRESS_ALLOW", "127.0.0.0/8");
    command.env("GATEPOST_LOG", "warn");
    command.current_dir(std::env::temp_dir());
    command
}

/// Adds arguments.
pub(crate) fn with_args(mut command: Command, args: &[&str]) -> Command {
    command.args(args);
    command
}

/// Configures an administrator.
pub(crate) fn with_admin(mut command: Command) -> Command {
    command.env("GATEPOST_ADMIN_EMAIL", EMAIL).env("GATEPOST_ADMIN_PASSWORD", PASSWORD);
    command
}

/// Configures an existing database.
pub(crate) fn with_database(mut command: Command, url: &str) -> Command {
    command.env("DATABASE_URL", url).env("GATEPOST_MASTER_KEY", MASTER_KEY);
    command
}

/// Configures a private database in this directory.
pub(crate) fn with_data_dir(mut command: Command, data_dir: &Path) -> Command {
    command.env("GATEPOST_DATA_DIR", data_dir);
    command
}

/// Creates a directory that every account can enter. As root, PostgreSQL runs under another account.
pub(crate) fn directory() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o755)).unwrap();
    directory
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// Such as `http://127.0.0.1:41234`.
    pub(crate) base: String,
    /// The lines printed so far.
    pub(crate) printed: Vec<String>,
}

impl Server {
    /// Starts a server and waits until it listens.
    pub(crate) async fn start(command: Command) -> Self {
        let mut command = tokio::process::Command::from(command);
        let mut child =
            command.kill_on_drop(true).stdout(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut server = Self { child, lines, base: String::new(), printed: Vec::new() };
        let line = server.read_line().await;
        server.base.push_str(line.split_whitespace().last().unwrap().trim_end_matches('/'));
        server
    }

    /// Waits for the next printed line.
    pub(crate) async fn read_line(&mut self) -> String {
        let line = tokio::time::timeout(COMMAND_TIMEOUT, self.lines.next_line()).await;
        let line = line.expect("the server prints nothing").unwrap().expect("the server has ended");
        self.printed.push(line.clone());
        line
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// kill -9.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Sends SIGINT and waits for the exit code.
    pub(crate) async fn interrupt(self) -> Option<i32> {
        self.stop_with("INT").await
    }

    /// Sends a signal and waits for the exit code.
    pub(crate) async fn stop_with(mut self, name: &str) -> Option<i32> {
        signal(name, &[self.pid()]);
        self.ended().await
    }

    /// Waits for the exit code.
    pub(crate) async fn ended(&mut self) -> Option<i32> {
        let ended = tokio::time::timeout(WAIT_TIMEOUT, self.child.wait()).await;
        ended.expect("the server does not stop").unwrap().code()
    }

    /// Returns the status of `/readyz`. `None` if the server does not respond.
    pub(crate) async fn readiness(&self) -> Option<u16> {
        let response = super::http().get(format!("{}/readyz", self.base)).send().await.ok()?;
        Some(response.status().as_u16())
    }

    /// Sends an event.
    pub(crate) async fn send(&self, token: &str, event: &Value) -> (u16, Value) {
        post_event(&super::http(), &self.base, token, event).await.unwrap()
    }
}

/// Sends an event. `None` if the connection ended before the response.
pub(crate) async fn post_event(
    http: &reqwest::Client,
    base: &str,
    token: &str,
    event: &Value,
) -> Option<(u16, Value)> {
    let request = http
        .post(format!("{base}/api/v1/events"))
        .bearer_auth(token)
        .header("content-type", "application/json")
        .body(event.to_string());
    let response = request.send().await.ok()?;
    Some((response.status().as_u16(), response.json().await.ok()?))
}

/// Sends a signal to several processes at once.
pub(crate) fn signal(name: &str, pids: &[u32]) {
    let mut kill = Command::new("kill");
    kill.arg(format!("-{name}")).args(pids.iter().map(u32::to_string));
    assert!(kill.status().unwrap().success());
}

/// Returns the processes with a path in their command line, and that line.
pub(crate) fn processes_with(path: &Path) -> Vec<(u32, String)> {
    let path = path.to_str().unwrap();
    let pids = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let pid: u32 = entry.unwrap().file_name().to_str()?.parse().ok()?;
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        Some((pid, String::from_utf8_lossy(&line).replace('\0', " ")))
    });
    pids.filter(|(_, line)| line.contains(path)).collect()
}

/// The output of a finished command.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Returns the output. Fails if the command failed.
    pub(crate) fn printed(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.stdout
    }

    /// Returns the error output. Fails if the command succeeded.
    pub(crate) fn failure(self) -> String {
        assert!(matches!(self.code, Some(1 | 2)) && self.stdout.is_empty(), "{self:?}");
        assert!(!self.stderr.contains("panicked"), "{self:?}");
        self.stderr
    }
}

/// Runs a command to its end.
pub(crate) async fn run(command: Command, input: &str) -> Ended {
    let mut child = tokio::process::Command::from(command)
        .kill_on_drop(true)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let both = async {
        let write = async move {
            // A command that does not read its input may have ended already.
            let _written = stdin.write_all(input.as_bytes()).await;
        };
        tokio::join!(write, child.wait_with_output()).1.unwrap()
    };
    let output =
        tokio::time::timeout(COMMAND_TIMEOUT, both).await.expect("the command does not finish");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Waits until a condition holds that takes longer than usual, such as an expired lease.
pub(crate) async fn wait_long(what: &str, condition: impl AsyncFn() -> bool) {
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    let waiting = async {
        while !condition().await {
            tick.tick().await;
        }
    };
    assert!(
        tokio::time::timeout(2 * WAIT_TIMEOUT, waiting).await.is_ok(),
        "waited in vain for {what}"
    );
}
