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
        (&["token", "create", "A\u{7}"], &["without control characters"]),
        (&["token", "create", "A", "--scope", "all"], &["--scope", "use events, manage or read"]),
        (&["token", "create", "A", "--expires-in", "2h"], &["--expires-in", "such as 90d"]),
        (
            &["token", "create", "A", "--signature", "hmac"],
            &["\"hmac\"", "use standard-webhooks or hmac-sha256"],
        ),
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

#[tokio::test]
async fn lists_and_revokes_tokens() {
    let database = TestDatabase::create().await;
    let server = Server::start(with_database(gatepost(), database.url())).await;
    let args = ["token", "create", "Apono", "--expires-in", "90d"];
    let token = beside(&database, &args).await.printed().trim().to_owned();
    beside(&database, &["token", "create", "Reader", "--scope", "read"]).await.printed();
    assert_eq!(server.send(&token, &event("Granted", "1")).await.0, 202);
    let listed = beside(&database, &["token", "list"]).await.printed();
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(lines.len(), 3, "{listed}");
    assert_says(lines[0], &["NAME", "TOKEN", "SCOPE", "CREATED", "LAST USED", "EXPIRES"]);
    assert_says(
        lines[1],
        &["Apono", &format!("{}…", token.get(..8).unwrap()), "events", " UTC from 127.0.0.1"],
    );
    assert_says(lines[2], &["Reader", "read", "never"]);
    assert!(!listed.contains(&token));
    let days: f64 = sqlx::query_scalar(
        "select extract(epoch from expires_at - created_at)::float8 / 86400 from tokens where name = 'Apono'",
    )
    .fetch_one(database.pool())
    .await
    .unwrap();
    assert!((days - 90.0).abs() < 1e-6, "{days}");

    assert_says(&beside(&database, &["token", "revoke", "apono"]).await.printed(), &["Revoked"]);
    crate::support::wait_until("the revocation", async || {
        server.send(&token, &event("Granted", "1")).await.0 == 401
    })
    .await;
    let again = beside(&database, &["token", "revoke", "Apono"]).await.failure();
    assert_says(&again, &["there is no token \"Apono\"", "gatepost token list"]);
    assert_eq!(server.interrupt().await, Some(0));
    database.drop().await;
}
