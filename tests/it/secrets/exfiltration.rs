//! A user who may edit webhooks cannot send a stored secret to a server of their own.

use super::echo::EchoServer;
use super::{fields, restore, save, start, webhook_with_key, with};

const KEY: &str = "stored-5ecret-key";
/// A body that uses the stored key.
const BODY: &str = r#"{"secret_key":"{{secrets.secret_key}}"}"#;

#[tokio::test]
async fn a_changed_address_gets_no_stored_key() {
    let app = start().await;
    let (server, attacker) = (EchoServer::start().await, EchoServer::start().await);
    let (id, mut user) = webhook_with_key(&app, &server, KEY).await;
    let host = attacker.url("").replace("http://", "");
    let port = host.rsplit(':').next().unwrap().to_owned();
    let own = server.url("").replace("http://", "");
    user.get(&format!("/webhooks/{id}/edit")).await;
    for url in [
        attacker.url("/plain"),
        format!("http://localhost:{port}/plain"),
        format!("http://127.1:{port}/"),
        format!("https://{host}/plain"),
        format!("http:\\\\{host}\\plain"),
        format!("http:///{host}/plain"),
        format!("http://{own}@{host}/plain"),
        format!("http://{host}#@{own}/"),
        format!("http://{host}?@{own}/"),
        format!("http://{host}\\@{own}/"),
        format!("http://{own}.{host}/"),
        format!("http://{{{{webhook.name}}}}:{port}/"),
        format!("http://{own}/../..//{host}/"),
        format!("{}{{{{secrets.secret_key}}}}", attacker.url("/?x=")),
    ] {
        let form = with(fields(&url, BODY), "id", &id);
        for path in [
            format!("/webhooks/{id}"),
            "/webhooks/test".to_owned(),
            "/webhooks/preview".to_owned(),
            "/webhooks/backtest".to_owned(),
            "/webhooks/credentials".to_owned(),
            "/webhooks/certificate".to_owned(),
        ] {
            let response = user.post(&path, &form).await;
            assert!(!response.body.contains(KEY), "{url}: {path}");
            assert!(path != format!("/webhooks/{id}") || response.status == 422, "{url} was saved");
        }
    }
    assert_eq!(attacker.received(), [""; 0]);
    app.finish().await;
}

