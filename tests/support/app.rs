//! The application, on its own port and database.

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use gatepost::actions::{Actions, NewToken, SaveRequest};
use gatepost::app::App;
use gatepost::config::{Config, KeySettings};
use gatepost::identity::{Role, Scope};
use gatepost::model::webhook::read_file;
use gatepost::model::{Actor, Origin, SecurityPolicy};
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::clock::MovedClock;
use super::database::TestDatabase;
use super::user::TestUser;

/// The administrator's email address in every test.
pub(crate) const EMAIL: &str = "ann.ngo@example.com";
/// The administrator's password.
pub(crate) const PASSWORD: &str = "correct horse battery";

const MASTER_KEY: [u8; 32] = [7; 32];
/// Timeout of everything a test waits for.
pub(crate) const WAIT_TIMEOUT: Duration = Duration::from_secs(20);

/// A running application.
pub(crate) struct TestApp {
    pub(crate) address: SocketAddr,
    pub(crate) database: TestDatabase,
    pub(crate) clock: MovedClock,
    pub(crate) setup_code: Option<String>,
    config: Config,
    pub(crate) actions: Actions,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
}

/// The settings of a test: loopback is allowed, and there is an administrator.
pub(crate) fn config(database_url: &str) -> Config {
    Config {
        database_url: Some(database_url.into()),
        database_url_file: None,
        data_dir: "unused".into(),
        postgres_folders: Vec::new(),
        child_environment: Vec::new(),
        listen: "127.0.0.1:0".parse().unwrap(),
        tls: None,
        public_url: None,
        trusted_proxies: Vec::new(),
        keys: KeySettings {
            current: Some(STANDARD.encode(MASTER_KEY).into()),
            file: None,
            previous: None,
        },
        admin: Some((EMAIL.to_owned(), PASSWORD.into())),
        leaked_passwords_file: None,
        egress_allow: vec!["127.0.0.0/8".parse().unwrap()],
        egress_deny: Vec::new(),
        egress_only: Vec::new(),
        allow_http: false,
        policy: SecurityPolicy::default(),
        retention_days: 30,
        events_per_minute: None,
        session_idle_hours: 24,
        session_max_hours: 168,
        smtp: None,
        oidc: None,
        password_sign_in: true,
        audit_retention_days: 400,
        otlp_endpoint: None,
        log: "warn".to_owned(),
        log_json: false,
    }
}

