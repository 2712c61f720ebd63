//! `gatepost events send`.

use std::net::TcpListener;

use gatepost::identity::Scope;
use serde_json::Value;

use super::{assert_says, token};
use crate::support::database::TestDatabase;
use crate::support::process::{Ended, Server, directory, gatepost, run, with_args, with_database};
use crate::support::{TestApp, event};

/// Sends events from standard input.
async fn send(base: &str, token: &str, input: &str) -> Ended {
    let args = ["events", "send", "-", "--url", base, "--token", token];
    run(with_args(gatepost(), &args), input).await
}

async fn stored(database: &TestDatabase) -> i64 {
    sqlx::query_scalar("select count(*) from events").fetch_one(database.pool()).await.unwrap()
}

#[tokio::test]
async fn sends_an_event_an_array_and_lines() {
    let (database, directory) = (TestDatabase::create().await, directory());
    let server = Server::start(with_database(gatepost(), database.url())).await;
    let token = token(&database).await;

    // A file with line breaks inside an event. Server and token are set by variables.
    let file = directory.path().join("event.json");
    std::fs::write(&file, format!("{:#}\n", event("Granted", "file"))).unwrap();
    let mut command = with_args(gatepost(), &["events", "send", file.to_str().unwrap()]);
    command.env("GATEPOST_URL", format!("{}/", server.base)).env("GATEPOST_TOKEN", &token);
    let response: Value = serde_json::from_str(&run(command, "").await.printed()).unwrap();
    assert_eq!(response["events"][0]["duplicate"], false, "{response}");
    assert_eq!(stored(&database).await, 1);

    // By default, the server is the one on this machine.
    let mut command = with_args(gatepost(), &["events", "send", file.to_str().unwrap()]);
    let address = server.base.strip_prefix("http://").unwrap();
    command.envs([("GATEPOST_LISTEN", address), ("GATEPOST_TOKEN", &token), ("GATEPOST_URL", "")]);
    let response: Value = serde_json::from_str(&run(command, "").await.printed()).unwrap();
    assert_eq!(response["events"][0]["duplicate"], true, "{response}");
    // An empty token counts as unset.
    let mut command = with_args(gatepost(), &["events", "send", file.to_str().unwrap()]);
    command.env("GATEPOST_TOKEN", "");
    assert_says(&run(command, "").await.failure(), &["--token"]);

    let array = Value::from(vec![event("Granted", "a"), event("Granted", "b")]);
    let printed = send(&server.base, &token, &array.to_string()).await.printed();
    let response: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(response["events"].as_array().unwrap().len(), 2, "{response}");
    assert_eq!(stored(&database).await, 3);

    let lines: Vec<String> =
        (0..250).map(|n| event("Granted", &format!("line {n}")).to_string()).collect();
    let lines = lines.join("\n");
    let printed = send(&server.base, &token, &lines).await.printed();
    assert_eq!(printed.lines().count(), 3, "{printed}");
    assert_eq!(stored(&database).await, 253);

    // Sending it again is harmless.
    let printed = send(&server.base, &token, &lines).await.printed();
    assert!(!printed.contains("\"duplicate\":false"), "{printed}");
    assert_eq!(stored(&database).await, 253);
    assert_eq!(server.interrupt().await, Some(0));
    database.drop().await;
}

#[tokio::test]
async fn reports_rejected_events() {
    let database = TestDatabase::create().await;
    let server = Server::start(with_database(gatepost(), database.url())).await;
    let token = token(&database).await;
    let good = event("Granted", "1").to_string();
    let failure = send(&server.base, "gp_wrong", &good).await.failure();
    assert_says(&failure, &["401", "token"]);
    let failure =
        send(&server.base, &token, "{\"event_type\": \"RequestGranted\"}").await.failure();
    assert_says(&failure, &["422", "/data"]);
    let failure = send(&server.base, &token, &format!("{good}\n{{oops\n")).await.failure();
    assert_says(&failure, &["400", "not JSON", "line 2"]);
    let failure = send(&server.base, &token, "").await.failure();
    assert_says(&failure, &["400"]);
    let args = ["events", "send", "/nonexistent.json", "--url", &server.base, "--token", &token];
    let failure = run(with_args(gatepost(), &args), "").await.failure();
    assert_says(&failure, &["/nonexistent.json", "cannot be read"]);
    assert_eq!(stored(&database).await, 0);
    assert_eq!(server.interrupt().await, Some(0));
    database.drop().await;
}

#[tokio::test]
async fn reports_an_unreachable_server_without_the_token() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let base = format!("http://127.0.0.1:{port}");
    let failure = send(&base, "gp_secret", &event("Granted", "1").to_string()).await.failure();
    assert_says(&failure, &[&base, "cannot be reached", "--url"]);
    assert!(!failure.contains("gp_secret"), "{failure}");
    let failure = send("nonsense", "gp_secret", "{}").await.failure();
    assert_says(&failure, &["nonsense"]);
}

#[tokio::test]
async fn sends_to_the_server_on_this_machine_by_its_public_name() {
    let public = "https://gate.example.com:8443";
    let app = TestApp::start_with(|config| config.public_url = Some(public.parse().unwrap())).await;
    let token = app.token(Scope::Events).await;
    let mut command = with_args(gatepost(), &["events", "send", "-", "--token", &token]);
    command.env("GATEPOST_LISTEN", app.address.to_string()).env("GATEPOST_PUBLIC_URL", public);
    let printed = run(command, &event("Granted", "1").to_string()).await.printed();
    assert!(printed.contains("\"duplicate\":false"), "{printed}");
    app.finish().await;
}
