//! The server with nothing but a directory: it brings its own PostgreSQL.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use gatepost::store::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use tempfile::TempDir;

use super::assert_says;
use crate::delivery::reopen;
use crate::support::app::PASSWORD;
use crate::support::logpoint::{FakeLogpoint, Options};
use crate::support::process::{
    Ended, Server, directory, gatepost, post_event, processes_with, run, signal, wait_long,
    with_args, with_data_dir,
};
use crate::support::user::TestUser;
use crate::support::{event, http, wait_until};

/// A place for a server of its own.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(directory())
    }

    /// Whose path is found in the command lines of all that run for it.
    fn path(&self) -> &Path {
        self.0.path()
    }

    fn cluster(&self) -> std::path::PathBuf {
        self.path().join("data/postgres/cluster")
    }

    fn command(&self) -> Command {
        with_data_dir(gatepost(), &self.path().join("data"))
    }

    async fn start(&self) -> Server {
        Server::start(self.command()).await
    }

    /// A command beside the server, or without one.
    async fn run(&self, args: &[&str], input: &str) -> Ended {
        run(with_args(self.command(), args), input).await
    }

    async fn token(&self) -> String {
        self.run(&["token", "create", "test"], "").await.printed().trim().to_owned()
    }

    fn postmaster(&self) -> Option<u32> {
        let text = std::fs::read_to_string(self.cluster().join("postmaster.pid")).ok()?;
        text.lines().next()?.trim().parse().ok()
    }

    /// The shells that keep PostgreSQL.
    fn keepers(&self) -> Vec<u32> {
        let all = processes_with(self.path()).into_iter();
        all.filter(|(_, line)| line.starts_with("/bin/sh")).map(|(pid, _)| pid).collect()
    }

    fn is_quiet(&self) -> bool {
        processes_with(self.path()).is_empty()
    }

    /// Waits until nothing of it runs: the shell that kept the database ends a moment after it.
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
async fn it_starts_stops_and_keeps_what_it_has() {
    let place = Place::new();
    let mut server = place.start().await;
    assert_eq!(server.readiness().await, Some(200));
    let line = server.read_line().await;
    let (page, code) = line.split_once(" and enter the one-time code ").unwrap();
    assert!(page.ends_with(&format!("{}/setup", server.base)), "{line}");

    // On a socket only, for its account only; and the key is for us only.
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
    // Nobody is asked to set it up any more.
    assert_eq!(server.read_line().await, "Gatepost has stopped.");
    assert_eq!(server.ended().await, Some(0));
    place.becomes_quiet().await;
}

