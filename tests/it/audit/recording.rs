//! Entries that need their own set-up, and changes that leave none.

use super::entries_after;
use crate::support::TestApp;
use crate::support::app::{EMAIL, PASSWORD};
use crate::support::builders::WebhookBuilder;

#[tokio::test]
async fn setting_up_is_recorded() {
    let app = TestApp::start_with(|config| config.admin = None).await;
    let mut ann = app.anonymous();
    ann.get("/setup").await;
    let code = app.setup_code.clone().unwrap();
    let fields = [
        ("code", code.as_str()),
        ("email", EMAIL),
        ("password", PASSWORD),
        ("password_again", PASSWORD),
    ];
    let response = ann.post("/setup", &fields).await;
    assert_eq!(response.status, 303, "{}", response.body);
    let entries = entries_after(&app, 0).await;
    assert_eq!(entries.len(), 1, "{entries:?}");
    assert_eq!((&*entries[0].action, &*entries[0].actor_name), ("user.created", EMAIL));
    assert!(!entries[0].address.is_empty() && !entries[0].request_id.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn a_change_that_is_rolled_back_leaves_no_entry() {
    let app = TestApp::start().await;
    let before = entries_after(&app, 0).await.len();
    // The second webhook is invalid, so nothing is imported.
    let file = r#"{"webhooks": [
        {"name": "A", "type": {"http_request": {"url": "https://10.0.0.5/x"}}, "triggers": ["Granted"]},
        {"name": "B", "type": {"http_request": {"url": "nonsense"}}, "triggers": ["Granted"]}]}"#;
    assert!(app.import(file).await.is_err());
    assert_eq!(entries_after(&app, 0).await.len(), before);
    // An entry that cannot be recorded prevents the change.
    let pool = app.database.pool();
    let break_it =
        "alter table audit_log add constraint broken check (action <> 'webhook.added') not valid";
    sqlx::query(break_it).execute(pool).await.unwrap();
    assert!(app.import(&WebhookBuilder::new("A", "https://10.0.0.5/x").file()).await.is_err());
    let count: i64 =
        sqlx::query_scalar("select count(*) from webhooks").fetch_one(pool).await.unwrap();
    assert_eq!(count, 0);
    app.finish().await;
}

#[tokio::test]
async fn failed_sign_ins_cannot_flood_the_log() {
    let app = TestApp::start().await;
    let mut visitor = app.anonymous();
    visitor.get("/login").await;
    for number in 0..80 {
        let email = format!("user{number}@example.com");
        let fields = [("email", email.as_str()), ("password", "not the password")];
        visitor.post("/login", &fields).await;
    }
    let entries = entries_after(&app, 0).await;
    let failed = entries.iter().filter(|entry| entry.action == "sign_in.failed").count();
    assert!((1..=60).contains(&failed), "{failed}");
    app.finish().await;
}
