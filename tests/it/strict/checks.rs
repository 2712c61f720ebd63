//! What `gatepost doctor` and the page Status report in strict mode.

use serde_json::{Value, json};

use super::{admin, start};
use crate::support::TestApp;
use crate::support::authenticator::Authenticator;
use crate::support::database::TestDatabase;
use crate::support::process::{gatepost, run, with_args, with_database};
use crate::support::scenario::Scenario;

/// Runs `gatepost doctor`, and returns state and finding of a check; empty if it was left out.
async fn diagnose(database: &TestDatabase, is_strict: bool, id: &str) -> (String, String) {
    let mut command = with_args(with_database(gatepost(), database.url()), &["doctor", "--json"]);
    command.envs([
        ("GATEPOST_STRICT", if is_strict { "true" } else { "false" }),
        ("GATEPOST_PUBLIC_URL", "https://gatepost.example.com"),
        ("GATEPOST_TRUSTED_PROXIES", "127.0.0.1"),
    ]);
    let report: Value = serde_json::from_str(&run(command, "").await.stdout).unwrap();
    let check = report["checks"].as_array().unwrap().iter().find(|check| check["id"] == id);
    let text = |name: &str| check.map_or("", |check| check[name].as_str().unwrap()).to_owned();
    (text("state"), text("found"))
}

#[tokio::test]
async fn what_was_created_before_is_listed() {
    let Scenario { app, logpoint: _logpoint, .. } =
        Scenario::with_webhook(|webhook| webhook.with("tls", json!({ "verify": "none" }))).await;
    Authenticator::enrol(&app, &mut app.admin().await).await;
    for (id, state, part) in [
        ("webhook_verification", "problem", "1 webhook verifies no certificate"),
        ("token_expiry", "warning", "1 API token does not expire after at most 365 days"),
        ("authenticator_apps", "warning", "The authenticator app of 1 user uses SHA-1"),
        ("strict_mode", "ok", "Strict mode is on."),
    ] {
        let (found_state, found) = diagnose(&app.database, true, id).await;
        assert_eq!(found_state, state, "{id}: {found}");
        assert!(found.contains(part), "{id}: {found}");
        assert_eq!(diagnose(&app.database, false, id).await.0, "", "{id}");
    }
    app.finish().await;
}

#[tokio::test]
async fn the_page_status_says_that_strict_mode_is_on() {
    let app = start().await;
    let (mut ann, _device) = admin(&app).await;
    let text = ann.get("/status").await.text("#checks ~ table");
    for part in [
        "Strict mode is on.",
        "All webhooks verify the certificates of their servers.",
        "All API tokens expire after at most 365 days.",
        "All authenticator apps use SHA-256.",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    app.finish().await;
}

#[tokio::test]
async fn the_owner_of_the_audit_log_is_reported() {
    let app = TestApp::start().await;
    let (state, found) = diagnose(&app.database, true, "database_role").await;
    assert_eq!(state, "problem", "{found}");
    assert!(found.contains("belongs to the role postgres of the server"), "{found}");
    assert_eq!(diagnose(&app.database, false, "database_role").await.0, "");
    app.finish().await;
}
