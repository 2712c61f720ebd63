//! `gatepost secrets rotate-key`.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::private_database::DataDir;
use super::{assert_says, beside_with_input};
use crate::support::authenticator::Authenticator;
use crate::support::clock::MovedClock;
use crate::support::database::TestDatabase;
use crate::support::process::{
    Ended, MASTER_KEY, Server, directory, gatepost, run, with_args, with_database,
};
use crate::support::user::TestUser;
use crate::support::wait_until;

const SET: [&str; 5] = ["secrets", "set", "logpoint_key", "--host", "10.0.0.5"];
const ROTATE: [&str; 2] = ["secrets", "rotate-key"];
const LIST: [&str; 2] = ["secrets", "list"];

fn keys(variables: &[(&str, &str)], database: &TestDatabase) -> Command {
    let mut command = with_database(gatepost(), database.url());
    command.env_remove("GATEPOST_MASTER_KEY");
    command.envs(variables.iter().copied());
    command
}

async fn run_with(
    database: &TestDatabase,
    variables: &[(&str, &str)],
    args: &[&str],
    input: &str,
) -> Ended {
    run(with_args(keys(variables, database), args), input).await
}

fn key(byte: u8) -> String {
    STANDARD.encode([byte; 32])
}

/// Returns the values of all tables with their first bytes, which depend on the key.
async fn prefixes(database: &TestDatabase) -> Vec<Vec<u8>> {
    let sql = "select distinct substring(sealed for 5) from secrets";
    sqlx::query_scalar(sql).fetch_all(database.pool()).await.unwrap()
}

#[tokio::test]
async fn the_generated_key_is_replaced_while_no_server_runs() {
    let place = DataDir::new();
    let file = place.path().join("data/master.key");
    place.run(&SET, "the-value").await.printed();
    let old = std::fs::read_to_string(&file).unwrap();

    let server = place.start().await;
    let refused = place.run(&ROTATE, "").await.failure();
    assert_says(&refused, &["Stop the server first"]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), old);
    assert_eq!(server.interrupt().await, Some(0));

    let printed = place.run(&ROTATE, "").await.printed();
    assert_says(&printed, &["Re-encrypted 1 value.", "master.key contains only the new"]);
    let new = std::fs::read_to_string(&file).unwrap();
    assert!(new != old && new.lines().count() == 1);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_says(&place.run(&LIST, "").await.printed(), &["logpoint_key"]);
    let server = place.start().await;
    assert_eq!(server.readiness().await, Some(200));
    assert_eq!(server.interrupt().await, Some(0));

    // The old key is of no use any more.
    std::fs::write(&file, old).unwrap();
    let message = place.run(&LIST, "").await.failure();
    assert_says(&message, &["rows: 1", "another master key", "GATEPOST_PREVIOUS_MASTER_KEY"]);
}

#[tokio::test]
async fn a_key_in_a_file_is_replaced_and_an_unfinished_rotation_is_finished() {
    let database = TestDatabase::create().await;
    let place = directory();
    let path = place.path().join("key");
    std::fs::write(&path, format!("{MASTER_KEY}\n")).unwrap();
    let variables = [("GATEPOST_MASTER_KEY_FILE", path.to_str().unwrap())];
    run_with(&database, &variables, &SET, "the-value").await.printed();

    let server = Server::start(keys(&variables, &database)).await;
    let refused = run_with(&database, &variables, &ROTATE, "").await.failure();
    assert_says(&refused, &["Stop the server first"]);
    assert_eq!(server.interrupt().await, Some(0));

    run_with(&database, &variables, &ROTATE, "").await.printed();
    let new = std::fs::read_to_string(&path).unwrap();
    assert!(!new.contains(MASTER_KEY) && new.lines().count() == 1);

    // A file with several keys is used by all commands, and its rotation generates no further key.
    std::fs::write(&path, format!("{}\n{new}{MASTER_KEY}\n", key(9))).unwrap();
    assert_says(&run_with(&database, &variables, &LIST, "").await.printed(), &["logpoint_key"]);
    let printed = run_with(&database, &variables, &ROTATE, "").await.printed();
    assert_says(&printed, &["Re-encrypted 1 value."]);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{}\n", key(9)));
    assert_says(&run_with(&database, &variables, &LIST, "").await.printed(), &["logpoint_key"]);
    database.drop().await;
}

