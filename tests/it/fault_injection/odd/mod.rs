//! Targets that are odd: whatever they do, the verdict is right, its explanation says what happened, and a target that
//! has processed a request does not get it again.

mod connections;
mod responses;
mod server;
mod storage;
mod tls;

use serde_json::{Value, json};

use self::server::OddServer;
use crate::support::builders::WebhookBuilder;
use crate::support::user::TestUser;
use crate::support::{TestApp, event};

/// A webhook that sends to a path of the odd server, and fails after one attempt and one retry in a day.
fn webhook(server: &OddServer, name: &str) -> WebhookBuilder {
    WebhookBuilder::new(name, &server.url(name))
        .with("body_template", r#"{"id": "{{data.id}}"}"#)
        .with("tls", json!({ "verify": "none" }))
        .with("timeout_in_sec", 5)
        .with("retry_schedule", json!(["24h"]))
}

/// A response validator like Logpoint's.
fn success() -> Value {
    json!([{ "json_path": "$.success", "expected_values": ["true"] }])
}

/// An attempt, as an administrator sees it.
#[derive(Debug)]
struct Attempted {
    state: String,
    attempts: i32,
    /// The explanation of the first attempt.
    verdict: String,
    /// The page of the first attempt.
    page: String,
}

/// Sends an event and waits until every webhook has been attempted. Returns what became of one of them.
async fn send(app: &TestApp, token: &str, request: &str) {
    app.send(token, &event("Granted", request)).await;
    app.wait_until("an attempt of each delivery", async || {
        let open: i64 = sqlx::query_scalar(
            "select count(*) from deliveries where state in ('due', 'leased') and last_error is null",
        )
        .fetch_one(app.database.pool())
        .await
        .unwrap();
        open == 0
    })
    .await;
}

/// Returns what became of the delivery of a webhook.
async fn attempted(app: &TestApp, user: &mut TestUser, name: &str) -> Attempted {
    let (state, attempts, invocation): (String, i32, uuid::Uuid) = sqlx::query_as(
        "select d.state, d.attempts, i.id
         from deliveries d
         join webhooks w on w.id = d.webhook_id
         join invocations i on i.delivery_id = d.id
         where w.name = $1 order by i.id limit 1",
    )
    .bind(name)
    .fetch_one(app.database.pool())
    .await
    .unwrap();
    let panel = user.get(&format!("/invocations/{invocation}")).await;
    Attempted { state, attempts, verdict: panel.text(".verdict"), page: panel.body }
}
