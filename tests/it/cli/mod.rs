//! The commands.

mod audit;
mod docs;
mod doctor;
mod events;
mod explain;
mod leaked_passwords;
mod logs;
mod private_database;
mod private_files;
mod private_home;
mod rotate_key;
mod secret_files;
mod secrets;
mod sender_limit;
mod serve;
mod settings;
mod slow_clients;
mod token;
mod user;
mod webhooks;

use crate::support::database::TestDatabase;
use crate::support::process::{self, Ended, gatepost, with_args, with_database};

/// Runs a command with this database.
async fn beside(database: &TestDatabase, args: &[&str]) -> Ended {
    beside_with_input(database, args, "").await
}

/// Runs a command with this database and standard input.
async fn beside_with_input(database: &TestDatabase, args: &[&str], input: &str) -> Ended {
    process::run(with_args(with_database(gatepost(), database.url()), args), input).await
}

/// Creates a token for sending events.
async fn token(database: &TestDatabase) -> String {
    beside(database, &["token", "create", "test"]).await.printed().trim().to_owned()
}

/// Asserts that a message contains all parts.
fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "\"{part}\" is not in:\n{message}");
    }
}