impl TestApp {
    /// Starts an app with the default settings.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_config| {}).await
    }

    /// Starts an app with changed settings.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let database = TestDatabase::create().await;
        let mut config = config(database.url());
        change(&mut config);
        Self::run(config, database, MovedClock::default()).await
    }

    async fn run(config: Config, database: TestDatabase, clock: MovedClock) -> Self {
        let app = App::build(config.clone(), clock.sources()).await.unwrap();
        let address = app.address;
        let setup_code = app.setup_code.clone();
        let actions = app.actions.clone();
        let (stop, stopped) = oneshot::channel();
        #[expect(clippy::disallowed_methods, reason = "waited for in finish")]
        let running = tokio::spawn(app.run_until(async move {
            let _ended = stopped.await;
        }));
        Self { address, database, clock, setup_code, config, actions, stop: Some(stop), running }
    }

    /// Starts a second app on the same database, with this clock.
    pub(crate) async fn beside(&self, clock: &MovedClock) -> Self {
        Self::run(self.config.clone(), self.database.clone(), clock.clone()).await
    }

    /// Starts an app on an existing database.
    pub(crate) async fn start_on(database: &TestDatabase, clock: &MovedClock) -> Self {
        Self::run(config(database.url()), database.clone(), clock.clone()).await
    }

    /// Returns the URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Restarts the app on the same database.
    pub(crate) async fn restart(self) -> Self {
        self.restart_with(|_config| {}).await
    }

    /// Restarts the app on the same database, with changed settings.
    pub(crate) async fn restart_with(mut self, change: impl FnOnce(&mut Config)) -> Self {
        self.halt().await;
        change(&mut self.config);
        Self::run(self.config, self.database, self.clock).await
    }

    async fn halt(&mut self) {
        drop(self.stop.take());
        (&mut self.running).await.unwrap();
    }

    /// Stops the app. Fails if deliveries are unfinished: such tests use [`Self::finish_with_leftovers`].
    pub(crate) async fn finish(self) {
        let left: i64 =
            sqlx::query_scalar("select count(*) from deliveries where state in ('due', 'leased')")
                .fetch_one(self.database.pool())
                .await
                .unwrap();
        assert_eq!(left, 0, "unfinished deliveries");
        self.finish_with_leftovers().await;
    }

    /// Stops the app and keeps the database.
    pub(crate) async fn leave(mut self) {
        self.halt().await;
    }

    /// Stops the app, with or without unfinished deliveries.
    pub(crate) async fn finish_with_leftovers(mut self) {
        self.halt().await;
        self.database.drop().await;
    }

    /// Returns the administrator, signed in.
    pub(crate) async fn admin(&self) -> TestUser {
        let mut person = self.anonymous();
        person.sign_in(EMAIL, PASSWORD).await;
        person
    }

    /// Creates a user with this role and the administrator's password, and returns them, signed in.
    pub(crate) async fn user(&self, role: Role) -> TestUser {
        let email = self.add_user(role).await;
        let mut user = self.anonymous();
        user.sign_in(&email, PASSWORD).await;
        user
    }

    /// Creates a user with this role and the administrator's password. Returns the email address.
    pub(crate) async fn add_user(&self, role: Role) -> String {
        let email = format!("{}-{}@example.com", role.as_str(), rand::random::<u32>());
        sqlx::query(
            "insert into users (id, email, password_hash, role, created_at)
             select gen_random_uuid(), $1, password_hash, $2, created_at from users where email = $3",
        )
        .bind(&email)
        .bind(role.as_str())
        .bind(EMAIL)
        .execute(self.database.pool())
        .await
        .unwrap();
        email
    }

    /// Returns a visitor who is not signed in.
    pub(crate) fn anonymous(&self) -> TestUser {
        TestUser::new(self.url(""))
    }

    /// Creates a token and returns its text.
    pub(crate) async fn token(&self, scope: Scope) -> String {
        let name = format!("a token for {}", scope.as_str());
        let lifetime = self.config.policy.is_strict().then(|| TimeDelta::days(90));
        let new = NewToken { name: &name, scope, lifetime, signature: None };
        let issued = self.actions.issue_token(new, &Actor::COMMAND_LINE).await;
        issued.unwrap().text.unwrap().reveal().to_owned()
    }

    /// Saves the webhooks of a file. Returns their ids in order.
    pub(crate) async fn webhooks(&self, yaml: &str) -> Vec<String> {
        let drafts = read_file(yaml).unwrap();
        let save = SaveRequest { actor: Actor::COMMAND_LINE, ..SaveRequest::default() };
        let mut ids = Vec::new();
        for draft in &drafts {
            ids.push(self.actions.save_webhook(&save, draft).await.unwrap().to_string());
        }
        ids
    }

    /// Imports a file. Returns the error, if there is one.
    pub(crate) async fn import(&self, file: &str) -> Result<(), String> {
        let imported = self.actions.import_webhooks(file, false, &Actor::COMMAND_LINE).await;
        imported.map(drop).map_err(|error| error.to_string())
    }

    /// Replaces a webhook by the first one of a file, as this user.
    pub(crate) async fn change_webhook(&self, id: &str, yaml: &str, email: &str) {
        let draft = read_file(yaml).unwrap().remove(0);
        let (id, actor) = (Some(id.parse().unwrap()), Actor::person(email, Origin::default()));
        let save = SaveRequest { id, actor, ..SaveRequest::default() };
        self.actions.save_webhook(&save, &draft).await.unwrap();
    }

    /// Sends an event like Apono. Returns the response.
    pub(crate) async fn send(&self, token: &str, event: &Value) -> (u16, Value) {
        let response = super::http()
            .post(self.url("/api/v1/events"))
            .bearer_auth(token)
            .header("content-type", "application/json")
            .body(event.to_string())
            .send()
            .await
            .unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// Waits until this many deliveries are in a state.
    pub(crate) async fn wait_for(&self, state: &str, count: i64) {
        self.wait_until(&format!("{count} deliveries {state}"), async || {
            let found: i64 = sqlx::query_scalar("select count(*) from deliveries where state = $1")
                .bind(state)
                .fetch_one(self.database.pool())
                .await
                .unwrap();
            found == count
        })
        .await;
    }

    /// Waits until the circuit breaker with the most failures has counted this many. Breakers are updated after the results
    /// of deliveries, by which tests wait.
    pub(crate) async fn wait_for_failures(&self, count: i32) {
        self.wait_until(&format!("{count} failures"), async || {
            let query = "select coalesce(max(failures), 0) from webhook_breakers";
            let failures: i32 =
                sqlx::query_scalar(query).fetch_one(self.database.pool()).await.unwrap();
            failures == count
        })
        .await;
    }

    /// Waits until a condition holds. `what` describes it in the failure message.
    pub(crate) async fn wait_until(&self, what: &str, condition: impl AsyncFn() -> bool) {
        super::wait_until(what, condition).await;
    }

    /// Moves the clock forward and wakes the dispatcher.
    pub(crate) async fn advance(&self, by: Duration) {
        self.clock.advance(by);
        sqlx::query("select pg_notify('gatepost_deliveries', '')")
            .execute(self.database.pool())
            .await
            .unwrap();
    }
}
