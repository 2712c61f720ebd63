//! The server under test, with a private PostgreSQL in its own directory.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, PgPool};

use crate::load::Api;

/// Email and password of the administrator.
pub(crate) const ADMIN: (&str, &str) = ("bench@example.com", "a password of the benchmark");
/// Number of started servers. Several run at once.
static STARTED: AtomicUsize = AtomicUsize::new(0);

/// A running server.
pub(crate) struct Server {
    child: Child,
    program: PathBuf,
    /// The file to which its messages are appended. `None` for those of the benchmark.
    messages: Option<PathBuf>,
    pub(crate) data_dir: PathBuf,
    pub(crate) api: Api,
    pub(crate) db: PgPool,
}

/// One webhook of a case.
pub(crate) struct Webhook {
    pub(crate) name: String,
    pub(crate) url: String,
    /// The integration to filter by.
    pub(crate) integration: Option<String>,
    /// Maximum attempts in flight.
    pub(crate) in_flight: u32,
    /// Further lines of the file.
    pub(crate) settings: &'static str,
}

impl Server {
    /// Starts a server with these webhooks on a new database.
    pub(crate) async fn start(program: &Path, webhooks: &[Webhook]) -> Self {
        Self::start_at("127.0.0.1:0", None, program, webhooks).await
    }

    /// Starts a server that listens on this address, and appends its messages to a file.
    pub(crate) async fn start_at(
        listen: &str,
        messages: Option<PathBuf>,
        program: &Path,
        webhooks: &[Webhook],
    ) -> Self {
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let data_dir = format!("/tmp/gatepost-bench-{}-{number}", std::process::id());
        let data_dir = PathBuf::from(data_dir);
        let _fresh = std::fs::remove_dir_all(&data_dir);
        std::fs::create_dir_all(&data_dir).unwrap();
        let file = data_dir.join("webhooks.yaml");
        std::fs::write(&file, yaml(webhooks)).unwrap();
        let run = |arguments: &[&str]| {
            let output = command(program, &data_dir).args(arguments).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        run(&["webhooks", "import", file.to_str().unwrap()]);
        let token = run(&["token", "create", "bench"]);
        let (child, address) = launch(program, &data_dir, listen, messages.as_deref());
        let options = PgConnectOptions::from_str("postgres://gatepost@localhost/gatepost").unwrap();
        let options = options.socket(data_dir.join("postgres/socket"));
        let db = PgPoolOptions::new().max_connections(2).connect_with(options).await.unwrap();
        let (program, api) = (program.to_owned(), Api { address, token });
        Self { child, program, messages, data_dir, api, db }
    }

    /// Kills the server with SIGKILL, unless it has ended.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts a killed server again, at the same address.
    pub(crate) async fn start_again(&mut self) {
        let (program, data_dir) = (self.program.clone(), self.data_dir.clone());
        let (listen, messages) = (self.api.address.clone(), self.messages.clone());
        let launching = move || launch(&program, &data_dir, &listen, messages.as_deref()).0;
        self.child = tokio::task::spawn_blocking(launching).await.unwrap();
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns a number from the database.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&self.db).await.unwrap()
    }

    /// Returns a text from the database.
    pub(crate) async fn text(&self, sql: &str) -> String {
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&self.db).await.unwrap()
    }

    /// Runs statements.
    pub(crate) async fn execute(&self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&self.db).await.unwrap();
    }

    /// Waits until no delivery is unfinished.
    pub(crate) async fn drain(&self) {
        let begun = Instant::now();
        loop {
            let left = self.number("select count(*) from delivery_queue").await;
            if left == 0 {
                return;
            }
            assert!(begun.elapsed() < Duration::from_mins(10), "{left} deliveries are left");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Stops the server and removes its data.
    pub(crate) async fn stop(self) {
        self.db.close().await;
    }
}

/// Also stops the server if a case panics.
impl Drop for Server {
    fn drop(&mut self) {
        // The id of a process that was waited for can belong to another one.
        if self.child.try_wait().unwrap().is_none() {
            Command::new("kill").arg("-TERM").arg(self.pid().to_string()).status().unwrap();
            self.child.wait().unwrap();
        }
        std::fs::remove_dir_all(&self.data_dir).unwrap();
    }
}

/// Starts the program, and waits until it listens. Returns its address.
fn launch(
    program: &Path,
    data_dir: &Path,
    listen: &str,
    messages: Option<&Path>,
) -> (Child, String) {
    let messages = messages.map_or_else(Stdio::inherit, |path| {
        File::options().create(true).append(true).open(path).unwrap().into()
    });
    let mut command = command(program, data_dir);
    command.env("GATEPOST_LISTEN", listen).arg("serve").stdout(Stdio::piped()).stderr(messages);
    let mut child = command.spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let url = line.split_whitespace().last().expect("the server has ended");
    let address = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    // Reads the rest of the output, so that the pipe does not fill up.
    std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
    (child, address)
}

fn command(program: &Path, data_dir: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env("GATEPOST_DATA_DIR", data_dir)
        .env("GATEPOST_EGRESS_ALLOW", "127.0.0.0/8")
        .env("GATEPOST_ALLOW_HTTP", "true")
        .env("GATEPOST_ADMIN_EMAIL", ADMIN.0)
        .env("GATEPOST_ADMIN_PASSWORD", ADMIN.1)
        .env("GATEPOST_LOG", "warn");
    command
}

fn yaml(webhooks: &[Webhook]) -> String {
    let mut text = "webhooks:\n".to_owned();
    for webhook in webhooks {
        let filters = webhook.integration.as_ref().map_or(String::new(), |name| {
            format!("    filters: {{ integration: [\"{name}\"] }}\n")
        });
        let _written = write!(
            text,
            r#"  - name: {name}
    type: {{ http_request: {{ url: "{url}" }} }}
    body_template: '{{"username": "svc", "secret_key": "a-key-of-the-siem", "number": "{{{{data.custom_fields.ticket}}}}",
      "requestData": {{"version": "0.1", "states": [{{"_id": "5a62bd8cce983de89085429c", "comments":
      ["{{{{data.friendly_id}}}} {{{{event_type}}}}: {{{{data.requester.email}}}} ({{{{data.justification}}}}) [{{{{delivery.id}}}}]"]}}]}}}}'
    triggers: [Granted]
    response_validators: [{{ json_path: $.success, expected_values: ["true"] }}]
    max_in_flight: {in_flight}
{filters}{settings}"#,
            name = webhook.name,
            in_flight = webhook.in_flight,
            url = webhook.url,
            settings = webhook.settings,
        );
    }
    text
}
