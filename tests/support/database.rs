//! A database for each test, copied from a template with all migrations.

use std::str::FromStr;

use gatepost::store::{self, PgConnectOptions, PgPool, migrate};
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};

/// The database of one test.
#[derive(Debug, Clone)]
pub(crate) struct TestDatabase {
    name: String,
    url: String,
    pool: PgPool,
}

/// Returns the URL of the server started by `script/with-postgres`.
pub(crate) fn server() -> String {
    #[expect(clippy::disallowed_methods, reason = "the URL of the test server")]
    let url = std::env::var("TEST_DATABASE_URL");
    url.expect("TEST_DATABASE_URL is not set: run script/with-postgres cargo nextest run")
}

fn url_of(database: &str) -> String {
    let mut url = url::Url::parse(&server()).unwrap();
    url.set_path(database);
    url.to_string()
}

async fn admin() -> PgConnection {
    PgConnectOptions::from_str(&server()).unwrap().connect().await.unwrap()
}

async fn execute(connection: &mut PgConnection, sql: String) {
    sqlx::query(AssertSqlSafe(sql)).execute(connection).await.unwrap();
}

/// Returns the name of the template, creating it if needed. The name depends on the migrations.
async fn template(admin: &mut PgConnection) -> String {
    let mut hash = Sha256::new();
    let mut files: Vec<_> =
        std::fs::read_dir("migrations").unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files {
        hash.update(std::fs::read(file).unwrap());
    }
    let name = format!("template_{}", hex::encode(&hash.finalize()[..8]));
    sqlx::query("select pg_advisory_lock(7)").execute(&mut *admin).await.unwrap();
    let exists: bool =
        sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
            .bind(&name)
            .fetch_one(&mut *admin)
            .await
            .unwrap();
    if !exists {
        let part = format!("{name}_part");
        execute(admin, format!("drop database if exists {part}")).await;
        execute(admin, format!("create database {part}")).await;
        let options = PgConnectOptions::from_str(&url_of(&part)).unwrap();
        let pool = store::connect(options, 1).await.unwrap();
        migrate::run(&pool).await.unwrap();
        pool.close().await;
        execute(admin, format!("alter database {part} rename to {name}")).await;
    }
    sqlx::query("select pg_advisory_unlock(7)").execute(admin).await.unwrap();
    name
}

impl TestDatabase {
    /// Creates a database.
    pub(crate) async fn create() -> Self {
        let mut admin = admin().await;
        let template = template(&mut admin).await;
        let name = format!(
            "test_{}",
            uuid::Builder::from_random_bytes(rand::random()).into_uuid().simple()
        );
        execute(&mut admin, format!("create database {name} template {template}")).await;
        admin.close().await.unwrap();
        let url = url_of(&name);
        let options = PgConnectOptions::from_str(&url).unwrap();
        let pool = store::connect(options, 4).await.unwrap();
        Self { name, url, pool }
    }

    /// Returns the value for `DATABASE_URL`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns the test's own connections.
    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Drops the database after a successful test. A failed test keeps it for inspection.
    pub(crate) async fn drop(self) {
        self.pool.close().await;
        let mut admin = admin().await;
        execute(&mut admin, format!("drop database {} with (force)", self.name)).await;
    }
}
