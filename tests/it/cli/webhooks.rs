//! `gatepost webhooks`.

use serde_json::Value;

use super::{assert_says, beside, beside_with_input, token};
use crate::support::builders::WebhookBuilder;
use crate::support::database::TestDatabase;
use crate::support::event;
use crate::support::logpoint::{FakeLogpoint, Options};
use crate::support::process::{Server, directory, gatepost, with_args, with_database};

/// The documented example, with every field of a webhook.
const EXAMPLE: &str = r#"
webhooks:
  - name: Logpoint reopen
    active: true
    type: { http_request: { url: https://10.0.0.5/reopen_incident, method: POST, headers: { X-Team: sec, X-Api-Key: header-secret } } }
    body_template: '{"username": "svc", "secret_key": "body-secret", "requestData": {"version": "0.1", "incident_ids": ["5a62bd8cce983de89085429c"]}}'
    triggers: [Created, Granted]            # Created Approved Rejected Granted Expired Failed Manual
    filters:                                # all optional; any of within one, all of across
      integration: [prod db]
      integration_type: [Postgresql]
      resource_type: [Database]
      approval: [manual]                    # manual, automatic
      custom_field: { ticket: ["SEC-*"] }
    response_validators: [ { json_path: $.success, expected_values: ["true"] } ]
    custom_validation_error_message: Logpoint refused it
    timeout_in_sec: 10
    authentication_config: null
    tls: { verify: pinned, sha256: "AB:CD:EF:AB:CD:EF:AB:CD:EF:AB:CD:EF:AB:CD:EF:AB:CD:EF:AB:CD:EF:AB:CD:EF:AB:CD:EF:AB:CD:EF:AB:CD" }
"#;
const SECRETS: [&str; 2] = ["header-secret", "body-secret"];
const IMPORT: [&str; 3] = ["webhooks", "import", "-"];
const DRY_RUN: [&str; 4] = ["webhooks", "import", "-", "--dry-run"];

/// Returns what changes with every write.
async fn stored(database: &TestDatabase) -> Vec<(String, Vec<u8>)> {
    let sql = "select name, convert_to(updated_at::text || definition, 'UTF8') from webhooks
               where deleted_at is null
               union all select name, sealed from secrets order by 1, 2";
    sqlx::query_as(sql).fetch_all(database.pool()).await.unwrap()
}

fn assert_no_secret(text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{text}");
    }
}

#[tokio::test]
async fn imports_once_and_shows_the_changes() {
    let database = TestDatabase::create().await;
    let dry = beside_with_input(&database, &DRY_RUN, EXAMPLE).await.printed();
    assert_says(&dry, &["+ Logpoint reopen", "1 of 1 webhooks would change."]);
    assert!(stored(&database).await.is_empty());

    let first = beside_with_input(&database, &IMPORT, EXAMPLE).await.printed();
    assert_says(
        &first,
        &["+ Logpoint reopen", "    + ", "reopen_incident", "1 of 1 webhooks changed."],
    );
    assert_no_secret(&first);
    assert_eq!(stored(&database).await.len(), 3);
    assert_eq!(
        beside_with_input(&database, &IMPORT, EXAMPLE).await.printed(),
        "0 of 1 webhooks changed.\n"
    );
    let acts: Vec<String> =
        sqlx::query_scalar("select who_kind || ' ' || act from webhook_revisions")
            .fetch_all(database.pool())
            .await
            .unwrap();
    assert_eq!(acts, ["command_line Added"]);

    let changed = EXAMPLE.replace("timeout_in_sec: 10", "timeout_in_sec: 20");
    let before = stored(&database).await;
    for (args, end) in
        [(&DRY_RUN[..], "1 of 1 webhooks would change."), (&IMPORT, "1 of 1 webhooks changed.")]
    {
        assert_eq!(stored(&database).await, before);
        let printed = beside_with_input(&database, args, &changed).await.printed();
        let shown: Vec<&str> = printed.lines().map(str::trim).collect();
        assert_eq!(
            shown,
            ["~ Logpoint reopen", "-   timeout_in_sec: 10", "+   timeout_in_sec: 20", end]
        );
    }
    // A changed secret is mentioned but not shown.
    let rekeyed = changed.replace("body-secret", "another-secret");
    let printed = beside_with_input(&database, &IMPORT, &rekeyed).await.printed();
    assert_says(
        &printed,
        &["~ Logpoint reopen", "value of the secret secret_key", "1 of 1 webhooks changed."],
    );
    assert!(!printed.contains("another-secret"), "{printed}");
    database.drop().await;
}

#[tokio::test]
async fn exports_no_secrets_and_imports_the_export_without_losing_them() {
    let (database, directory) = (TestDatabase::create().await, directory());
    beside_with_input(&database, &IMPORT, EXAMPLE).await.printed();
    let printed = beside(&database, &["webhooks", "export"]).await.printed();
    insta::assert_snapshot!("export", printed);
    assert_no_secret(&printed);
    assert_says(&printed, &["Logpoint reopen", "https://10.0.0.5/reopen_incident", "SEC-*"]);
    let file = directory.path().join("webhooks.yaml");
    let path = file.to_str().unwrap();
    assert_eq!(beside(&database, &["webhooks", "export", path]).await.printed(), "");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), printed);

    let again = beside(&database, &["webhooks", "import", path]).await.printed();
    assert_eq!(again, "0 of 1 webhooks changed.\n");
    // A change in the exported file keeps the secrets: importing the original reverts only that change.
    std::fs::write(&file, printed.replace("timeout_in_sec: 10", "timeout_in_sec: 20")).unwrap();
    beside(&database, &["webhooks", "import", path]).await.printed();
    let back = beside_with_input(&database, &IMPORT, EXAMPLE).await.printed();
    assert_says(&back, &["-   timeout_in_sec: 20", "+   timeout_in_sec: 10"]);
    assert!(!back.contains("value of the secret"), "{back}");

    // A reader may close the pipe early.
    let mut command = with_args(with_database(gatepost(), database.url()), &["webhooks", "export"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    assert!(command.stdout(writer).status().unwrap().success());

    // In another database there are no secrets to refer to.
    let other = TestDatabase::create().await;
    let failure = beside_with_input(&other, &IMPORT, &printed).await.failure();
    assert_says(&failure, &["Logpoint reopen", "body_template", "no secret named secret_key"]);
    assert!(stored(&other).await.is_empty());
    let nowhere = ["webhooks", "export", "/nonexistent/webhooks.yaml"];
    let failure = beside(&database, &nowhere).await.failure();
    assert_says(&failure, &["/nonexistent/webhooks.yaml", "cannot be written"]);
    other.drop().await;
    database.drop().await;
}

#[tokio::test]
async fn imports_json() {
    let database = TestDatabase::create().await;
    beside_with_input(&database, &IMPORT, EXAMPLE).await.printed();
    let value: Value = serde_saphyr::from_str(EXAMPLE).unwrap();
    for json in [value.to_string(), format!("\n  {value:#}")] {
        let printed = beside_with_input(&database, &IMPORT, &json).await.printed();
        assert_eq!(printed, "0 of 1 webhooks changed.\n");
    }
    database.drop().await;
}

#[tokio::test]
async fn imports_nothing_if_there_is_a_mistake() {
    let database = TestDatabase::create().await;
    let good = EXAMPLE.replace("Logpoint reopen", "Good");
    let (_, second) = EXAMPLE.split_once("webhooks:\n").unwrap();
    let both = format!("{good}{second}");
    for (right, wrong, words) in [
        ("    triggers: [C", "    trigers: [C", &["unknown field `trigers`"][..]),
        ("      approval:", "      approvals:", &["\"Good\"", "filters.approvals"]),
        ("timeout_in_sec: 10", "timeout_in_sec: 61", &["\"Good\"", "timeout_in_sec"]),
        ("[Created, Granted]", "[Created, Gone]", &["\"Good\"", "triggers", "Gone"]),
        ("$.success", "success", &["\"Good\"", "response_validators"]),
        ("https://10.0.0.5", "http://10.0.0.5", &["\"Good\"", "url", "https"]),
        ("\"svc\"", "\"{{oops\"", &["\"Good\"", "body_template"]),
        ("AB:CD:EF", "XY", &["\"Good\"", "sha256"]),
        ("config: null", "config: { oauth: {} }", &["\"Good\"", "oauth/client_id", "client ID"]),
        (
            "config: null",
            "config: { bearer: { token: a }, basic: { username: b } }",
            &["\"Good\"", "keep one of bearer, basic and oauth"],
        ),
        ("webhooks:", "hooks:", &["hooks"]),
    ] {
        assert!(both.contains(right), "{right}");
        // In a file with one webhook, and in the second webhook of a file.
        let failure =
            beside_with_input(&database, &IMPORT, &both.replacen(right, wrong, 1)).await.failure();
        assert_says(&failure, words);
        assert_says(&failure, &["nothing was imported"]);
        assert!(stored(&database).await.is_empty(), "{failure}");
    }
    let late = both.replace("timeout_in_sec: 10", "timeout_in_sec: 61").replacen("61", "10", 1);
    let failure = beside_with_input(&database, &IMPORT, &late).await.failure();
    assert_says(&failure, &["\"Logpoint reopen\"", "timeout_in_sec"]);
    assert!(stored(&database).await.is_empty());
    let failure = beside(&database, &["webhooks", "import", "/nonexistent.yaml"]).await.failure();
    assert_says(&failure, &["/nonexistent.yaml", "cannot be read"]);
    let imported = beside_with_input(&database, &IMPORT, &both).await.printed();
    assert_says(&imported, &["2 of 2 webhooks changed."]);
    database.drop().await;
}

#[tokio::test]
async fn a_running_server_applies_an_import() {
    let database = TestDatabase::create().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let server = Server::start(with_database(gatepost(), database.url())).await;
    let token = token(&database).await;
    let (_, response) = server.send(&token, &event("Granted", "before")).await;
    assert_eq!(response["events"][0]["deliveries"], 0, "{response}");
    let yaml = WebhookBuilder::reopen(&logpoint).file();
    beside_with_input(&database, &IMPORT, &yaml).await.printed();
    let (_, response) = server.send(&token, &event("Granted", "after")).await;
    assert_eq!(response["events"][0]["deliveries"], 1, "the import is in force");
    assert_eq!(logpoint.wait_for_requests(1).await[0].json()["secret_key"], "demo-key");
    assert_eq!(server.interrupt().await, Some(0));
    database.drop().await;
}

/// A file with a webhook of this name.
fn named(name: &str) -> String {
    WebhookBuilder::new(name, "https://10.0.0.5/x").file()
}

#[tokio::test]
async fn names_are_compared_by_unicode_and_exports_can_be_imported() {
    let database = TestDatabase::create().await;
    for (name, expected) in [
        ("Äpfel", "1 of 1 webhooks changed."),
        ("äpfel", "1 of 1 webhooks changed."),
        ("a\u{308}pfel", "0 of 1 webhooks changed."),
        ("తెలుగు", "1 of 1 webhooks changed."),
    ] {
        let imported = beside_with_input(&database, &IMPORT, &named(name)).await.printed();
        assert_says(&imported, &[expected]);
    }
    let export = beside(&database, &["webhooks", "export", "-"]).await.printed();
    assert_says(&export, &["name: äpfel", "name: తెలుగు"]);
    let again = beside_with_input(&database, &IMPORT, &export).await.printed();
    assert_says(&again, &["0 of 2 webhooks changed."]);
    let webhook = |name: &str| -> Value {
        let file: Value = serde_json::from_str(&named(name)).unwrap();
        file["webhooks"][0].clone()
    };
    let twice = serde_json::json!({ "webhooks": [webhook("Äpfel"), webhook("äPFEL")] }).to_string();
    let failure = beside_with_input(&database, &IMPORT, &twice).await.failure();
    assert_says(&failure, &["duplicate name"]);
    database.drop().await;
}

#[tokio::test]
async fn names_stored_by_an_earlier_version_are_folded_at_the_next_start() {
    let database = TestDatabase::create().await;
    for name in ["Äpfel", "Birnen"] {
        beside_with_input(&database, &IMPORT, &named(name)).await.printed();
    }
    // As an earlier version left them: it also accepted the same name in another case.
    sqlx::raw_sql(
        "update webhooks set folded_name = null;
         update webhooks set name = 'äpfel' where name = 'Birnen';",
    )
    .execute(database.pool())
    .await
    .unwrap();
    beside(&database, &["migrate"]).await.printed();
    let folded: Vec<Option<String>> =
        sqlx::query_scalar("select folded_name from webhooks order by id")
            .fetch_all(database.pool())
            .await
            .unwrap();
    assert_eq!(folded, [Some("äpfel".to_owned()), None]);
    database.drop().await;
}
