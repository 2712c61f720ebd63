//! Secrets: nothing leads back to a stored value.

mod echo;
mod exfiltration;
mod leaks;
mod literals;
mod logs;
mod property;
mod upgrade;

use crate::support::TestApp;
use crate::support::user::{TestResponse, TestUser};

use self::echo::EchoServer;

/// An application that may send to plain HTTP servers on this machine.
async fn start() -> TestApp {
    TestApp::start_with(|config| config.allow_http = true).await
}

/// The fields of a form with a webhook for this server.
fn fields<'a>(url: &'a str, body: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("name", "A"),
        ("active", "true"),
        ("method", "POST"),
        ("url", url),
        ("body_template", body),
        ("trigger", "Granted"),
        ("tls_verify", "public"),
    ]
}

/// Replaces or adds a field.
fn with<'a>(
    mut fields: Vec<(&'a str, &'a str)>,
    name: &'a str,
    value: &'a str,
) -> Vec<(&'a str, &'a str)> {
    fields.retain(|(known, _)| *known != name);
    fields.push((name, value));
    fields
}

/// Saves a new webhook and returns its id.
async fn save(app: &TestApp, user: &mut TestUser, fields: &[(&str, &str)]) -> String {
    user.get("/webhooks/new").await;
    let saved = user.post("/webhooks", fields).await;
    assert_eq!(saved.status, 303, "{}", saved.text(".error, .banner"));
    let id: uuid::Uuid = sqlx::query_scalar("select id from webhooks order by id desc limit 1")
        .fetch_one(app.database.pool())
        .await
        .unwrap();
    id.to_string()
}

/// Restores a revision of a webhook.
async fn restore(user: &mut TestUser, id: &str, number: usize) -> TestResponse {
    let path = format!("/webhooks/{id}/revisions/{number}/restore");
    let page = user.get(&path).await;
    assert!(!page.body.contains("5ecret"), "{}", page.body);
    let seen = page.attribute("[name=seen]", "value").unwrap_or_default();
    user.post(&path, &[("seen", &seen)]).await
}

/// A webhook whose body has a secret key, the server that it sends to, and an administrator.
async fn webhook_with_key(app: &TestApp, server: &EchoServer, key: &str) -> (String, TestUser) {
    let mut user = app.admin().await;
    let body = serde_json::json!({ "user": "svc", "secret_key": key }).to_string();
    let id = save(app, &mut user, &fields(&server.url("/plain"), &body)).await;
    (id, user)
}
