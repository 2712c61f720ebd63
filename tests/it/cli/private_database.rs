//! A server with a private PostgreSQL.

use crate::support::builders::WebhookBuilder;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use gatepost::store::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use tempfile::TempDir;

use super::assert_says;
use crate::support::app::PASSWORD;
use crate::support::logpoint::{FakeLogpoint, Options};
use crate::support::process::{
    Ended, Server, directory, gatepost, post_event, processes_with, run, signal, wait_long,
    with_args, with_data_dir,
};
use crate::support::user::TestUser;
use crate::support::{event, http, wait_until};

/// The data directory of a server.
pub(super) struct DataDir(TempDir);

impl DataDir {
    pub(super) fn new() -> Self {
        Self(directory())
    }

    /// Returns the path, which is in the command lines of all its processes.
    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(super) fn cluster(&self) -> std::path::PathBuf {
        self.path().join("data/postgres/cluster")
    }

    pub(super) fn command(&self) -> Command {
        with_data_dir(gatepost(), &self.path().join("data"))
    }

    pub(super) async fn start(&self) -> Server {
        Server::start(self.command()).await
    }

    /// Runs a command, with or without a running server.
    pub(super) async fn run(&self, args: &[&str], input: &str) -> Ended {
        run(with_args(self.command(), args), input).await
    }

    pub(super) async fn token(&self) -> String {
        self.run(&["token", "create", "test"], "").await.printed().trim().to_owned()
    }

    fn postmaster(&self) -> Option<u32> {
        let text = std::fs::read_to_string(self.cluster().join("postmaster.pid")).ok()?;
        text.lines().next()?.trim().parse().ok()
    }

    /// Returns the shells that supervise PostgreSQL.
    fn supervisors(&self) -> Vec<u32> {
        let all = processes_with(self.path()).into_iter();
        all.filter(|(_, line)| line.starts_with("/bin/sh")).map(|(pid, _)| pid).collect()
    }

    fn is_quiet(&self) -> bool {
        processes_with(self.path()).is_empty()
    }

    /// Waits until none of its processes run. The supervisor ends a moment after the database.
    async fn becomes_quiet(&self) {
        wait_until("all processes to end", async || self.is_quiet()).await;
    }

    async fn connect(&self) -> PgConnection {
        let socket = self.path().join("data/postgres/socket");
        let options = PgConnectOptions::new().socket(socket);
        options.username("gatepost").database("gatepost").connect().await.unwrap()
    }

    fn mode(&self, below: &str) -> u32 {
        std::fs::metadata(self.path().join("data").join(below)).unwrap().permissions().mode()
            & 0o777
    }
}

#[tokio::test]
async fn starts_stops_and_keeps_its_data() {
    let place = DataDir::new();
    let mut server = place.start().await;
    assert_eq!(server.readiness().await, Some(200));
    let line = server.read_line().await;
    let (page, code) = line.split_once(" and enter the one-time code ").unwrap();
    assert!(page.ends_with(&format!("{}/setup", server.base)), "{line}");

    // PostgreSQL listens only on a socket of its account, and only this account can read the key.
    let mut connection = place.connect().await;
    let listens: String =
        sqlx::query_scalar("show listen_addresses").fetch_one(&mut connection).await.unwrap();
    assert_eq!(listens, "");
    connection.close().await.unwrap();
    assert_eq!((place.mode("postgres"), place.mode("postgres/socket")), (0o700, 0o700));
    assert_eq!(place.mode("master.key"), 0o600);

    let mut ann = TestUser::new(server.base.clone());
    ann.get("/setup").await;
    let fields = [
        ("code", code),
        ("email", "ann@example.com"),
        ("password", PASSWORD),
        ("password_again", PASSWORD),
    ];
    assert_eq!(ann.post("/setup", &fields).await.location(), "/webhooks");
    let token = place.token().await;
    assert_eq!(server.interrupt().await, Some(0));
    place.becomes_quiet().await;

    let mut server = place.start().await;
    TestUser::new(server.base.clone()).sign_in("ann@example.com", PASSWORD).await;
    assert_eq!(server.send(&token, &event("Granted", "1")).await.0, 202);
    signal("TERM", &[server.pid()]);
    // The setup is not offered any more.
    assert_eq!(server.read_line().await, "Gatepost has stopped.");
    assert_eq!(server.ended().await, Some(0));
    place.becomes_quiet().await;
}

