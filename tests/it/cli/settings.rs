//! Settings by flags, environment variables and `gatepost.toml`.

use std::process::Command;

use super::assert_says;
use crate::support::database;
use crate::support::process::{directory, gatepost, run, with_args, with_data_dir};
use crate::support::proxy::ChaosProxy;

/// Every documented setting.
const VARIABLES: [&str; 15] = [
    "DATABASE_URL",
    "GATEPOST_DATA_DIR",
    "GATEPOST_LISTEN",
    "GATEPOST_PUBLIC_URL",
    "GATEPOST_MASTER_KEY",
    "GATEPOST_MASTER_KEY_FILE",
    "GATEPOST_PREVIOUS_MASTER_KEY",
    "GATEPOST_PREVIOUS_MASTER_KEY_FILE",
    "GATEPOST_ADMIN_EMAIL",
    "GATEPOST_ADMIN_PASSWORD",
    "GATEPOST_EGRESS_ALLOW",
    "GATEPOST_EGRESS_DENY",
    "GATEPOST_ALLOW_HTTP",
    "GATEPOST_LOG",
    "GATEPOST_LOG_FORMAT",
];

/// Returns why a server does not start with an additional setting.
async fn rejection(name: &str, value: &str) -> String {
    let directory = directory();
    let data = directory.path().join("data");
    let mut command = with_data_dir(gatepost(), &data);
    command.env(name, value);
    let message = run(command, "").await.failure();
    assert!(!data.exists(), "{name} was refused too late: {message}");
    message
}

#[tokio::test]
async fn rejects_unknown_variables() {
    let message = rejection("GATEPOST_DATADIR", "/tmp").await;
    assert_says(&message, &["unknown setting GATEPOST_DATADIR"]);
    assert_says(&message, &VARIABLES);
}

#[tokio::test]
async fn names_the_setting_of_an_invalid_value() {
    for (name, value, more) in [
        ("GATEPOST_LISTEN", "8080", "0.0.0.0:8080"),
        ("GATEPOST_PUBLIC_URL", "gatepost.example.com", "https://"),
        ("GATEPOST_PUBLIC_URL", "ftp://gatepost.example.com", "https://"),
        ("GATEPOST_EGRESS_ALLOW", "10.0.0.0/33", "10.0.0.0/8"),
        ("GATEPOST_EGRESS_DENY", "127.0.0.1,localhost", "10.0.0.0/8"),
        ("GATEPOST_EVENTS_PER_MINUTE", "0", "at least one event"),
        ("GATEPOST_LOG", "gatepost=loud", "gatepost=debug"),
        ("GATEPOST_LOG_FORMAT", "xml", "text or json"),
        ("GATEPOST_ADMIN_EMAIL", "ann@example.com", "GATEPOST_ADMIN_PASSWORD"),
        ("GATEPOST_ADMIN_PASSWORD", "correct horse battery", "GATEPOST_ADMIN_EMAIL"),
        ("GATEPOST_MASTER_KEY", "c2hvcnQ=", "5 bytes"),
        ("GATEPOST_MASTER_KEY", "!", "base64"),
        ("GATEPOST_MASTER_KEY_FILE", "/nonexistent/key", "/nonexistent/key"),
        ("GATEPOST_PREVIOUS_MASTER_KEY", "c2hvcnQ=", "5 bytes"),
    ] {
        let message = rejection(name, value).await;
        assert_says(&message, &[more]);
        if name != "GATEPOST_MASTER_KEY_FILE" {
            assert_says(&message, &[name]);
        }
    }
    assert_says(
        &rejection("GATEPOST_ALLOW_HTTP", "maybe").await,
        &["--allow-http", "maybe", "true"],
    );
    let message = rejection("GATEPOST_ADMIN_PASSWORD", "correct horse battery").await;
    assert!(!message.contains("correct horse battery"), "{message}");
}

/// The test database at another address. It rejects the given user: a command would wait for a database that does not
/// respond.
struct Elsewhere(ChaosProxy);

