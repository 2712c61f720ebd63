//! The audit log: every change leaves an entry.

mod recording;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use gatepost::identity::Scope;
use serde_json::Value;

use crate::support::app::{EMAIL, PASSWORD};
use crate::support::builders::WebhookBuilder;
use crate::support::logpoint::Behaviour;
use crate::support::process::{gatepost, run, with_args, with_database};
use crate::support::scenario::Scenario;
use crate::support::user::TestUser;
use crate::support::{TestApp, event};

/// Public functions of `Actions` that change nothing that the audit log records.
const READS: [&str; 40] = [
    "allows_passwords",
    "backtest",
    "can_mail",
    "check_credentials",
    "chosen_event",
    "compare_revisions",
    "compare_with_revision",
    "confirm_password",
    "explain_event",
    "fetch_certificate",
    "find_id_token",
    "find_invited_user",
    "find_pending_user",
    "generate_signing_key",
    "inspect_authority",
    "inspect_client",
    "list_audit_page",
    "list_secrets",
    "list_tokens",
    "list_users",
    "live_reports",
    "mail_invitation",
    "needs_setup",
    "new",
    "open_failed_sign_in",
    "remove_single_sign_on",
    "plan_replay",
    "preview_webhook",
    "propose_second_factor",
    "provider_sign_out_url",
    "read_proposal",
    "review_credentials",
    "run_blocking",
    "seal_failed_sign_in",
    "signing_keys",
    "single_sign_on_name",
    "start_single_sign_on",
    "test_webhook",
    "usable_secrets",
    "verify_audit",
];

/// An entry, as stored.
#[derive(Debug, sqlx::FromRow)]
struct Entry {
    seq: i64,
    actor_kind: String,
    actor_name: String,
    address: String,
    request_id: String,
    action: String,
    object_name: String,
    detail: String,
}

impl Entry {
    fn detail(&self) -> Value {
        serde_json::from_str(&self.detail).unwrap()
    }
}

async fn entries_after(app: &TestApp, seq: i64) -> Vec<Entry> {
    sqlx::query_as(
        "select seq, actor_kind, actor_name, address, request_id, action, object_name, detail
         from audit_log where seq > $1 order by seq",
    )
    .bind(seq)
    .fetch_all(app.database.pool())
    .await
    .unwrap()
}

/// Performs all actions one after the other.
struct Walk {
    app: TestApp,
    ann: TestUser,
    seq: i64,
    done: BTreeSet<&'static str>,
}

impl Walk {
    /// Returns the entries since the last call, which are exactly those of this function of `Actions`.
    async fn expect(&mut self, function: &'static str, actions: &[&str]) -> Vec<Entry> {
        let entries = entries_after(&self.app, self.seq).await;
        let found: Vec<&str> = entries.iter().map(|entry| entry.action.as_str()).collect();
        assert_eq!(found, actions, "{function}: {entries:?}");
        self.seq = entries.last().map_or(self.seq, |last| last.seq);
        self.done.insert(function);
        entries
    }

    /// Posts a form.
    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> String {
        let response = self.ann.post(path, fields).await;
        assert_eq!(response.status, 303, "{path}: {}", response.body);
        response.location().to_owned()
    }

    /// Runs a command beside the server.
    async fn run(&self, args: &[&str], input: &str) -> String {
        let command = with_database(gatepost(), self.app.database.url());
        run(with_args(command, args), input).await.printed()
    }

    async fn one(&self, sql: &'static str) -> String {
        sqlx::query_scalar(sql).fetch_one(self.app.database.pool()).await.unwrap()
    }
}

