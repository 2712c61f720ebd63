//! A database of its own with one webhook that leads to a simulated Logpoint, and servers on it.

use std::collections::HashSet;
use std::str::FromStr;

use gatepost::store::{PgConnectOptions, PgPool};
use sqlx::postgres::PgPoolOptions;

use super::tell;
use crate::support::database::TestDatabase;
use crate::support::logpoint::{FakeLogpoint, Options};
use crate::support::process::{
    Server, gatepost, run, wait_long, with_admin, with_args, with_database,
};
use crate::support::wait_until;

pub(super) struct Place {
    pub(super) database: TestDatabase,
    pub(super) logpoint: FakeLogpoint,
    pub(super) token: String,
    /// The test's own connections, told from the servers' by their name.
    pub(super) pool: PgPool,
    /// Those that bear the servers' name and belong to none.
    others: Vec<i32>,
}

impl Place {
    /// With more lines for the webhook.
    pub(super) async fn new(more: &str) -> Self {
        Self::of(|yaml| format!("{yaml}{more}\n")).await
    }

    /// With the webhook's YAML changed.
    pub(super) async fn of(change: impl FnOnce(String) -> String) -> Self {
        let database = TestDatabase::create().await;
        let options = PgConnectOptions::from_str(database.url()).unwrap().application_name("test");
        let pool = PgPoolOptions::new().max_connections(4).connect_with(options).await.unwrap();
        let logpoint = FakeLogpoint::start(Options::default()).await;
        let others = sessions(&pool).await;
        let place = Self { database, logpoint, token: String::new(), pool, others };
        let yaml = change(tell(&place.logpoint, "Tell", ""));
        place.run(&["webhooks", "import", "-"], &yaml).await;
        let token = place.run(&["token", "create", "test"], "").await.trim().to_owned();
        Self { token, ..place }
    }

    pub(super) async fn run(&self, args: &[&str], input: &str) -> String {
        let command = with_args(with_database(gatepost(), self.database.url()), args);
        run(command, input).await.printed()
    }

    pub(super) async fn start(&self) -> Server {
        self.start_at(self.database.url()).await
    }

    /// A server that reaches the database at this URL.
    pub(super) async fn start_at(&self, url: &str) -> Server {
        Server::start(with_admin(with_database(gatepost(), url))).await
    }

    /// Waits until the servers' last statements have ended, after they were killed.
    pub(super) async fn wait_for_quiet(&self) {
        wait_until("the killed server's statements to end", async || {
            let now: HashSet<i32> = sessions(&self.pool).await.into_iter().collect();
            now.iter().all(|pid| self.others.contains(pid))
        })
        .await;
    }

    /// Deliveries in hand, with the lease.
    pub(super) async fn in_hand(&self) -> Vec<(String, String)> {
        sqlx::query_as("select id::text, lease::text from delivery_queue where state = 'leased'")
            .fetch_all(&self.pool)
            .await
            .unwrap()
    }

    /// Leases run out at once, which otherwise takes a while.
    pub(super) async fn end_leases(&self) {
        sqlx::query("update delivery_queue set leased_until = now() where state = 'leased'")
            .execute(&self.pool)
            .await
            .unwrap();
    }

    /// All that is in hand is due again, as if a server had taken it over by now.
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

    /// Waits until nothing is left to do.
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

/// The servers' connections.
async fn sessions(pool: &PgPool) -> Vec<i32> {
    sqlx::query_scalar(
        "select pid from pg_stat_activity
         where datname = current_database() and application_name = 'gatepost'",
    )
    .fetch_all(pool)
    .await
    .unwrap()
}