#[tokio::test]
async fn a_killed_server_ends_its_database_and_the_next_one_recovers_it() {
    let place = DataDir::new();
    let server = place.start().await;
    let token = place.token().await;
    assert_eq!(server.send(&token, &event("Granted", "1")).await.0, 202);
    server.kill().await;
    // At once. The start waits for processes that have not ended yet.
    let server = place.start().await;
    let (_, answer) = server.send(&token, &event("Granted", "1")).await;
    assert_eq!(answer["events"][0]["duplicate"], true, "{answer}");
    server.kill().await;
    place.becomes_quiet().await;
    let server = place.start().await;
    let (_, answer) = server.send(&token, &event("Granted", "1")).await;
    assert_eq!(answer["events"][0]["duplicate"], true, "{answer}");
    assert_eq!(server.interrupt().await, Some(0));
}

#[tokio::test]
async fn takes_over_a_running_database() {
    let place = DataDir::new();
    let server = place.start().await;
    let token = place.token().await;
    let left = place.postmaster().unwrap();
    let mut all = place.supervisors();
    assert_eq!(all.len(), 2, "{:?}", processes_with(place.path()));
    all.push(server.pid());
    signal("KILL", &all);
    server.kill().await;
    assert!(processes_with(place.path()).iter().any(|(pid, _)| *pid == left));

    let server = place.start().await;
    assert_ne!(place.postmaster(), Some(left));
    assert_eq!(server.send(&token, &event("Granted", "1")).await.0, 202);
    assert_eq!(server.interrupt().await, Some(0));
    place.becomes_quiet().await;
}

#[tokio::test]
async fn restarts_a_killed_database_without_losing_accepted_events() {
    let place = DataDir::new();
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let yaml = WebhookBuilder::reopen(&logpoint).file();
    place.run(&["webhooks", "import", "-"], &yaml).await.printed();
    let server = place.start().await;
    let token = place.token().await;
    let http = http();
    let mut accepted = Vec::new();
    let mut send = async |number: usize| {
        let request = number.to_string();
        let answer = post_event(&http, &server.base, &token, &event("Granted", &request)).await;
        let status = answer.unwrap().0;
        assert!(matches!(status, 202 | 503), "{status}");
        if status == 202 {
            accepted.push(request);
        }
        status
    };
    for number in 0..20 {
        assert_eq!(send(number).await, 202);
    }
    let killed = place.postmaster().unwrap();
    signal("KILL", &[killed]);
    // Some of these are sent while it is down.
    let mut number = 20;
    while place.postmaster().is_none_or(|pid| pid == killed) || send(number).await != 202 {
        number += 1;
        tokio::task::yield_now().await;
    }
    // Pages have separate connections, and find dead ones one by one.
    wait_until("the server to be ready", async || server.readiness().await == Some(200)).await;
    wait_long("all that was accepted", async || {
        let requests: Vec<_> =
            logpoint.requests().iter().map(|one| one.json()["request"].clone()).collect();
        accepted.iter().all(|request| requests.contains(&request.as_str().into()))
    })
    .await;
    assert_eq!(server.interrupt().await, Some(0));
    place.becomes_quiet().await;
}

#[tokio::test]
async fn replaces_a_killed_supervisor() {
    let place = DataDir::new();
    let server = place.start().await;
    let token = place.token().await;
    let supervisors = place.supervisors();
    signal("KILL", &supervisors);
    wait_until("new supervisors", async || {
        let now = place.supervisors();
        now.len() == 2 && now.iter().all(|pid| !supervisors.contains(pid))
    })
    .await;
    wait_until("the database", async || server.readiness().await == Some(200)).await;
    // Senders get status 503 while the dispatcher finds its dead connections.
    wait_until("an accepted event", async || {
        server.send(&token, &event("Granted", "1")).await.0 == 202
    })
    .await;
    assert_eq!(server.interrupt().await, Some(0));
    place.becomes_quiet().await;
}

