//! `gatepost events send`.

use std::net::TcpListener;

use serde_json::Value;

use super::{assert_says, token};
use crate::support::database::TestDatabase;
use crate::support::event;
use crate::support::process::{Ended, Server, directory, gatepost, run, with_args, with_database};

/// Sends what is on standard input.
async fn send(base: &str, token: &str, input: &str) -> Ended {
    let args = ["events", "send", "-", "--url", base, "--token", token];
    run(with_args(gatepost(), &args), input).await
}

async fn stored(database: &TestDatabase) -> i64 {
    sqlx::query_scalar("select count(*) from events").fetch_one(database.pool()).await.unwrap()
}

#[tokio::test]
async fn an_event_an_array_and_lines_are_sent() {
    let (database, directory) = (TestDatabase::create().await, directory());
    let server = Server::start(with_database(gatepost(), database.url())).await;
    let token = token(&database).await;

    // A file, the server and the token from the environment; the file has line breaks within.
    let file = directory.path().join("event.json");
    std::fs::write(&file, format!("{:#}\n", event("Granted", "file"))).unwrap();
    let mut command = with_args(gatepost(), &["events", "send", file.to_str().unwrap()]);
    command.env("GATEPOST_URL", format!("{}/", server.base)).env("GATEPOST_TOKEN", &token);
    let answer: Value = serde_json::from_str(&run(command, "").await.printed()).unwrap();
    assert_eq!(answer["events"][0]["duplicate"], false, "{answer}");
    assert_eq!(stored(&database).await, 1);

    // Where nothing is said of the server, it is the one that listens here.
    let mut command = with_args(gatepost(), &["events", "send", file.to_str().unwrap()]);
    let address = server.base.strip_prefix("http://").unwrap();
    command.envs([("GATEPOST_LISTEN", address), ("GATEPOST_TOKEN", &token), ("GATEPOST_URL", "")]);
    let answer: Value = serde_json::from_str(&run(command, "").await.printed()).unwrap();
    assert_eq!(answer["events"][0]["duplicate"], true, "{answer}");
    // A token that is set to nothing is none.
    let mut command = with_args(gatepost(), &["events", "send", file.to_str().unwrap()]);
    command.env("GATEPOST_TOKEN", "");
    assert_says(&run(command, "").await.refusal(), &["--token"]);

    let array = Value::from(vec![event("Granted", "a"), event("Granted", "b")]);
    let printed = send(&server.base, &token, &array.to_string()).await.printed();
    let answer: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(answer["events"].as_array().unwrap().len(), 2, "{answer}");
    assert_eq!(stored(&database).await, 3);

    let lines: Vec<String> =
        (0..250).map(|n| event("Granted", &format!("line {n}")).to_string()).collect();
    let lines = lines.join("\n");
    let printed = send(&server.base, &token, &lines).await.printed();
    assert_eq!(printed.lines().count(), 3, "{printed}");
    assert_eq!(stored(&database).await, 253);

    // Once more does no harm.
    let printed = send(&server.base, &token, &lines).await.printed();
    assert!(!printed.contains("\"duplicate\":false"), "{printed}");
    assert_eq!(stored(&database).await, 253);
    assert_eq!(server.interrupt().await, Some(0));
    database.drop().await;
}

#[tokio::test]
async fn what_is_not_accepted_is_told() {
    let database = TestDatabase::create().await;
    let server = Server::start(with_database(gatepost(), database.url())).await;
    let token = token(&database).await;
    let good = event("Granted", "1").to_string();
    let refused = send(&server.base, "gp_wrong", &good).await.refusal();
    assert_says(&refused, &["401", "token"]);
    let refused =
        send(&server.base, &token, "{\"event_type\": \"RequestGranted\"}").await.refusal();
    assert_says(&refused, &["422", "/data"]);
    let refused = send(&server.base, &token, &format!("{good}\n{{oops\n")).await.refusal();
    assert_says(&refused, &["400", "not JSON", "line 2"]);
    let refused = send(&server.base, &token, "").await.refusal();
    assert_says(&refused, &["400"]);
    let args = ["events", "send", "/nonexistent.json", "--url", &server.base, "--token", &token];
    let refused = run(with_args(gatepost(), &args), "").await.refusal();
    assert_says(&refused, &["/nonexistent.json", "cannot be read"]);
    assert_eq!(stored(&database).await, 0);
    assert_eq!(server.interrupt().await, Some(0));
    database.drop().await;
}

#[tokio::test]
async fn a_server_that_is_away_is_told_and_the_token_is_not() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let base = format!("http://127.0.0.1:{port}");
    let refused = send(&base, "gp_secret", &event("Granted", "1").to_string()).await.refusal();
    assert_says(&refused, &[&base, "cannot be reached", "--url"]);
    assert!(!refused.contains("gp_secret"), "{refused}");
    let refused = send("nonsense", "gp_secret", "{}").await.refusal();
    assert_says(&refused, &["nonsense"]);
}
