//! Ways in which stored secrets leaked when webhooks contained them.

use super::echo::{ENCODINGS, EchoServer, reveals};
use super::{fields, save, start, webhook_with_key, with};

/// The key in these tests, whose characters are spelled differently by most encodings.
const KEY: &str = "it's-me!2024/+&=\"é";

/// Templates that would print a part of the key if they could use it.
const TRICKS: [&str; 12] = [
    r#"{"a":{{truncate '"secret_key":"••••••"' 42}}}"#,
    r#"{"a":"{{truncate secrets.secret_key 4}}"}"#,
    r#"{"a":"{{upper secrets.secret_key}}"}"#,
    r#"{"a":"{{lower (base64 secrets.secret_key)}}"}"#,
    r#"{"a":{{#if (eq secrets.secret_key 'x')}}1{{else}}2{{/if}}}"#,
    r#"{"a":"{{secrets.secret_key.[0]}}"}"#,
    r#"{"a":{{secrets.secret_key.length}}}"#,
    r#"{"a":{{json secrets}}}"#,
    r#"{"a":"{{#with secrets}}{{upper secret_key}}{{/with}}"}"#,
    r#"{"a":"{{#each @root.secrets}}{{upper this}}{{/each}}"}"#,
    r#"{"a":"{{default secrets.secret_key 'x'}}","secret_key":"••••••"}"#,
    r#"{"a":"{{join secrets ','}}"}"#,
];

#[tokio::test]
async fn no_template_reveals_a_stored_key() {
    let (app, server) = (start().await, EchoServer::start().await);
    let (id, mut user) = webhook_with_key(&app, &server, KEY).await;
    let url = server.url("/plain");
    user.get(&format!("/webhooks/{id}/edit")).await;
    for trick in TRICKS {
        let form = with(fields(&url, trick), "id", &id);
        for path in ["/webhooks/preview", "/webhooks/test", "/webhooks/backtest"] {
            for part in [user.post_part(path, &form).await, user.post(path, &form).await] {
                assert!(
                    !reveals(&part.body, KEY) && !part.body.contains("it&#39;s"),
                    "{trick}: {path}"
                );
                assert!(!part.body.contains("IT&#39;S"), "{trick}: {path}");
            }
        }
        let saved = user.post(&format!("/webhooks/{id}"), &form).await;
        assert_eq!(saved.status, 422, "{trick}");
    }
    assert_eq!(server.received(), [""; 0], "nothing was sent");
    app.finish().await;
}

#[tokio::test]
async fn a_secret_in_the_url_is_recorded_by_its_name() {
    let (app, server) = (start().await, EchoServer::start().await);
    let mut user = app.admin().await;
    let encoded: String = url::form_urlencoded::byte_serialize(KEY.as_bytes()).collect();
    for value in [encoded.as_str(), "it's-me!2024"] {
        let url = server.url(&format!("/x?token={value}&a=1"));
        let form = fields(&url, "{}");
        user.get("/webhooks/new").await;
        let result = user.post_part("/webhooks/test", &form).await;
        let href = result.attribute("a[href^='/invocations/']", "href").unwrap();
        let panel = user.get(&href).await;
        assert!(
            panel.text("main").contains("/x?token=[secret:token]&a=1"),
            "{}",
            panel.text("main")
        );
        assert!(!panel.body.contains("me!2024") && !reveals(&panel.body, "me!2024"), "{value}");
        assert!(server.received().last().unwrap().contains("me%212024") || value.contains('!'));
    }
    app.finish().await;
}

#[tokio::test]
async fn a_target_that_repeats_the_key_does_not_reveal_it() {
    let (app, server) = (start().await, EchoServer::start().await);
    let (id, mut user) = webhook_with_key(&app, &server, KEY).await;
    user.get(&format!("/webhooks/{id}/edit")).await;
    for encoding in ENCODINGS {
        let url = server.url(&format!("/{encoding}"));
        let body = r#"{"secret_key":"{{secrets.secret_key}}"}"#;
        let form = with(fields(&url, body), "id", &id);
        let result = user.post_part("/webhooks/test", &form).await;
        let href = result.attribute("a[href^='/invocations/']", "href").unwrap();
        let panel = user.get(&href).await;
        assert!(
            panel.text("#response").contains("[secret:secret_key]"),
            "{encoding}: {}",
            panel.text("#response")
        );
        assert!(!reveals(&panel.body, KEY), "{encoding}: {}", panel.text("main"));
    }
    app.finish().await;
}

