//! A server whose file descriptors clients try to use up.

use std::net::SocketAddr;
use std::process::Command;

use futures_util::future::join_all;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::support::database::TestDatabase;
use crate::support::event;
use crate::support::process::{Server, gatepost, run, with_admin, with_args, with_database};

/// Limits the descriptors of a command.
fn with_descriptors(command: &Command, limit: u32) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &format!("ulimit -n {limit} && exec \"$0\" \"$@\"")]);
    shell.arg(command.get_program()).args(command.get_args()).env_clear();
    for (name, value) in command.get_envs() {
        shell.env(name, value.unwrap());
    }
    shell.current_dir(std::env::temp_dir());
    shell
}

#[tokio::test]
async fn half_open_connections_stop_neither_health_checks_nor_events() {
    let database = TestDatabase::create().await;
    let command = || with_database(gatepost(), database.url());
    let create = with_args(command(), &["token", "create", "test"]);
    let token = run(create, "").await.printed().trim().to_owned();
    let server = Server::start(with_descriptors(&with_admin(command()), 256)).await;
    let address: SocketAddr = server.base.trim_start_matches("http://").parse().unwrap();
    // They stay open while the server lets them.
    let half_open = join_all((0..300).map(async |n| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head: &[u8] = if n % 2 == 0 { b"POST /login HTTP/1.1\r\nX:" } else { b"" };
        stream.write_all(head).await.unwrap();
        stream
    }))
    .await;
    let response = crate::support::http().get(format!("{}/healthz", server.base)).send().await;
    assert_eq!(response.unwrap().status(), 200);
    assert_eq!(server.readiness().await, Some(200));
    assert_eq!(server.send(&token, &event("Granted", "1")).await.0, 202);
    drop(half_open);
    assert_eq!(server.interrupt().await, Some(0));
    database.drop().await;
}