#[tokio::test]
async fn ignores_a_process_id_that_another_process_uses() {
    let place = DataDir::new();
    let token = place.token().await;
    // A process of the same account, which PostgreSQL would mistake for another PostgreSQL.
    let owner = std::fs::metadata(place.cluster()).unwrap();
    let mut other = Command::new("cat")
        .uid(owner.uid())
        .gid(owner.gid())
        .arg0("postgres: another cluster")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = other.id();
    let lines =
        format!("{pid}\n{}\n1700000000\n5432\n\n\n 1 1\nready   \n", place.cluster().display());
    std::fs::write(place.cluster().join("postmaster.pid"), &lines).unwrap();
    std::fs::write(place.path().join("data/postgres/socket/.s.PGSQL.5432.lock"), &lines).unwrap();
    let server = place.start().await;
    assert_eq!(server.send(&token, &event("Granted", "1")).await.0, 202);
    assert_eq!(server.interrupt().await, Some(0));
    assert!(other.try_wait().unwrap().is_none(), "another process was killed");
    other.kill().unwrap();
    other.wait().unwrap();
}

#[tokio::test]
async fn a_directory_serves_one_server() {
    let place = DataDir::new();
    let server = place.start().await;
    let failure = run(place.command(), "").await.failure();
    let data = place.path().join("data");
    assert_says(&failure, &["another Gatepost", data.to_str().unwrap(), "GATEPOST_DATA_DIR"]);
    assert_eq!(server.readiness().await, Some(200));
    assert_eq!(server.interrupt().await, Some(0));
}

#[tokio::test]
async fn an_aborted_first_start_leaves_no_partial_cluster() {
    let place = DataDir::new();
    let part = place.path().join("data/postgres/cluster.part");
    for signal_name in ["INT", "KILL"] {
        let mut starting = tokio::process::Command::from(place.command())
            .kill_on_drop(true)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        wait_until("the cluster to be created", async || part.join("PG_VERSION").exists()).await;
        signal(signal_name, &[starting.id().unwrap()]);
        let ended = starting.wait().await.unwrap();
        assert_eq!(ended.code(), (signal_name == "INT").then_some(0));
        assert!(!place.cluster().exists());
    }
    let server = place.start().await;
    assert_eq!(server.readiness().await, Some(200));
    assert_eq!(server.interrupt().await, Some(0));
}

#[tokio::test]
async fn a_command_waits_for_a_server_that_is_starting() {
    let place = DataDir::new();
    let mut starting = tokio::process::Command::from(place.command())
        .kill_on_drop(true)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let part = place.path().join("data/postgres/cluster.part");
    wait_until("the start to begin", async || part.exists()).await;
    place.token().await;
    signal("INT", &[starting.id().unwrap()]);
    assert_eq!(starting.wait().await.unwrap().code(), Some(0));
}

#[tokio::test]
async fn accepts_a_path_too_long_for_a_socket() {
    let place = DataDir::new();
    let data = place.path().join("a".repeat(60)).join("b".repeat(60));
    std::fs::create_dir_all(&data).unwrap();
    let server = Server::start(with_data_dir(gatepost(), &data)).await;
    let beside = with_args(with_data_dir(gatepost(), &data), &["token", "create", "test"]);
    let token = run(beside, "").await.printed();
    assert_eq!(server.send(token.trim(), &event("Granted", "1")).await.0, 202);
    let socket = processes_with(place.path())
        .iter()
        .find_map(|(_, line)| Some(line.split_once("unix_socket_directories=")?.1.to_owned()))
        .map(|rest| rest.split(' ').next().unwrap().to_owned());
    assert_eq!(server.interrupt().await, Some(0));
    // In another directory, also only for this account.
    let socket = std::path::PathBuf::from(socket.unwrap());
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o700);
    std::fs::remove_dir(&socket).unwrap();
}

#[tokio::test]
async fn reports_an_unusable_directory() {
    let place = DataDir::new();
    std::fs::write(place.path().join("data"), "a file").unwrap();
    let failure = run(place.command(), "").await.failure();
    assert_says(&failure, &["cannot create the data directory", place.path().to_str().unwrap()]);
}