#[tokio::test]
async fn the_error_says_where_the_secret_may_be_sent() {
    let app = start().await;
    let (server, attacker) = (EchoServer::start().await, EchoServer::start().await);
    let (id, mut user) = webhook_with_key(&app, &server, KEY).await;
    user.get(&format!("/webhooks/{id}/edit")).await;
    let (url, allowed) = (attacker.url("/plain"), server.url(""));
    let form = with(fields(&url, BODY), "id", &id);
    let response = user.post(&format!("/webhooks/{id}"), &form).await;
    let error = response.text("#body_template-error");
    for part in ["secret_key may not be sent to", &attacker.url(""), "only to", &allowed, "again"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    // A value that is entered again replaces the stored one, for the new server only.
    let body = r#"{"secret_key":"another-5ecret"}"#;
    let form = with(fields(&url, body), "id", &id);
    assert_eq!(user.post(&format!("/webhooks/{id}"), &form).await.status, 303);
    user.get("/webhooks").await;
    user.post(&format!("/webhooks/{id}/test"), &[]).await;
    assert!(attacker.received()[0].contains("another-5ecret"));
    // The old value is gone, also for its own server.
    user.get(&format!("/webhooks/{id}/edit")).await;
    let url = server.url("/plain");
    let form = with(fields(&url, BODY), "id", &id);
    assert_eq!(user.post(&format!("/webhooks/{id}"), &form).await.status, 422);
    app.finish().await;
}

/// The other ways to change a webhook: copies, revisions and files.
#[tokio::test]
async fn copies_revisions_and_files_are_bound_too() {
    let app = start().await;
    let (server, attacker) = (EchoServer::start().await, EchoServer::start().await);
    let (id, mut user) = webhook_with_key(&app, &server, KEY).await;
    let evil = attacker.url("/plain");

    // A copy may use the key, but only for the same server.
    let copy = user.get(&format!("/webhooks/new?from={id}")).await;
    let body = copy.typed("body_template");
    let form = with(with(fields(&evil, &body), "base", &id), "name", "Copy");
    assert_eq!(user.post("/webhooks", &form).await.status, 422);
    assert_eq!(user.post("/webhooks/test", &form).await.status, 422);
    let own = server.url("/plain");
    let form = with(with(fields(&own, &body), "base", &id), "name", "Copy");
    let copied = save(&app, &mut user, &form).await;
    user.get("/webhooks").await;
    user.post(&format!("/webhooks/{copied}/test"), &[]).await;
    assert!(server.received()[0].contains(KEY));

    // A revision for another server, in which the key was someone else's.
    user.get(&format!("/webhooks/{id}/edit")).await;
    let form = with(fields(&evil, "{}"), "id", &id);
    assert_eq!(user.post(&format!("/webhooks/{id}"), &form).await.status, 303);
    let form = with(fields(&own, r#"{"secret_key":"third-5ecret"}"#), "id", &id);
    user.get(&format!("/webhooks/{id}/edit")).await;
    assert_eq!(user.post(&format!("/webhooks/{id}"), &form).await.status, 303);
    for number in 1..=3 {
        restore(&mut user, &id, number).await;
        user.get("/webhooks").await;
        user.post(&format!("/webhooks/{id}/test"), &[]).await;
    }
    assert!(attacker.received().iter().all(|request| !request.contains("5ecret")));

    // A file.
    let file = serde_json::json!({ "webhooks": [{
        "name": "Copy", "type": { "http_request": { "url": evil } },
        "body_template": BODY, "triggers": ["Granted"],
    }] });
    let error = app.import(&file.to_string()).await.unwrap_err();
    assert!(error.contains("may not be sent to"), "{error}");
    // A webhook without such a secret cannot use that of another one.
    let file = file.to_string().replace("Copy", "New");
    let error = app.import(&file).await.unwrap_err();
    assert!(error.contains("no secret named secret_key"), "{error}");
    app.finish().await;
}

#[tokio::test]
async fn an_oauth_client_secret_and_its_tokens_are_bound() {
    let app = start().await;
    let (server, attacker) = (EchoServer::start().await, EchoServer::start().await);
    let mut user = app.admin().await;
    let (url, endpoint) = (server.url("/plain"), server.url("/token"));
    let oauth = |url, endpoint, scopes, secret: (&'static str, &'static str)| {
        let mut form = fields(url, "{}");
        form.extend([
            ("auth_kind", "oauth"),
            ("auth_client_id", "id"),
            secret,
            ("auth_token_endpoint_url", endpoint),
            ("auth_scopes", scopes),
        ]);
        form
    };
    let typed = ("auth_client_secret", KEY);
    let id = save(&app, &mut user, &oauth(&url, &endpoint, "read", typed)).await;
    user.get(&format!("/webhooks/{id}/edit")).await;
    let saved = ("auth_client_secret_saved", "client_secret");
    let (evil_url, evil_endpoint) = (attacker.url("/plain"), attacker.url("/token"));
    for (url, endpoint, scopes, hint) in [
        (evil_url.as_str(), endpoint.as_str(), "read", "Access tokens of the secret"),
        (url.as_str(), evil_endpoint.as_str(), "read", "may not be sent to"),
        (url.as_str(), endpoint.as_str(), "read admin", "request the scope admin"),
    ] {
        let form = with(oauth(url, endpoint, scopes, saved), "id", &id);
        for path in [format!("/webhooks/{id}"), "/webhooks/test".to_owned()] {
            let response = user.post(&path, &form).await;
            assert_eq!(response.status, 422, "{hint}");
            assert!(response.text("#auth_client_secret-error").contains(hint), "{}", response.body);
        }
    }
    // Without a scope, the token endpoint could choose a wider one.
    let form = with(oauth(&url, &endpoint, "", saved), "id", &id);
    let response = user.post("/webhooks/test", &form).await;
    let error = response.text("#auth_client_secret-error");
    assert!(error.contains("only be used to request the scopes read"), "{error}");
    // The client secret cannot be used elsewhere, so that a webhook for the token endpoint cannot request any token and show
    // it as the response.
    let body = r#"{"scope":"admin","client_secret":"{{secrets.client_secret}}"}"#;
    let name = "client_secret";
    let basic =
        [("auth_kind", "basic"), ("auth_username", "id"), ("auth_password_saved", name)].to_vec();
    let bearer = [("auth_kind", "bearer"), ("auth_token_saved", name)].to_vec();
    for (url, body, auth) in [
        (&evil_url, body, Vec::new()),
        (&endpoint, body, Vec::new()),
        (&endpoint, "{}", basic),
        (&endpoint, "{}", bearer),
    ] {
        let mut form = with(fields(url, body), "id", &id);
        form.extend(auth);
        for path in [format!("/webhooks/{id}"), "/webhooks/test".to_owned()] {
            let response = user.post(&path, &form).await;
            assert_eq!(response.status, 422, "{form:?}");
            let hint = "may only be used as an OAuth client secret";
            assert!(response.body.contains(hint), "{form:?}");
        }
    }
    assert!(attacker.received().is_empty() && server.received().is_empty());
    let form = with(oauth(&url, &endpoint, "read", saved), "id", &id);
    let result = user.post_part("/webhooks/test", &form).await;
    let href = result.attribute("a[href^='/invocations/']", "href").unwrap();
    let panel = user.get(&href).await;
    let text = panel.text("main");
    assert!(text.contains("[secret:client_secret]") && text.contains("[access token]"), "{text}");
    assert!(!panel.body.contains(KEY) && !panel.body.contains("tok-5ecret"), "{text}");
    app.finish().await;
}

/// The limits are checked when a request is sent, not only when the webhook is saved.
#[tokio::test]
async fn a_delivery_is_checked_again() {
    let app = start().await;
    let server = EchoServer::start().await;
    webhook_with_key(&app, &server, KEY).await;
    sqlx::query("update secrets set hosts = array['https://other.example']")
        .execute(app.database.pool())
        .await
        .unwrap();
    let app = app.restart().await;
    let token = app.token(gatepost::identity::Scope::Events).await;
    app.send(&token, &crate::support::event("Granted", "1")).await;
    app.wait_until("an attempt", async || {
        let error: Option<String> = sqlx::query_scalar("select max(last_error) from deliveries")
            .fetch_one(app.database.pool())
            .await
            .unwrap();
        error.is_some_and(|error| error.contains("Secret secret_key is not allowed for"))
    })
    .await;
    assert!(server.received().is_empty());
    let deliveries = app.admin().await.get("/deliveries").await;
    assert!(deliveries.text("main").contains("is not allowed for"), "{}", deliveries.text("main"));
    app.finish_with_leftovers().await;
}
