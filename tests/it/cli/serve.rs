//! `gatepost serve` and `gatepost migrate` with a database URL.

use std::net::TcpListener;
use tokio::io::AsyncWriteExt as _;

use sqlx::Executor as _;

use super::{assert_says, beside, beside_with_input};
use crate::support::database::TestDatabase;
use crate::support::process::{
    Server, directory, gatepost, run, with_admin, with_args, with_data_dir, with_database,
};

/// Creates an empty database.
async fn empty() -> TestDatabase {
    let database = TestDatabase::create().await;
    database.pool().execute("drop schema public cascade; create schema public").await.unwrap();
    database
}

#[tokio::test]
async fn uses_and_migrates_the_given_database() {
    let (database, directory) = (empty().await, directory());
    let data = directory.path().join("data");
    let command = with_data_dir(with_database(gatepost(), database.url()), &data);
    let mut server = Server::start(command).await;
    assert_eq!(server.printed[0], format!("Gatepost 0.1.0 listens on {}/", server.base));
    assert_says(&server.read_line().await, &[&format!("{}/setup ", server.base)]);
    assert_eq!(server.readiness().await, Some(200));
    let users: i64 =
        sqlx::query_scalar("select count(*) from users").fetch_one(database.pool()).await.unwrap();
    assert_eq!(users, 0);
    assert_eq!(server.interrupt().await, Some(0));
    assert!(!data.exists());
    database.drop().await;
}

#[tokio::test]
async fn serves_by_default_and_creates_the_administrator_once() {
    let database = TestDatabase::create().await;
    for args in [&["serve"][..], &[]] {
        let command = with_admin(with_database(with_args(gatepost(), args), database.url()));
        let mut server = Server::start(command).await;
        // The setup is not mentioned.
        let pid = server.pid();
        crate::support::process::signal("TERM", &[pid]);
        assert_eq!(server.read_line().await, "Gatepost has stopped.");
        assert_eq!(server.ended().await, Some(0));
    }
    let users: i64 =
        sqlx::query_scalar("select count(*) from users").fetch_one(database.pool()).await.unwrap();
    assert_eq!(users, 1);
    database.drop().await;
}

#[tokio::test]
async fn requires_a_master_key_with_a_database_url() {
    let (database, directory) = (TestDatabase::create().await, directory());
    let mut command = with_data_dir(gatepost(), &directory.path().join("data"));
    command.env("DATABASE_URL", database.url());
    let message = run(command, "").await.failure();
    assert_says(
        &message,
        &["DATABASE_URL is set", "GATEPOST_MASTER_KEY", "openssl rand -base64 32"],
    );
    assert!(!directory.path().join("data").exists());
    database.drop().await;
}

#[tokio::test]
async fn reports_an_unreachable_database_without_its_password() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("postgres://gatepost:the-password@127.0.0.1:{port}/gatepost");
    let message = run(with_database(gatepost(), &url), "").await.failure();
    assert_says(&message, &["DATABASE_URL", &format!("127.0.0.1:{port}"), "cannot be reached"]);
    assert!(!message.contains("the-password"), "{message}");
}

#[tokio::test]
async fn rejects_an_invalid_database_url() {
    for url in ["gatepost", "mysql://gatepost:the-password@127.0.0.1/gatepost"] {
        let message = run(with_database(gatepost(), url), "").await.failure();
        assert_says(&message, &["DATABASE_URL", "postgres://user:password@host/name"]);
        assert!(!message.contains("the-password"), "{message}");
    }
}

#[tokio::test]
async fn rejects_another_master_key_if_there_are_secrets() {
    let database = TestDatabase::create().await;
    let yaml = "webhooks: [{name: A, type: {http_request: {url: 'https://127.0.0.1:9/x'}}, \
                triggers: [Granted], body_template: '{\"secret_key\": \"key\"}'}]";
    beside_with_input(&database, &["webhooks", "import", "-"], yaml).await.printed();
    let mut command = with_database(gatepost(), database.url());
    command.env("GATEPOST_MASTER_KEY", "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg=");
    let message = run(command, "").await.failure();
    assert_says(&message, &["another master key", "GATEPOST_MASTER_KEY"]);
    database.drop().await;
}

#[tokio::test]
async fn rejects_a_database_of_a_newer_version() {
    let database = TestDatabase::create().await;
    let newer =
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
                 values (99990101000000, 'to come', true, '', 0)";
    database.pool().execute(newer).await.unwrap();
    for args in [&[][..], &["migrate"], &["token", "create", "a"]] {
        let message = beside(&database, args).await.failure();
        assert_says(&message, &["99990101000000", "newer Gatepost"]);
    }
    database.drop().await;
}

#[tokio::test]
async fn reports_a_port_in_use_before_changing_anything() {
    let directory = directory();
    let data = directory.path().join("data");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = with_data_dir(gatepost(), &data);
    command.env("GATEPOST_LISTEN", &address);
    let message = run(command, "").await.failure();
    assert_says(&message, &[&address, "another server", "in use"]);
    assert!(!data.exists());
}

#[tokio::test]
async fn migrates_without_a_key_and_repeatedly() {
    let database = empty().await;
    for _ in 0..2 {
        let mut command = with_args(gatepost(), &["migrate"]);
        command.env("DATABASE_URL", database.url());
        assert_eq!(run(command, "").await.printed(), "The database is up to date.\n");
    }
    let webhooks: i64 = sqlx::query_scalar("select count(*) from webhooks")
        .fetch_one(database.pool())
        .await
        .unwrap();
    assert_eq!(webhooks, 0);
    database.drop().await;
}

#[tokio::test]
async fn stops_despite_a_request_that_never_ends() {
    let database = TestDatabase::create().await;
    let server = Server::start(with_database(gatepost(), database.url())).await;
    let address = server.base.trim_start_matches("http://");
    let mut slow = tokio::net::TcpStream::connect(address).await.unwrap();
    let half = b"POST /api/v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n";
    slow.write_all(half).await.unwrap();
    // The server has read it once it has responded to a later request.
    assert_eq!(server.readiness().await, Some(200));
    assert_eq!(server.interrupt().await, Some(0));
    database.drop().await;
}
