//! Tries to get a secret out: templates, secrets and echoing targets of every kind. Nothing that Gatepost shows or stores
//! reveals the value.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use sqlx::Row;

use super::echo::{ENCODINGS, EchoServer, reveals};
use super::{fields, save, start, with};
use crate::support::TestApp;
use crate::support::user::TestUser;

/// Number of secrets and templates. Each is tried with a few encodings.
const CASES: usize = 12;

/// Bodies that print the secret, or try to print something about it.
const BODIES: [&str; 10] = [
    r#"{"secret_key":"{{secrets.key}}"}"#,
    r#"{"secret_key":{{secrets.key}}}"#,
    r#"{"m":"{ \"a\": \"{{secrets.key}}\" }","secret_key":"{{secrets.key}}"}"#,
    r#"{"a":"{{base64 secrets.key}}","secret_key":"x{{secrets.key}}y"}"#,
    r#"{"a":"{{basic_auth 'u' secrets.key}}"}"#,
    r#"{"a":"{{#each data.approvals}}{{@root.secrets.key}}{{/each}}{{secrets.key}}"}"#,
    r#"{"a":"{{truncate secrets.key 5}}","secret_key":"{{secrets.key}}"}"#,
    r#"{"a":{{#if secrets.key}}1{{else}}2{{/if}},"secret_key":"{{secrets.key}}"}"#,
    r#"{"a":"{{#with secrets}}{{upper key}}{{/with}}","b":"{{secrets.key}}"}"#,
    r#"{"a":"{{upper (base64 secrets.key)}}{{lower @root.secrets.key}}"}"#,
];

#[tokio::test]
async fn no_page_table_or_error_reveals_a_secret() {
    let (app, server) = (start().await, EchoServer::start().await);
    let mut user = app.admin().await;
    let token = app.token(gatepost::identity::Scope::Events).await;
    let mut runner = TestRunner::deterministic();
    let any_secret = proptest::string::string_regex("[ -~é✓]{12,40}").unwrap();
    for case in 0..CASES {
        let secret = any_secret.new_tree(&mut runner).unwrap().current();
        let secret = secret.trim().to_owned() + "§5ecret";
        let encoding = ENCODINGS[case % ENCODINGS.len()];
        let url = server.url(&format!("/{encoding}"));
        let name = format!("W{case}");
        let typed = serde_json::json!({ "key": secret }).to_string();
        let id = save(&app, &mut user, &with(fields(&url, &typed), "name", &name)).await;
        try_bodies(&mut user, &id, &url, &secret).await;
        app.send(&token, &crate::support::event("Granted", &case.to_string())).await;
        check_pages(&mut user, &id, &secret).await;
        // Changed by another user who cannot read it: a copy, and a revision.
        user.get(&format!("/webhooks/{id}/edit")).await;
        user.post(&format!("/webhooks/{id}/delete"), &[]).await;
        check_tables(&app, &secret).await;
    }
    app.finish_with_leftovers().await;
}

async fn try_bodies(user: &mut TestUser, id: &str, url: &str, secret: &str) {
    user.get(&format!("/webhooks/{id}/edit")).await;
    for body in BODIES {
        for content_type in ["application/json", "text/plain"] {
            let mut form = with(fields(url, body), "id", id);
            form.extend([("header_name", "Content-Type"), ("header_value", content_type)]);
            form.extend([("header_name", "X-Key"), ("header_value", "{{base64 secrets.key}}")]);
            for path in ["/webhooks/preview", "/webhooks/test", "/webhooks/backtest"] {
                let part = user.post_part(path, &form).await;
                assert_hidden(&part.body, secret, path);
                if let Some(href) = part.attribute("a[href^='/invocations/']", "href") {
                    let panel = user.get(&href).await;
                    assert_hidden(&panel.body, secret, &format!("{href}: {body}"));
                }
            }
        }
    }
}

async fn check_pages(user: &mut TestUser, id: &str, secret: &str) {
    for path in [
        "/webhooks".to_owned(),
        format!("/webhooks/{id}"),
        format!("/webhooks/{id}/edit"),
        format!("/webhooks/new?from={id}"),
        format!("/webhooks/{id}/revisions/1/restore"),
        "/deliveries".to_owned(),
        format!("/webhooks/schema.json?webhook={id}"),
    ] {
        let page = user.get(&path).await;
        assert_hidden(&page.body, secret, &path);
    }
}

/// Reads every row of every table as text.
async fn check_tables(app: &TestApp, secret: &str) {
    let tables: Vec<String> =
        sqlx::query_scalar("select tablename::text from pg_tables where schemaname = 'public'")
            .fetch_all(app.database.pool())
            .await
            .unwrap();
    assert!(tables.iter().any(|table| table == "secrets"));
    for table in tables {
        let sql = format!("select t::text as row from \"{table}\" t");
        let rows =
            sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(app.database.pool()).await.unwrap();
        for row in rows {
            assert_hidden(&row.get::<String, _>("row"), secret, &table);
        }
    }
}

fn assert_hidden(text: &str, secret: &str, place: &str) {
    assert!(!reveals(text, secret), "{place} reveals {secret:?}: {text}");
}
