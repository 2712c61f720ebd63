//! The settings with which strict mode starts, and those that it reports.

use std::process::Command;

use serde_json::Value;

use crate::support::database::TestDatabase;
use crate::support::process::{
    Server, directory, gatepost, run, with_admin, with_args, with_data_dir, with_database,
};

/// A command with settings that strict mode permits. PostgreSQL is behind a socket.
fn strict(database: &TestDatabase) -> Command {
    let mut command = with_admin(with_database(gatepost(), database.url()));
    command.envs([
        ("GATEPOST_STRICT", "true"),
        ("GATEPOST_PUBLIC_URL", "https://gatepost.example.com"),
        ("GATEPOST_TRUSTED_PROXIES", "127.0.0.1"),
    ]);
    command
}

#[tokio::test]
async fn starts_behind_a_trusted_proxy_with_a_local_database() {
    let database = TestDatabase::create().await;
    let server = Server::start(strict(&database)).await;
    assert_eq!(server.printed.len(), 1, "{:?}", server.printed);
    assert_eq!(server.interrupt().await, Some(0));
    database.drop().await;
}

#[tokio::test]
async fn all_contradicting_settings_are_reported_at_once_before_anything_is_created() {
    let directory = directory();
    let data = directory.path().join("data");
    let mut command = with_args(with_data_dir(gatepost(), &data), &["serve", "--strict"]);
    command.envs([
        ("GATEPOST_ALLOW_HTTP", "true"),
        ("GATEPOST_OTLP_ENDPOINT", "http://collector.example.com:4318"),
    ]);
    let message = run(command, "").await.failure();
    for part in [
        "strict mode (GATEPOST_STRICT) does not permit these settings:\n",
        "\n- GATEPOST_PUBLIC_URL is not set",
        "\n- Gatepost serves plain HTTP",
        "\n- GATEPOST_ALLOW_HTTP is true",
        "\n- GATEPOST_OTLP_ENDPOINT is http://collector.example.com:4318/",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(!data.exists(), "{message}");
}

#[tokio::test]
async fn it_can_be_turned_on_in_the_file_and_off_by_a_flag() {
    let directory = directory();
    std::fs::write(directory.path().join("gatepost.toml"), "strict = true\nallow_http = true\n")
        .unwrap();
    let doctor = async |args: &[&str]| {
        let mut command =
            with_args(with_data_dir(gatepost(), &directory.path().join("data")), args);
        command.current_dir(directory.path());
        run(command, "").await.stdout
    };
    let refused = "GATEPOST_ALLOW_HTTP is true, but strict mode requires https://";
    assert!(doctor(&["doctor"]).await.contains(refused));
    assert!(!doctor(&["doctor", "--strict=false"]).await.contains(refused));
}

#[tokio::test]
async fn a_database_on_another_host_needs_a_verified_connection() {
    for (url, is_permitted) in [
        ("postgres://u:hunter2@db.example.com/x", false),
        ("postgres://u:hunter2@db.example.com/x?sslmode=require", false),
        ("postgres://u:hunter2@db.example.com/x?sslmode=verify-ca", false),
        ("postgres://u:hunter2@localhost/x?host=10.0.0.9", false),
        ("postgres://u:hunter2@db.example.com/x?sslmode=verify-full", true),
        ("postgres://u:hunter2@127.0.0.1/x", true),
        ("postgres://u:hunter2@[::1]/x", true),
        ("postgres://u:hunter2@localhost/x?host=/run/postgresql", true),
    ] {
        // Without the public URL, strict mode never connects to the database.
        let mut command = with_database(gatepost(), url);
        command.env("GATEPOST_STRICT", "true");
        let message = run(command, "").await.failure();
        let is_reported = message.contains("\n- DATABASE_URL connects to ")
            && message.contains("add sslmode=verify-full");
        assert_eq!(is_reported, !is_permitted, "{url}: {message}");
        assert!(!message.contains("hunter2"), "{message}");
    }
}

#[tokio::test]
async fn doctor_reports_the_same_settings() {
    let database = TestDatabase::create().await;
    let mut command = with_args(strict(&database), &["doctor", "--json"]);
    command.env("GATEPOST_ALLOW_HTTP", "true").env_remove("GATEPOST_TRUSTED_PROXIES");
    let report: Value = serde_json::from_str(&run(command, "").await.stdout).unwrap();
    let settings = &report["checks"][0];
    assert_eq!((&settings["id"], &settings["state"]), (&"settings".into(), &"problem".into()));
    let found = settings["found"].as_str().unwrap();
    for part in ["GATEPOST_ALLOW_HTTP is true", "Gatepost serves plain HTTP"] {
        assert!(found.contains(part), "{found}");
    }
    let settings = run(with_args(strict(&database), &["doctor", "--json"]), "").await.stdout;
    assert!(settings.contains("All settings can be used."), "{settings}");
    database.drop().await;
}

/// Commands would otherwise change users and tokens over a connection that strict mode refuses.
#[tokio::test]
async fn commands_beside_the_server_need_the_same_settings() {
    let database = TestDatabase::create().await;
    let mut command = with_args(strict(&database), &["token", "list"]);
    command.env("GATEPOST_ALLOW_HTTP", "true");
    assert!(run(command, "").await.failure().contains("GATEPOST_ALLOW_HTTP"));
    database.drop().await;
}