#[tokio::test]
async fn a_killed_server_takes_its_database_along_and_the_next_has_all_of_it() {
    let place = Place::new();
    let server = place.start().await;
    let token = place.token().await;
    assert_eq!(server.send(&token, &event("Granted", "1")).await.0, 202);
    server.kill().await;
    // At once: what has not ended yet is waited for.
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
async fn a_database_that_was_left_running_is_taken_over() {
    let place = Place::new();
    let server = place.start().await;
    let token = place.token().await;
    let left = place.postmaster().unwrap();
    let mut all = place.keepers();
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
async fn a_database_that_is_killed_comes_back_and_nothing_accepted_is_lost() {
    let place = Place::new();
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let yaml =
        reopen(&logpoint, "Reopen", "").replace("\"try\"", "\"request\": \"{{data.id}}\", \"try\"");
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
    // Some of these come while it is away.
    let mut number = 20;
    while place.postmaster().is_none_or(|pid| pid == killed) || send(number).await != 202 {
        number += 1;
        tokio::task::yield_now().await;
    }
    // Pages have connections of their own, and find them dead one by one.
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
async fn a_keeper_that_is_killed_is_replaced() {
    let place = Place::new();
    let server = place.start().await;
    let token = place.token().await;
    let keepers = place.keepers();
    signal("KILL", &keepers);
    wait_until("new keepers", async || {
        let now = place.keepers();
        now.len() == 2 && now.iter().all(|pid| !keepers.contains(pid))
    })
    .await;
    wait_until("the database", async || server.readiness().await == Some(200)).await;
    // Senders are told to come again while the dispatcher finds its connections dead one by one.
    wait_until("an event that is taken", async || {
        server.send(&token, &event("Granted", "1")).await.0 == 202
    })
    .await;
    assert_eq!(server.interrupt().await, Some(0));
    place.becomes_quiet().await;
}

#[tokio::test]
async fn a_process_number_that_is_somebody_elses_by_now_is_let_alone() {
    let place = Place::new();
    let token = place.token().await;
    // Of the same account as PostgreSQL, which would take it for another PostgreSQL.
    let owner = std::fs::metadata(place.cluster()).unwrap();
    let mut other = Command::new("cat")
        .uid(owner.uid())
        .gid(owner.gid())
        .arg0("postgres: of somebody else")
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
    assert!(other.try_wait().unwrap().is_none(), "somebody else's process was ended");
    other.kill().unwrap();
    other.wait().unwrap();
}

#[tokio::test]
async fn a_directory_is_for_one_server() {
    let place = Place::new();
    let server = place.start().await;
    let refused = run(place.command(), "").await.refusal();
    let data = place.path().join("data");
    assert_says(&refused, &["another Gatepost", data.to_str().unwrap(), "GATEPOST_DATA_DIR"]);
    assert_eq!(server.readiness().await, Some(200));
    assert_eq!(server.interrupt().await, Some(0));
}

#[tokio::test]
async fn a_first_start_that_is_broken_off_leaves_nothing_half_made() {
    let place = Place::new();
    let part = place.path().join("data/postgres/cluster.part");
    for signal_name in ["INT", "KILL"] {
        let mut starting = tokio::process::Command::from(place.command())
            .kill_on_drop(true)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        wait_until("the making of the cluster", async || part.join("PG_VERSION").exists()).await;
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
    let place = Place::new();
    let mut starting = tokio::process::Command::from(place.command())
        .kill_on_drop(true)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let part = place.path().join("data/postgres/cluster.part");
    wait_until("the start", async || part.exists()).await;
    place.token().await;
    signal("INT", &[starting.id().unwrap()]);
    assert_eq!(starting.wait().await.unwrap().code(), Some(0));
}

#[tokio::test]
async fn a_path_that_is_too_long_for_a_socket_will_do() {
    let place = Place::new();
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
    // Elsewhere, but for the account alone as well.
    let socket = std::path::PathBuf::from(socket.unwrap());
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o700);
    std::fs::remove_dir(&socket).unwrap();
}

#[tokio::test]
async fn a_directory_that_cannot_be_used_is_told() {
    let place = Place::new();
    std::fs::write(place.path().join("data"), "a file").unwrap();
    let refused = run(place.command(), "").await.refusal();
    assert_says(&refused, &["cannot make the data directory", place.path().to_str().unwrap()]);
    // As root, PostgreSQL runs as somebody who may not enter.
    if nix::unistd::geteuid().is_root() {
        let place = Place::new();
        std::fs::set_permissions(place.path(), PermissionsExt::from_mode(0o700)).unwrap();
        let refused = run(place.command(), "").await.refusal();
        assert_says(&refused, &["must be able to reach", "GATEPOST_DATA_DIR"]);
    }
}

#[tokio::test]
async fn as_root_the_database_stays_with_the_account_that_made_it() {
    // Only root may choose; others have no choice to make.
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let place = Place::new();
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
    let (uid, gid) = (nobody.uid.as_raw(), nobody.gid.as_raw());
    std::os::unix::fs::chown(place.path(), Some(uid), Some(gid)).unwrap();
    let mut command = with_args(place.command(), &["token", "create", "test"]);
    command.uid(uid).gid(gid);
    let token = run(command, "").await.printed();
    // Root looks in, and the owner goes on.
    place.run(&["migrate"], "").await.printed();
    assert_eq!(std::fs::metadata(place.cluster()).unwrap().uid(), uid);
    let mut command = place.command();
    command.uid(uid).gid(gid);
    let server = Server::start(command).await;
    assert_eq!(server.send(token.trim(), &event("Granted", "1")).await.0, 202);
    assert_eq!(server.interrupt().await, Some(0));
}
