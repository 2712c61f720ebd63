//! A database with one webhook to a simulated Logpoint, and servers on it.

use std::collections::HashSet;
use std::str::FromStr;

use gatepost::store::{PgConnectOptions, PgPool};
use sqlx::postgres::PgPoolOptions;

use super::patient_webhook;
use crate::support::builders::WebhookBuilder;
use crate::support::database::TestDatabase;
use crate::support::logpoint::{FakeLogpoint, Options};
use crate::support::process::{
    Server, gatepost, run, wait_long, with_admin, with_args, with_database,
};
use crate::support::wait_until;

pub(super) struct Environment {
    pub(super) database: TestDatabase,
    pub(super) logpoint: FakeLogpoint,
    pub(super) token: String,
    /// The test's own connections, with another application name than the servers'.
    pub(super) pool: PgPool,
    /// Connections with the servers' name that belong to no server.
    others: Vec<i32>,
}

impl Environment {
    pub(super) async fn new() -> Self {
        Self::with(|webhook| webhook).await
    }

    /// Creates an environment with a changed webhook.
    pub(super) async fn with(change: impl FnOnce(WebhookBuilder) -> WebhookBuilder) -> Self {
        let database = TestDatabase::create().await;
        let options = PgConnectOptions::from_str(database.url()).unwrap().application_name("test");
        let pool = PgPoolOptions::new().max_connections(4).connect_with(options).await.unwrap();
        let logpoint = FakeLogpoint::start(Options::default()).await;
        let others = sessions(&pool).await;
        let environment = Self { database, logpoint, token: String::new(), pool, others };
        let yaml = change(patient_webhook(&environment.logpoint)).file();
        environment.run(&["webhooks", "import", "-"], &yaml).await;
        let token = environment.run(&["token", "create", "test"], "").await.trim().to_owned();
        Self { token, ..environment }
    }

    pub(super) async fn run(&self, args: &[&str], input: &str) -> String {
        let command = with_args(with_database(gatepost(), self.database.url()), args);
        run(command, input).await.printed()
    }

    pub(super) async fn start(&self) -> Server {
        self.start_at(self.database.url()).await
    }

    /// Starts a server with this database URL.
    pub(super) async fn start_at(&self, url: &str) -> Server {
        Server::start(with_admin(with_database(gatepost(), url))).await
    }

    /// Waits until the last statements of killed servers have finished.
    pub(super) async fn wait_for_quiet(&self) {
        wait_until("the killed server's statements to end", async || {
            let now: HashSet<i32> = sessions(&self.pool).await.into_iter().collect();
            now.iter().all(|pid| self.others.contains(pid))
        })
        .await;
    }

    /// Returns the leased deliveries with their leases.
    pub(super) async fn list_leased(&self) -> Vec<(String, String)> {
        sqlx::query_as("select id::text, lease::text from delivery_queue where state = 'leased'")
            .fetch_all(&self.pool)
            .await
            .unwrap()
    }

    /// Expires all leases at once.
    pub(super) async fn expire_leases(&self) {
        sqlx::query("update delivery_queue set leased_until = now() where state = 'leased'")
            .execute(&self.pool)
            .await
            .unwrap();
    }

    /// Makes all leased deliveries due, as if a server had taken them over.
    pub(super) async fn take_over(&self) {
        sqlx::query(
            "update delivery_queue set state = 'due', due_at = now(), lease = null, leased_until = null
             where state = 'leased'",
        )
        .execute(&self.pool)
        .await
        .unwrap();
    }

    pub(super) async fn count(&self, state: &str) -> i64 {
        sqlx::query_scalar("select count(*) from deliveries where state = $1")
            .bind(state)
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    /// Waits until no delivery is unfinished.
    pub(super) async fn wait_until_done(&self) {
        wait_long("all deliveries", async || {
            let left: i64 = sqlx::query_scalar("select count(*) from delivery_queue")
                .fetch_one(&self.pool)
                .await
                .unwrap();
            left == 0
        })
        .await;
    }

    pub(super) async fn end(self, servers: impl IntoIterator<Item = Server>) {
        for server in servers {
            assert_eq!(server.interrupt().await, Some(0));
        }
        self.pool.close().await;
        self.database.drop().await;
    }
}

/// Returns the process ids of the servers' connections.
async fn sessions(pool: &PgPool) -> Vec<i32> {
    sqlx::query_scalar(
        "select pid from pg_stat_activity
         where datname = current_database() and application_name = 'gatepost'",
    )
    .fetch_all(pool)
    .await
    .unwrap()
}