impl Elsewhere {
    async fn new() -> Self {
        Self(ChaosProxy::before_database(&database::server()).await)
    }

    fn url(&self) -> String {
        self.0.through("postgres://nobody@localhost/x")
    }

    /// Asserts that a command with these settings is rejected by this database.
    async fn assert_rejects(&self, mut command: Command) {
        command.env("GATEPOST_MASTER_KEY", super::process::MASTER_KEY);
        let message = run(command, "").await.failure();
        assert_says(&message, &[&format!("DATABASE_URL at {} cannot", self.0.address())]);
    }
}

#[tokio::test]
async fn flags_take_precedence_over_variables_and_those_over_the_file() {
    let directory = directory();
    let (file, environment, flag) =
        (Elsewhere::new().await, Elsewhere::new().await, Elsewhere::new().await);
    let toml = format!("database_url = '{}'\nallow_http = true\n", file.url());
    std::fs::write(directory.path().join("gatepost.toml"), toml).unwrap();
    let within = |variable: Option<&str>, args: &[&str]| {
        let mut command = with_args(gatepost(), args);
        command.current_dir(directory.path());
        if let Some(value) = variable {
            command.env("DATABASE_URL", value);
        }
        command
    };
    file.assert_rejects(within(None, &[])).await;
    environment.assert_rejects(within(Some(&environment.url()), &[])).await;
    let args = ["--database-url", &flag.url()];
    flag.assert_rejects(within(Some(&environment.url()), &args)).await;
    // Empty settings count as unset.
    let mut command = within(Some(""), &[]);
    command.envs([("GATEPOST_ALLOW_HTTP", ""), ("GATEPOST_RETENTION_DAYS", "")]);
    file.assert_rejects(command).await;
}

#[tokio::test]
async fn ignores_a_file_in_a_parent_directory() {
    let directory = directory();
    std::fs::write(directory.path().join("gatepost.toml"), "not = 'ours'\n").unwrap();
    let below = directory.path().join("below");
    std::fs::create_dir(&below).unwrap();
    let flag = Elsewhere::new().await;
    let mut command = with_args(gatepost(), &["--database-url", &flag.url()]);
    command.current_dir(&below);
    flag.assert_rejects(command).await;
}

#[tokio::test]
async fn names_the_mistake_in_the_file() {
    for (toml, word) in [
        ("listne = '127.0.0.1:0'", "listne"),
        ("listen = 8080", "listen"),
        ("allow_http = 'perhaps'", "allow_http"),
        ("listen = '8080'", "GATEPOST_LISTEN"),
        ("listen = ", "gatepost.toml"),
    ] {
        let directory = directory();
        std::fs::write(directory.path().join("gatepost.toml"), toml).unwrap();
        let mut command = with_data_dir(gatepost(), &directory.path().join("data"));
        command.current_dir(directory.path()).env_remove("GATEPOST_LISTEN");
        let message = run(command, "").await.failure();
        assert_says(&message, &[word]);
        assert!(!directory.path().join("data").exists(), "{message}");
    }
}

#[tokio::test]
async fn help_lists_every_setting_and_no_secret() {
    let mut command = with_args(gatepost(), &["serve", "--help"]);
    for name in ["DATABASE_URL", "GATEPOST_MASTER_KEY", "GATEPOST_ADMIN_PASSWORD"] {
        command.env(name, "the-secret");
    }
    let help = run(command, "").await.printed();
    assert_says(&help, &VARIABLES);
    assert_says(&help, &["[default: 127.0.0.1:8080]", "[default: ./data]", "[default: info]"]);
    assert!(!help.contains("the-secret"), "{help}");
}

#[tokio::test]
async fn rejects_an_unknown_command() {
    for args in [&["sevre"][..], &["token"], &["webhooks", "import"], &["events", "send", "-"]] {
        let ended = run(with_args(gatepost(), args), "").await;
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert_says(&ended.stderr, &["Usage: gatepost"]);
    }
    let version = run(with_args(gatepost(), &["--version"]), "").await.printed();
    assert_eq!(version, "gatepost 0.1.0\n");
}