/// Returns the names of the public functions of `Actions`, from its source code.
fn functions() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/actions")) {
        let text = std::fs::read_to_string(file).unwrap();
        let mut is_inside = false;
        for line in text.lines() {
            match line {
                "impl Actions {" => is_inside = true,
                "}" => is_inside = false,
                _ => {}
            }
            let rest = line.strip_prefix("    pub async fn ");
            let rest = rest.or_else(|| line.strip_prefix("    pub fn ")).filter(|_| is_inside);
            let name = rest.and_then(|rest| rest.split(['(', '<']).next());
            found.extend(name.map(str::to_owned));
        }
    }
    found
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let paths = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Every public function of `Actions` is performed here or is in [`READS`].
#[tokio::test]
async fn every_action_leaves_an_entry() {
    let slow = |webhook: WebhookBuilder| {
        webhook
            .with("retry_schedule", serde_json::json!(["1h", "1h"]))
            .triggers(&["Created", "Granted", "Manual"])
    };
    let Scenario { app, logpoint, webhook, token } = Scenario::with_webhook(slow).await;
    let ann = app.anonymous();
    let mut walk = Walk { app, ann, seq: 0, done: BTreeSet::new() };
    let started = ["user.created", "webhook.added", "secret.created", "token.created"];
    walk.expect("set_up_from_environment", &started).await;
    walk.done.extend(["save_webhook", "issue_token"]);
    access(&mut walk).await;
    webhooks(&mut walk, &webhook).await;
    imported_webhooks(&mut walk).await;
    secrets(&mut walk).await;
    logpoint.behave((0..2).map(|_| Behaviour::Status(500, "no".to_owned())));
    deliveries(&mut walk, &token, &webhook).await;
    // These need their own set-up: see `recording.rs`, `cli/rotate_key.rs`, `cli/user.rs`, `pages/users.rs` and
    // `pages/invitations.rs`.
    walk.done.extend(["set_up", "reencrypt", "create_user", "reset_password"]);
    walk.done.extend(["invite_user", "renew_invitation", "accept_invitation", "change_user"]);
    walk.done.extend(["change_password", "end_sessions"]);
    // See `pages/second_factor`.
    walk.done.extend(["enable_second_factor", "disable_second_factor", "reset_second_factor"]);
    walk.done.extend(["sign_in_with_code", "renew_recovery_codes", "require_second_factor"]);
    // See `single_sign_on/users.rs`.
    walk.done.extend(["finish_single_sign_on"]);

    let known: BTreeSet<String> =
        READS.into_iter().chain(walk.done.iter().copied()).map(str::to_owned).collect();
    assert_eq!(functions(), known, "perform a new action here, or add it to READS");
    let verified = walk.run(&["audit", "verify"], "").await;
    assert!(verified.starts_with("The audit log is intact: "), "{verified}");
    walk.app.finish_with_leftovers().await;
}

async fn access(walk: &mut Walk) {
    walk.ann.get("/login").await;
    let wrong = [("email", EMAIL), ("password", "not the password")];
    assert_eq!(walk.ann.post("/login", &wrong).await.status, 422);
    let failed = walk.expect("sign_in", &["sign_in.failed"]).await;
    assert_eq!(failed[0].actor_kind, "unknown");
    assert_eq!(failed[0].object_name, EMAIL);
    walk.ann.sign_in(EMAIL, PASSWORD).await;
    walk.expect("sign_in", &["sign_in.succeeded"]).await;
    walk.ann.get("/webhooks").await;
    walk.post("/logout", &[]).await;
    walk.expect("sign_out", &["sign_out"]).await;
    walk.ann.sign_in(EMAIL, PASSWORD).await;
    let entries = walk.expect("sign_in", &["sign_in.succeeded"]).await;
    let entry = &entries[0];
    assert_eq!((entry.actor_kind.as_str(), entry.actor_name.as_str()), ("person", EMAIL));
    assert!(entry.address.parse::<IpAddr>().unwrap().is_loopback());
    assert!(entry.request_id.parse::<uuid::Uuid>().is_ok(), "{entry:?}");
    walk.ann.get("/webhooks").await;
}

async fn webhooks(walk: &mut Walk, webhook: &str) {
    let active = format!("/webhooks/{webhook}/active");
    walk.post(&active, &[("active", "false")]).await;
    walk.expect("toggle_webhook", &["webhook.deactivated"]).await;
    walk.post(&active, &[("active", "true")]).await;
    walk.expect("toggle_webhook", &["webhook.activated"]).await;
    // A webhook that is already active is not changed.
    walk.ann.post(&active, &[("active", "true")]).await;
    walk.expect("toggle_webhook", &[]).await;
    walk.post(&format!("/webhooks/{webhook}/revisions/2/restore"), &[("seen", "3")]).await;
    let restored = walk.expect("restore_webhook", &["webhook.restored"]).await;
    assert_eq!(restored[0].detail()["revision"], "2");
    walk.post(&active, &[("active", "true")]).await;
    walk.expect("toggle_webhook", &["webhook.activated"]).await;
}

