//! `gatepost doctor`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatepost::health::CheckId;
use serde_json::Value;

use super::private_database::DataDir;
use super::{assert_says, beside, beside_with_input};
use crate::support::app::{EMAIL, PASSWORD};
use crate::support::database::TestDatabase;
use crate::support::process::{
    Ended, Server, gatepost, run, with_admin, with_args, with_data_dir, with_database,
};
use crate::support::proxy::ChaosProxy;
use crate::support::user::TestUser;
use crate::support::{http, wait_until};

const JSON: [&str; 2] = ["doctor", "--json"];

/// Returns the checks by id. Asserts that the exit code and `ok` match them.
fn checks(ended: &Ended) -> BTreeMap<String, Value> {
    let found: Value = serde_json::from_str(&ended.stdout).unwrap();
    let checks = found["checks"].as_array().unwrap();
    let has_problem = checks.iter().any(|check| check["state"] == "problem");
    assert_eq!(found["ok"], !has_problem, "{ended:?}");
    assert_eq!(ended.code, Some(i32::from(has_problem)), "{ended:?}");
    assert_eq!(ended.stderr.is_empty(), !has_problem, "{ended:?}");
    let mut by_id = BTreeMap::new();
    for check in checks {
        let text = |key: &str| check[key].as_str().unwrap().to_owned();
        assert!(!text("title").is_empty() && text("found").ends_with('.'), "{check}");
        assert_eq!(text("fix").is_empty(), check["state"] == "ok", "{check}");
        assert_eq!(by_id.insert(text("id"), check.clone()), None);
    }
    by_id
}

fn state(checks: &BTreeMap<String, Value>, id: &str) -> String {
    checks.get(id).map_or("missing", |check| check["state"].as_str().unwrap()).to_owned()
}

fn found(checks: &BTreeMap<String, Value>, id: &str) -> String {
    checks[id]["found"].as_str().unwrap().to_owned()
}

/// The ids of all checks that need the database.
const OF_DATABASE: [&str; 11] = [
    "circuit_breakers",
    "clock",
    "database",
    "failures",
    "instances",
    "master_key",
    "migrations",
    "partitions",
    "paused_webhooks",
    "queue",
    "retention",
];

async fn diagnose(command: Command) -> BTreeMap<String, Value> {
    checks(&run(with_args(command, &JSON), "").await)
}

#[tokio::test]
async fn all_checks_of_a_running_server_are_made() {
    let database = TestDatabase::create().await;
    let server = Server::start(with_admin(with_database(gatepost(), database.url()))).await;
    let is_listed = async || {
        let sql = "select count(*) from instances";
        sqlx::query_scalar::<_, i64>(sql).fetch_one(database.pool()).await.unwrap() == 1
    };
    wait_until("the server is listed", is_listed).await;
    let before = recorded(&database).await;
    let checks = checks(&beside(&database, &JSON).await);
    let ids: BTreeSet<&str> = checks.keys().map(String::as_str).collect();
    let all = CheckId::ALL.into_iter().filter(|id| !id.is_of_strict_mode());
    let all = all.map(CheckId::as_str);
    // The disk of another database is unknown.
    assert_eq!(ids, all.filter(|id| *id != "disk_space").collect());
    for (id, check) in &checks {
        // Tests allow loopback.
        let expected = if id == "egress_rules" { "warning" } else { "ok" };
        assert_eq!(check["state"], expected, "{check}");
    }
    assert!(found(&checks, "instances").starts_with("1 server runs"), "{checks:?}");
    assert!(found(&checks, "egress_rules").contains("127.0.0.1"), "{checks:?}");

    let printed = beside(&database, &["doctor"]).await.printed();
    assert_says(&printed, &["ok       Database: PostgreSQL ", "\nwarning  Egress rules: "]);
    assert!(printed.ends_with("\n\n0 problems, 1 warning\n"), "{printed}");
    assert_eq!(recorded(&database).await, before);

    assert_eq!(server.interrupt().await, Some(0));
    let stopped = self::checks(&beside(&database, &JSON).await);
    assert_eq!(state(&stopped, "instances"), "warning");
    assert_says(&found(&stopped, "instances"), &["No server is running"]);
    database.drop().await;
}

