//! The commands, as a person or a script runs them.

mod docs;
mod events;
mod private_database;
mod serve;
mod settings;
mod token;
mod webhooks;

use crate::support::database::TestDatabase;
use crate::support::process::{self, Ended, gatepost, with_args, with_database};

/// Runs a command over this database.
async fn beside(database: &TestDatabase, args: &[&str]) -> Ended {
    told(database, args, "").await
}

/// The same, with something on standard input.
async fn told(database: &TestDatabase, args: &[&str], input: &str) -> Ended {
    process::run(with_args(with_database(gatepost(), database.url()), args), input).await
}

/// A new token for sending events.
async fn token(database: &TestDatabase) -> String {
    beside(database, &["token", "create", "test"]).await.printed().trim().to_owned()
}

/// Checks that a message says all of this.
fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "\"{part}\" is not in:\n{message}");
    }
}
