//! What the log contains of a sender over its limit.

use super::token;
use crate::support::database::TestDatabase;
use crate::support::event;
use crate::support::process::{Server, directory, gatepost, with_admin, with_database};

#[tokio::test]
async fn a_sender_over_its_limit_is_logged_once_a_minute() {
    let (database, directory) = (TestDatabase::create().await, directory());
    let file = directory.path().join("log");
    let mut command = with_admin(with_database(gatepost(), database.url()));
    command.env("GATEPOST_LOG", "warn").env("GATEPOST_EVENTS_PER_MINUTE", "1");
    command.stderr(std::fs::File::create(&file).unwrap());
    let token = token(&database).await;
    let server = Server::start(command).await;
    for number in 0..5 {
        server.send(&token, &event("Granted", &number.to_string())).await;
    }
    assert_eq!(server.interrupt().await, Some(0));
    let stored: i64 =
        sqlx::query_scalar("select count(*) from events").fetch_one(database.pool()).await.unwrap();
    assert_eq!(stored, 1);
    let log = std::fs::read_to_string(&file).unwrap();
    let count = |text: &str| log.lines().filter(|line| line.contains(text)).count();
    assert_eq!(count("rejected the events of a sender over its limit"), 1, "{log}");
    assert!(log.contains("token=\"test\"") && log.contains("per_minute=1"), "{log}");
    assert_eq!(count("refused a request"), 0, "{log}");
    database.drop().await;
}