#[tokio::test]
async fn a_key_that_is_a_setting_is_replaced_by_the_operator() {
    let database = TestDatabase::create().await;
    let old = [("GATEPOST_MASTER_KEY", MASTER_KEY)];
    run_with(&database, &old, &SET, "the-value").await.printed();
    let steps = run_with(&database, &old, &ROTATE, "").await.failure();
    assert_says(&steps, &["openssl rand -base64 32", "GATEPOST_PREVIOUS_MASTER_KEY", "Restart"]);

    let new_key = key(9);
    let both = [("GATEPOST_MASTER_KEY", &*new_key), ("GATEPOST_PREVIOUS_MASTER_KEY", MASTER_KEY)];
    let server = Server::start(keys(&both, &database)).await;
    let before = prefixes(&database).await;
    // A row that another transaction has locked is waited for.
    let mut tx = database.pool().begin().await.unwrap();
    sqlx::query("select from secrets for update").execute(&mut *tx).await.unwrap();
    let rotation = run_with(&database, &both, &ROTATE, "");
    let release = async {
        wait_until("the rotation to have begun", async || {
            let sql = "select count(*) from pg_locks where locktype = 'advisory' and database = \
                       (select oid from pg_database where datname = current_database())";
            let count: i64 = sqlx::query_scalar(sql).fetch_one(database.pool()).await.unwrap();
            // The server has one, too.
            count > 1
        })
        .await;
        tx.rollback().await.unwrap();
    };
    let (rotated, ()) = tokio::join!(rotation, release);
    let printed = rotated.printed();
    assert_says(&printed, &["Re-encrypted 1 value.", "Remove GATEPOST_PREVIOUS_MASTER_KEY"]);
    assert_ne!(prefixes(&database).await, before);
    let recorded = "select detail from audit_log where action = 'secrets.reencrypted'";
    let details: Vec<String> =
        sqlx::query_scalar(recorded).fetch_all(database.pool()).await.unwrap();
    assert_eq!(details.len(), 1, "{details:?}");
    let again = run_with(&database, &both, &ROTATE, "").await.printed();
    assert_says(&again, &["Re-encrypted 0 values."]);
    assert_eq!(server.interrupt().await, Some(0));

    let new = [("GATEPOST_MASTER_KEY", &*new_key)];
    assert_says(&run_with(&database, &new, &LIST, "").await.printed(), &["logpoint_key"]);
    database.drop().await;
}

#[tokio::test]
async fn a_value_under_an_unknown_key_is_an_error_before_anything_else() {
    let database = TestDatabase::create().await;
    let place = directory();
    let path = place.path().join("key");
    std::fs::write(&path, key(9)).unwrap();
    run_with(&database, &[("GATEPOST_MASTER_KEY", MASTER_KEY)], &SET, "the-value").await.printed();
    let variables = [("GATEPOST_MASTER_KEY_FILE", path.to_str().unwrap())];
    for args in [&[][..], &ROTATE, &LIST, &SET] {
        let message = run_with(&database, &variables, args, "the-value").await.failure();
        assert_says(&message, &["secrets", "rows: 1", "another master key"]);
    }
    // Nothing was changed.
    assert_eq!(std::fs::read_to_string(&path).unwrap(), key(9));
    assert_eq!(prefixes(&database).await.len(), 1);
    database.drop().await;
}

#[tokio::test]
async fn names_the_mistake_in_the_settings_of_keys() {
    let database = TestDatabase::create().await;
    let place = directory();
    let path = place.path().join("keys");
    std::fs::write(&path, format!("{}\nx\n", key(9))).unwrap();
    let path = path.to_str().unwrap();
    let current = ("GATEPOST_MASTER_KEY", MASTER_KEY);
    for (variables, words) in [
        (vec![("GATEPOST_MASTER_KEY_FILE", path)], vec!["key 2 of", path]),
        (vec![current, ("GATEPOST_PREVIOUS_MASTER_KEY_FILE", path)], vec!["key 2 of", path]),
        (
            vec![current, ("GATEPOST_PREVIOUS_MASTER_KEY", "x")],
            vec!["GATEPOST_PREVIOUS_MASTER_KEY must be 32 bytes"],
        ),
        (
            vec![
                current,
                ("GATEPOST_PREVIOUS_MASTER_KEY", MASTER_KEY),
                ("GATEPOST_PREVIOUS_MASTER_KEY_FILE", path),
            ],
            vec!["GATEPOST_PREVIOUS_MASTER_KEY_FILE are both set"],
        ),
    ] {
        let message = run_with(&database, &variables, &LIST, "").await.failure();
        assert_says(&message, &words);
    }
    database.drop().await;
}

#[tokio::test]
async fn a_second_factor_outlives_the_master_key() {
    const EMAIL: &str = "ann@example.com";
    const PASSWORD: &str = "correct horse battery";
    let database = TestDatabase::create().await;
    let create = ["user", "create", EMAIL, "--role", "admin", "--password-stdin"];
    beside_with_input(&database, &create, PASSWORD).await.printed();
    let server = Server::start(keys(&[("GATEPOST_MASTER_KEY", MASTER_KEY)], &database)).await;
    let mut ann = TestUser::new(server.base.clone());
    ann.sign_in(EMAIL, PASSWORD).await;
    let now = MovedClock::default().sources().now();
    let device = Authenticator::enrol_at(now, &mut ann).await;
    assert_eq!(server.interrupt().await, Some(0));

    let new_key = key(9);
    let both = [("GATEPOST_MASTER_KEY", &*new_key), ("GATEPOST_PREVIOUS_MASTER_KEY", MASTER_KEY)];
    let printed = run_with(&database, &both, &ROTATE, "").await.printed();
    assert_says(&printed, &["Re-encrypted 1 value."]);
    let server = Server::start(keys(&[("GATEPOST_MASTER_KEY", &new_key)], &database)).await;
    // The code of the current step may have been used to set it up.
    let next = MovedClock::default().sources().now() + chrono::TimeDelta::seconds(30);
    for code in [device.code_at(next), device.recovery_codes[0].clone()] {
        let mut ann = TestUser::new(server.base.clone());
        ann.get("/login").await;
        ann.post("/login", &[("email", EMAIL), ("password", PASSWORD)]).await;
        ann.get("/login/code").await;
        assert_eq!(ann.post("/login/code", &[("code", &code)]).await.location(), "/webhooks");
    }
    assert_eq!(server.interrupt().await, Some(0));
    database.drop().await;
}
