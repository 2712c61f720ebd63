//! Secrets in files, and a login to the database that changes while the server runs.

use std::path::Path;
use std::process::Command;

use sqlx::AssertSqlSafe;

use super::assert_says;
use crate::support::app::{EMAIL, PASSWORD, WAIT_TIMEOUT};
use crate::support::database::TestDatabase;
use crate::support::event;
use crate::support::process::{MASTER_KEY, Server, directory, gatepost, run, with_args};

/// Two roles that can log in to a database.
struct Logins {
    database: TestDatabase,
    roles: [String; 2],
}

impl Logins {
    async fn create() -> Self {
        let database = TestDatabase::create().await;
        // Roles belong to the whole cluster, so each run needs its own.
        let unique = uuid::Builder::from_random_bytes(rand::random()).into_uuid().simple();
        let logins = Self { database, roles: [1, 2].map(|n| format!("gatepost_{unique}_{n}")) };
        for role in &logins.roles {
            logins.execute(&format!("create role {role} superuser login")).await;
        }
        logins
    }

    /// Ends the connections of the first role, which cannot log in again.
    async fn revoke_first(&self) {
        let role = &self.roles[0];
        self.execute(&format!(
            "alter role {role} nologin;
             select pg_terminate_backend(pid) from pg_stat_activity where usename = '{role}'"
        ))
        .await;
    }

    async fn execute(&self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(self.database.pool()).await.unwrap();
    }

    fn write(&self, index: usize, file: &Path) {
        let mut url = url::Url::parse(self.database.url()).unwrap();
        url.set_username(&self.roles[index]).unwrap();
        // Replaced at once, as an agent of a key vault does.
        let part = file.with_extension("part");
        std::fs::write(&part, format!("{url}\n")).unwrap();
        std::fs::rename(part, file).unwrap();
    }
}

/// Configures all secrets by files in this directory.
fn with_secret_files(folder: &Path, command: &[&str]) -> Command {
    let mut command = with_args(gatepost(), command);
    command.env("GATEPOST_ADMIN_EMAIL", EMAIL);
    for (name, file) in [
        ("DATABASE_URL_FILE", "database"),
        ("GATEPOST_MASTER_KEY_FILE", "master.key"),
        ("GATEPOST_ADMIN_PASSWORD_FILE", "password"),
    ] {
        command.env(name, folder.join(file));
    }
    command
}

#[tokio::test]
async fn a_new_login_to_the_database_is_used_without_a_restart() {
    let (logins, folder) = (Logins::create().await, directory());
    let url = folder.path().join("database");
    logins.write(0, &url);
    std::fs::write(folder.path().join("master.key"), MASTER_KEY).unwrap();
    std::fs::write(folder.path().join("password"), format!("{PASSWORD}\n")).unwrap();
    let server = Server::start(with_secret_files(folder.path(), &["serve"])).await;
    let created =
        run(with_secret_files(folder.path(), &["token", "create", "Apono"]), "").await.printed();
    let token = created.split_whitespace().find(|word| word.starts_with("gp_")).unwrap();
    assert_eq!(server.send(token, &event("Granted", "1")).await.0, 202);

    logins.revoke_first().await;
    // Senders retry, because nothing was stored.
    let (status, problem) = server.send(token, &event("Granted", "2")).await;
    assert_eq!(status, 503, "{problem}");
    logins.write(1, &url);
    let accepted = async {
        while server.send(token, &event("Granted", "2")).await.0 != 202 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(WAIT_TIMEOUT, accepted).await.unwrap();
    assert_eq!(server.interrupt().await, Some(0));
    logins.database.drop().await;
}

#[tokio::test]
async fn a_rejected_login_is_reported_at_once() {
    let (logins, folder) = (Logins::create().await, directory());
    let url = folder.path().join("database");
    logins.write(0, &url);
    std::fs::write(folder.path().join("master.key"), MASTER_KEY).unwrap();
    std::fs::write(folder.path().join("password"), PASSWORD).unwrap();
    logins.revoke_first().await;
    let failure = run(with_secret_files(folder.path(), &["serve"]), "").await.failure();
    assert_says(&failure, &["not permitted to log in", "check user and password"]);
    logins.database.drop().await;
}
