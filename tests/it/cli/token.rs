//! `gatepost token`.

use super::{assert_says, beside};
use crate::support::database::TestDatabase;
use crate::support::event;
use crate::support::process::{
    Server, directory, gatepost, run, with_args, with_data_dir, with_database,
};

#[tokio::test]
async fn prints_only_the_token_which_sends_events() {
    let database = TestDatabase::create().await;
    let server = Server::start(with_database(gatepost(), database.url())).await;
    let printed = beside(&database, &["token", "create", "Apono"]).await.printed();
    let token = printed.strip_suffix('\n').unwrap();
    assert!(token.starts_with("gp_") && token.len() > 40, "{printed}");
    assert!(token.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)), "{printed}");
    assert_eq!(server.send(token, &event("Granted", "1")).await.0, 202);
    let stored: Vec<u8> =
        sqlx::query_scalar("select hash from tokens").fetch_one(database.pool()).await.unwrap();
    assert_eq!(stored.len(), 32);
    // A token with another scope cannot send events.
    let args = ["token", "create", "Reader", "--scope", "read"];
    let reader = beside(&database, &args).await.printed();
    assert_eq!(server.send(reader.trim(), &event("Granted", "2")).await.0, 403);
    assert_eq!(server.send(&token.replace("gp_", "gp_x"), &event("Granted", "3")).await.0, 401);
    assert_eq!(server.interrupt().await, Some(0));
    database.drop().await;
}

#[tokio::test]
async fn reports_a_token_that_cannot_be_created_and_prints_none() {
    let database = TestDatabase::create().await;
    beside(&database, &["token", "create", "Apono"]).await.printed();
    let long = "x".repeat(81);
    for (args, words) in [
        (&["token", "create", "Apono"][..], &["\"Apono\"", "choose another"][..]),
        (&["token", "create", " Apono "], &["\"Apono\"", "choose another"]),
        (&["token", "create", "  "], &["1 to 80 characters"]),
        (&["token", "create", &long], &["1 to 80 characters"]),
        (&["token", "create", "A", "--scope", "all"], &["--scope", "use events, manage or read"]),
    ] {
        assert_says(&beside(&database, args).await.failure(), words);
    }
    let count: i64 =
        sqlx::query_scalar("select count(*) from tokens").fetch_one(database.pool()).await.unwrap();
    assert_eq!(count, 1);
    database.drop().await;
}

#[tokio::test]
async fn creates_tokens_in_a_private_database_with_and_without_its_server() {
    let directory = directory();
    // A relative path, like the default.
    let there = || {
        let mut command = with_data_dir(gatepost(), "data".as_ref());
        command.current_dir(directory.path());
        command
    };
    let first = run(with_args(there(), &["token", "create", "Before"]), "").await.printed();
    assert_eq!(first.lines().count(), 1, "{first}");
    let server = Server::start(there()).await;
    let second = run(with_args(there(), &["token", "create", "Beside"]), "").await.printed();
    assert_eq!(server.send(first.trim(), &event("Granted", "1")).await.0, 202);
    assert_eq!(server.send(second.trim(), &event("Granted", "2")).await.0, 202);
    let again = run(with_args(there(), &["token", "create", "Before"]), "").await.failure();
    assert_says(&again, &["\"Before\""]);
    assert_eq!(server.interrupt().await, Some(0));
}