#[tokio::test]
async fn another_content_type_does_not_show_the_key() {
    let (app, server) = (start().await, EchoServer::start().await);
    let (id, mut user) = webhook_with_key(&app, &server, KEY).await;
    let form = user.get(&format!("/webhooks/{id}/edit")).await;
    let (url, body) = (server.url("/plain"), form.typed("body_template"));
    for content_type in ["application/x-www-form-urlencoded", "text/plain", "text/xml", "text/csv"]
    {
        let mut form = with(fields(&url, &body), "id", &id);
        form.extend([("header_name", "Content-Type"), ("header_value", content_type)]);
        let part = user.post_part("/webhooks/preview", &form).await;
        assert!(!reveals(&part.body, KEY) && !part.body.contains("me!2024"), "{content_type}");
    }
    app.finish().await;
}

/// Names that were not recognized, and values other than strings.
#[tokio::test]
async fn credentials_with_other_names_and_types_are_moved_out() {
    let (app, server) = (start().await, EchoServer::start().await);
    let mut user = app.admin().await;
    let url = server.url("/plain?code=hunter2-code&sas=hunter2-sas");
    for (number, body) in [
        r#"{"pass":"hunter2-pass","account_key":"hunter2-account","list":{"token":["hunter2-a","hunter2-b"]}}"#,
        r#"{"password":{"value":"hunter2-object"},"pin":824711}"#,
        "<a password=\"hunter2-attribute\"><apiKey>hunter2-element</apiKey></a>",
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("W{number}");
        let content_type = if body.starts_with('<') { "text/xml" } else { "application/json" };
        let mut form = with(fields(&url, body), "name", &name);
        for (name, value) in [
            ("Content-Type", content_type),
            ("X-Auth", "hunter2-x-auth"),
            ("Ocp-Apim-Subscription-Key", "hunter2-ocp"),
            ("X-Functions-Key", "hunter2-functions"),
        ] {
            form.extend([("header_name", name), ("header_value", value)]);
        }
        let id = save(&app, &mut user, &form).await;
        let pages = [format!("/webhooks/{id}"), format!("/webhooks/{id}/edit"), "/webhooks".to_owned()];
        for path in pages {
            let page = user.get(&path).await;
            assert!(!page.body.contains("hunter2") && !page.body.contains("824711"), "{path}: {body}");
        }
        user.get("/webhooks").await;
        user.post(&format!("/webhooks/{id}/test"), &[]).await;
        let sent = server.received().pop().unwrap();
        let expected = body.split(|c: char| !(c.is_alphanumeric() || c == '-'));
        for value in expected.filter(|part| part.starts_with("hunter2") || *part == "824711") {
            assert!(sent.contains(value), "{value} was sent: {sent}");
        }
    }
    let rows: Vec<String> = sqlx::query_scalar(
        "select definition from webhooks union all select definition from webhook_revisions
         union all select record from invocations",
    )
    .fetch_all(app.database.pool())
    .await
    .unwrap();
    assert!(rows.iter().all(|row| !row.contains("hunter2") && !row.contains("824711")), "{rows:?}");
    app.finish().await;
}

#[tokio::test]
async fn a_private_key_pasted_with_its_certificate_is_moved_out() {
    let app = start().await;
    let mine = crate::support::logpoint::Pem::self_signed().unwrap();
    let mut user = app.admin().await;
    let both = format!("{}\n{}", mine.certificate, mine.key);
    let form = with(fields("https://10.0.0.5/x", "{}"), "tls_client_certificate", &both);
    let id = save(&app, &mut user, &form).await;
    let edit = user.get(&format!("/webhooks/{id}/edit")).await;
    assert!(!edit.body.contains("PRIVATE KEY----") || edit.typed("tls_client_key").is_empty());
    assert!(!edit.typed("tls_client_certificate").contains("PRIVATE KEY"));
    let definition: String = sqlx::query_scalar("select definition from webhooks")
        .fetch_one(app.database.pool())
        .await
        .unwrap();
    assert!(
        !definition.contains("PRIVATE KEY") && definition.contains("{{secrets."),
        "{definition}"
    );
    app.finish().await;
}

/// A validator that compares parts of the response could find out a key that the target repeats, bit by bit.
#[tokio::test]
async fn a_validator_cannot_be_used_to_guess_a_key() {
    let (app, server) = (start().await, EchoServer::start().await);
    let (id, mut user) = webhook_with_key(&app, &server, KEY).await;
    user.get(&format!("/webhooks/{id}/edit")).await;
    let url = server.url("/plain");
    let mut form = with(fields(&url, r#"{"secret_key":"{{secrets.secret_key}}"}"#), "id", &id);
    form.extend([
        ("validator_subject", "contains"),
        ("validator_path", ""),
        ("validator_expected", "it's-me!"),
    ]);
    let result = user.post_part("/webhooks/test", &form).await;
    assert!(result.text(".badge").contains("Test failed"), "{}", result.body);
    app.finish().await;
}
