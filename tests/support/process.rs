//! The real program as a process, to be stopped, killed and started again.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use super::app::{EMAIL, PASSWORD, PATIENCE};

/// A master key for servers with a database of their own.
pub(crate) const MASTER_KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

/// The program, told nothing by the environment of the test.
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

/// With an administrator.
pub(crate) fn with_admin(mut command: Command) -> Command {
    command.env("GATEPOST_ADMIN_EMAIL", EMAIL).env("GATEPOST_ADMIN_PASSWORD", PASSWORD);
    command
}

/// Over a database that is there.
pub(crate) fn with_database(mut command: Command, url: &str) -> Command {
    command.env("DATABASE_URL", url).env("GATEPOST_MASTER_KEY", MASTER_KEY);
    command
}

/// Over a private database in this directory.
pub(crate) fn with_data_dir(mut command: Command, data_dir: &Path) -> Command {
    command.env("GATEPOST_DATA_DIR", data_dir);
    command
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// Such as `http://127.0.0.1:41234`.
    pub(crate) base: String,
    /// What it printed so far.
    pub(crate) printed: Vec<String>,
}

impl Server {
    /// Starts it and waits until it listens.
    pub(crate) async fn start(command: Command) -> Self {
        let mut command = tokio::process::Command::from(command);
        let mut child =
            command.kill_on_drop(true).stdout(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut server = Self { child, lines, base: String::new(), printed: Vec::new() };
        let line = server.read_line().await;
        let url = line.split_whitespace().last().unwrap().trim_end_matches('/');
        server.base = url.to_owned();
        server
    }

    /// The next line that it prints.
    pub(crate) async fn read_line(&mut self) -> String {
        let line = tokio::time::timeout(Duration::from_secs(60), self.lines.next_line()).await;
        let line = line.expect("the server says nothing").unwrap().expect("the server has ended");
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

    /// Ctrl-C; waits until it has ended, and gives its exit code.
    pub(crate) async fn interrupt(mut self) -> Option<i32> {
        signal("INT", self.pid());
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended.expect("the server does not stop").unwrap().code()
    }
}

/// Sends a signal.
pub(crate) fn signal(name: &str, pid: u32) {
    let done = Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).status().unwrap();
    assert!(done.success());
}

/// Runs a command to its end: exit code, standard output, standard error.
pub(crate) fn run(mut command: Command, input: &str) -> (i32, String, String) {
    use std::io::Write as _;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read may have ended already.
    let _written = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}