async fn imported_webhooks(walk: &mut Walk) {
    let file = WebhookBuilder::new("Imported", "https://10.0.0.5/x").file();
    walk.run(&["webhooks", "import", "-", "--dry-run"], &file).await;
    walk.expect("import_webhooks", &[]).await;
    walk.run(&["webhooks", "import", "-"], &file).await;
    let added = walk.expect("import_webhooks", &["webhook.added", "webhooks.imported"]).await;
    assert_eq!(added[0].actor_kind, "command_line");
    let change = file.replace("/x", "/y");
    walk.run(&["webhooks", "import", "-"], &change).await;
    let changed = walk.expect("import_webhooks", &["webhook.changed", "webhooks.imported"]).await;
    let url = &changed[0].detail()["changes"][0];
    assert_eq!(url["before"], "https://10.0.0.5/x", "{url}");
    assert_eq!(url["after"], "https://10.0.0.5/y", "{url}");
    walk.run(&["webhooks", "export"], "").await;
    walk.expect("export_webhooks", &["webhooks.exported"]).await;
    let imported = walk.one("select id::text from webhooks where name = 'Imported'").await;
    let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let signed = change.replace(
        "\"triggers\"",
        &format!(r#""signing":{{"scheme":"v1","secret":"{key}"}},"triggers""#),
    );
    walk.run(&["webhooks", "import", "-"], &signed).await;
    let kinds = ["webhook.changed", "secret.created", "webhooks.imported"];
    walk.expect("import_webhooks", &kinds).await;
    let rotate = format!("/webhooks/{imported}/signing/rotate");
    let page = walk.ann.get(rotate.trim_end_matches("/rotate")).await;
    let seen = page.attribute("[name=seen]", "value").unwrap();
    let rotated = walk.ann.post(&rotate, &[("overlap_hours", "24"), ("seen", &seen)]).await;
    assert_eq!(rotated.status, 200);
    walk.expect("rotate_signing_key", &["webhook.changed", "secret.created"]).await;
    walk.post(&format!("/webhooks/{imported}/signing/previous/end"), &[]).await;
    let ended = ["webhook.changed", "secret.deleted"];
    walk.expect("end_previous_signing_key", &ended).await;
    walk.post(&format!("/webhooks/{imported}/delete"), &[]).await;
    let deleted = walk.expect("delete_webhook", &["webhook.deleted"]).await;
    assert_eq!(deleted[0].object_name, "Imported");
}

async fn secrets(walk: &mut Walk) {
    let value = "v4lue-that-is-never-recorded";
    let fields = [("name", "a_key"), ("value", value), ("hosts", "https://10.0.0.5")];
    walk.ann.get("/secrets/new").await;
    walk.post("/secrets", &fields).await;
    walk.expect("create_secret", &["secret.created"]).await;
    let id = walk.one("select id::text from secrets where name = 'a_key'").await;
    let path = format!("/secrets/{id}");
    let fields = [("value", value), ("hosts", "https://10.0.0.6")];
    walk.post(&path, &fields).await;
    let changed = walk.expect("update_secret", &["secret.changed"]).await;
    assert_eq!(changed[0].detail()["hosts"][0], "https://10.0.0.6");
    assert_eq!(changed[0].detail()["replaced_value"], true);
    walk.post(&format!("{path}/delete"), &[]).await;
    walk.expect("delete_secret", &["secret.deleted"]).await;
    let set = ["secrets", "set", "b_key", "--host", "https://10.0.0.5"];
    walk.run(&set, value).await;
    walk.expect("set_secret", &["secret.created"]).await;
    walk.run(&set, value).await;
    walk.expect("set_secret", &["secret.changed"]).await;
    walk.run(&["secrets", "delete", "b_key"], "").await;
    walk.expect("delete_shared_secret", &["secret.deleted"]).await;
    let all = entries_after(&walk.app, 0).await;
    for secret in [value, "demo-key"] {
        assert!(all.iter().all(|entry| !entry.detail.contains(secret)), "{all:?}");
    }
}

async fn deliveries(walk: &mut Walk, token: &str, webhook: &str) {
    let app = &walk.app;
    app.send(token, &event("Granted", "1")).await;
    app.send(token, &event("Granted", "2")).await;
    app.wait_for("due", 2).await;
    // Receiving and sending events is not recorded.
    walk.expect("sign_in", &[]).await;
    let ids: Vec<String> = sqlx::query_scalar("select id::text from delivery_queue order by id")
        .fetch_all(walk.app.database.pool())
        .await
        .unwrap();
    walk.post(&format!("/deliveries/{}/retry", ids[0]), &[]).await;
    walk.expect("retry_now", &["delivery.retried"]).await;
    walk.app.wait_for("delivered", 1).await;
    walk.post(&format!("/deliveries/{}/cancel", ids[1]), &[]).await;
    walk.expect("cancel_delivery", &["delivery.cancelled"]).await;
    walk.post(&format!("/deliveries/{}/redeliver", ids[0]), &[]).await;
    walk.expect("redeliver", &["delivery.redelivered"]).await;
    let batch = walk.post("/deliveries/bulk/redeliver?state=delivered", &[]).await;
    let entries = walk.expect("start_batch", &["bulk_action.started"]).await;
    assert_eq!(entries[0].detail()["action"], "redeliver");
    walk.ann.post(&format!("{batch}/stop"), &[]).await;
    walk.expect("stop_batch", &["bulk_action.stopped"]).await;
    tokens(walk, webhook).await;
    replay(walk, webhook).await;
    sample(walk).await;
}

async fn tokens(walk: &mut Walk, webhook: &str) {
    let manage = walk.app.token(Scope::Manage).await;
    walk.expect("issue_token", &["token.created"]).await;
    walk.run(&["token", "create", "Other"], "").await;
    walk.expect("issue_token", &["token.created"]).await;
    walk.run(&["token", "revoke", "Other"], "").await;
    walk.expect("revoke_token_by_name", &["token.revoked"]).await;
    let unused = walk.one("select id::text from tokens where scope = 'events'").await;
    walk.post(&format!("/tokens/{unused}/revoke"), &[]).await;
    walk.expect("revoke_token", &["token.revoked"]).await;
    let invoke = walk.app.url(&format!("/api/v1/webhooks/{webhook}/invoke"));
    let request = crate::support::http().post(invoke).bearer_auth(manage);
    let response = request.body(r#"{"sample":"Granted"}"#).send().await.unwrap();
    assert_eq!(response.status(), 202);
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let sent = walk.expect("send_now", &["event.sent"]).await;
    let expected = ("token", "a token for manage", id.as_str());
    let found = (&*sent[0].actor_kind, &*sent[0].actor_name, &*sent[0].request_id);
    assert_eq!(found, expected);
    let name =
        walk.one("select name from webhooks where active and deleted_at is null limit 1").await;
    let form = [("webhook_name", name.as_str())];
    walk.post("/status/notifications", &form).await;
    walk.expect("choose_notification_webhook", &["notifications.changed"]).await;
    walk.post("/status/notifications/test", &[]).await;
    walk.expect("test_notifications", &["notifications.tested"]).await;
}

async fn replay(walk: &mut Walk, webhook: &str) {
    let range = [("from", "2020-01-01T00:00"), ("to", "2099-01-01T00:00")];
    let replay = walk.post(&format!("/webhooks/{webhook}/replay"), &range).await;
    walk.expect("start_replay", &["replay.started"]).await;
    // A replay that has ended cannot be stopped. That of an inactive webhook waits.
    walk.post(&format!("/webhooks/{webhook}/active"), &[("active", "false")]).await;
    walk.expect("toggle_webhook", &["webhook.deactivated"]).await;
    let pool = walk.app.database.pool();
    sqlx::query("update replays set finished_at = null").execute(pool).await.unwrap();
    walk.ann.post(&format!("{replay}/stop"), &[]).await;
    walk.expect("stop_replay", &["replay.stopped"]).await;
}

async fn sample(walk: &mut Walk) {
    let form = walk.ann.get("/events/samples/new").await;
    let names = [
        "friendly_id",
        "requester",
        "grantee",
        "integration",
        "integration_type",
        "resource_type",
        "resource",
        "permission",
        "access_flow",
        "bundle",
        "justification",
    ];
    let value = |name: &str| form.attribute(&format!("#{name}"), "value").unwrap_or_default();
    let values: BTreeMap<&str, String> = names.iter().map(|name| (*name, value(name))).collect();
    let mut fields: Vec<(&str, &str)> =
        values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    fields.extend([("webhook", ""), ("pause", "60"), ("path", "granted")]);
    let sample = walk.post("/events/samples", &fields).await;
    walk.expect("send_sample", &["sample.started"]).await;
    walk.ann.post(&format!("{sample}/stop"), &[]).await;
    walk.expect("stop_sample", &["sample.stopped"]).await;
    walk.run(&["audit", "export"], "").await;
    walk.expect("start_audit_export", &["audit.exported"]).await;
}