/// The number of users and entries of the audit log.
async fn recorded(database: &TestDatabase) -> (i64, i64) {
    let sql = "select (select count(*) from users), (select count(*) from audit_log)";
    sqlx::query_as(sql).fetch_one(database.pool()).await.unwrap()
}

#[tokio::test]
async fn unusable_settings_are_reported() {
    for (variable, value, words) in [
        ("GATEPOST_LISTEN", "nowhere", "GATEPOST_LISTEN cannot be \"nowhere\""),
        ("GATEPOST_LISTNE", "127.0.0.1:80", "unknown setting GATEPOST_LISTNE"),
        ("GATEPOST_MASTER_KEY", "short", "GATEPOST_MASTER_KEY"),
    ] {
        let mut command = gatepost();
        command.env(variable, value);
        let ended = run(with_args(command, &JSON), "").await;
        let checks = checks(&ended);
        assert_eq!(checks.len(), 1, "{checks:?}");
        assert_eq!(state(&checks, "settings"), "problem");
        assert_says(&found(&checks, "settings"), &[words]);
        assert_eq!(ended.stderr, "gatepost: 1 problem was found\n");
    }
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_is_reported_with_the_settings() {
    for (url, words) in [
        ("postgres://gatepost:pass-word@127.0.0.1:1/gatepost", "refused"),
        ("postgres://gatepost@localhost/gatepost?host=/nowhere", "No such file"),
        ("mysql://127.0.0.1/gatepost", "is not a PostgreSQL URL"),
    ] {
        let command = with_database(gatepost(), url);
        let checks = diagnose(command).await;
        assert_eq!(state(&checks, "database"), "problem");
        assert_says(&found(&checks, "database"), &[words]);
        assert!(!found(&checks, "database").contains("pass-word"));
        let ids: Vec<&str> = checks.keys().map(String::as_str).collect();
        assert_eq!(
            ids,
            ["database", "egress_rules", "mail", "public_url", "settings", "tls_certificate"]
        );
    }
}

#[tokio::test]
async fn a_database_without_tables_is_reported_and_stays_empty() {
    let database = TestDatabase::create().await;
    for sql in ["drop schema public cascade", "create schema public"] {
        sqlx::query(sql).execute(database.pool()).await.unwrap();
    }
    let checks = checks(&beside(&database, &JSON).await);
    assert_eq!(state(&checks, "database"), "ok");
    assert_eq!(state(&checks, "migrations"), "problem");
    assert_eq!(state(&checks, "queue"), "missing");
    let sql = "select count(*) from pg_class where relnamespace = 'public'::regnamespace";
    let tables: i64 = sqlx::query_scalar(sql).fetch_one(database.pool()).await.unwrap();
    assert_eq!(tables, 0);
    database.drop().await;
}

#[tokio::test]
async fn a_newer_database_is_reported() {
    let database = TestDatabase::create().await;
    sqlx::query(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (20991231000000, 'later', true, '', 0)",
    )
    .execute(database.pool())
    .await
    .unwrap();
    let checks = checks(&beside(&database, &JSON).await);
    assert_eq!(state(&checks, "migrations"), "problem");
    assert_says(&found(&checks, "migrations"), &["newer than this program", "20991231000000"]);
    assert_eq!(state(&checks, "queue"), "ok");
    database.drop().await;
}

#[tokio::test]
async fn another_master_key_is_reported() {
    let database = TestDatabase::create().await;
    beside_with_input(&database, &["secrets", "set", "a_key", "--host", "10.0.0.5"], "value")
        .await
        .printed();
    assert_eq!(state(&checks(&beside(&database, &JSON).await), "master_key"), "ok");
    let mut command = with_database(gatepost(), database.url());
    command.env("GATEPOST_MASTER_KEY", STANDARD.encode([9; 32]));
    let checks = diagnose(command).await;
    assert_eq!(state(&checks, "master_key"), "problem");
    assert_says(&found(&checks, "master_key"), &["Values in secrets", "rows: 1"]);
    let mut command = with_database(gatepost(), database.url());
    command.env_remove("GATEPOST_MASTER_KEY");
    let checks = diagnose(command).await;
    assert_says(&found(&checks, "master_key"), &["GATEPOST_MASTER_KEY", "is required"]);
    database.drop().await;
}

#[test]
fn every_check_is_documented() {
    let text = std::fs::read_to_string("docs/operating.md").unwrap();
    let (_, table) = text.split_once("| check | id |").expect("the table of checks");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let first_columns = |row: &str| row.split_inclusive('|').take(3).collect::<String>();
    let documented: Vec<String> = rows.map(first_columns).collect();
    let expected =
        CheckId::ALL.map(|check| format!("| {} | `{}` |", check.title(), check.as_str()));
    assert_eq!(documented, expected, "docs/operating.md");
}

/// Every file and directory below a path, with the time of its last change.
fn tree(path: &Path) -> BTreeMap<PathBuf, SystemTime> {
    let mut found = BTreeMap::new();
    let mut next = vec![path.to_owned()];
    while let Some(path) = next.pop() {
        let metadata = std::fs::symlink_metadata(&path).unwrap();
        found.insert(path.clone(), metadata.modified().unwrap());
        if metadata.is_dir() {
            next.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    found
}

#[tokio::test]
async fn a_private_database_is_not_started_or_changed() {
    let place = DataDir::new();
    for is_new in [true, false] {
        let before = tree(place.path());
        let checks = checks(&place.run(&JSON, "").await);
        assert_eq!(tree(place.path()), before);
        assert_eq!(state(&checks, "database"), "warning");
        assert_says(&found(&checks, "database"), &["does not run", "no server runs"]);
        assert_eq!(state(&checks, "disk_space") == "missing", is_new);
        for id in OF_DATABASE.iter().filter(|id| **id != "database") {
            assert_eq!(state(&checks, id), "missing");
        }
        if is_new {
            let server = Server::start(with_admin(place.command())).await;
            let is_listed = async || {
                let checks = self::checks(&place.run(&JSON, "").await);
                state(&checks, "instances") == "ok"
            };
            wait_until("the server is listed", is_listed).await;
            let checks = self::checks(&place.run(&JSON, "").await);
            for id in OF_DATABASE {
                assert_eq!(state(&checks, id), "ok", "{checks:?}");
            }
            assert_ne!(state(&checks, "disk_space"), "missing");
            assert!(place.run(&["user", "list"], "").await.printed().contains(EMAIL));
            assert_eq!(server.interrupt().await, Some(0));
        }
    }
}

#[tokio::test]
async fn missing_programs_of_postgresql_are_reported() {
    let place = DataDir::new();
    let mut command = with_data_dir(gatepost(), &place.path().join("data"));
    std::fs::create_dir_all(place.path().join("data/postgres/cluster")).unwrap();
    std::fs::write(place.path().join("data/postgres/cluster/PG_VERSION"), "9\n").unwrap();
    command.env("PATH", "");
    let checks = diagnose(command).await;
    assert_eq!(state(&checks, "database"), "problem");
    assert_says(&found(&checks, "database"), &["cannot start", "created by PostgreSQL 9"]);
}

#[tokio::test]
async fn a_lost_database_is_reported_by_every_check_and_returns_by_itself() {
    let database = TestDatabase::create().await;
    let proxy = ChaosProxy::before_database(database.url()).await;
    let through = proxy.through(database.url());
    let server = Server::start(with_admin(with_database(gatepost(), &through))).await;
    let mut ann = TestUser::new(server.base.clone());
    ann.sign_in(EMAIL, PASSWORD).await;
    let readiness = async || {
        let response = http().get(format!("{}/readyz", server.base)).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    assert_eq!(readiness().await, (200, "ok\n".to_owned()));
    assert_eq!(ann.get("/status").await.status, 200);

    proxy.refuse();
    let expected = (503, "the database cannot be reached\n".to_owned());
    assert_eq!(readiness().await, expected);
    let page = ann.get("/status").await;
    assert_eq!((page.status, page.text("h1").as_str()), (503, "The database cannot be reached"));
    let checks = diagnose(with_database(gatepost(), &through)).await;
    assert_eq!(state(&checks, "database"), "problem");

    // Load balancers wait for about as long.
    proxy.stall();
    let began = Instant::now();
    assert_eq!(readiness().await, expected);
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());

    proxy.heal();
    wait_until("the server is ready", async || readiness().await.0 == 200).await;
    wait_until("the page is shown", async || {
        http()
            .get(format!("{}/status", server.base))
            .header("cookie", ann.cookie_header())
            .send()
            .await
            .unwrap()
            .status()
            == 200
    })
    .await;
    assert_eq!(server.interrupt().await, Some(0));
    database.drop().await;
}
