//! Who may read metrics.

use std::time::Duration;

use gatepost::identity::{Permission, Role, Scope};
use secrecy::ExposeSecret;

use super::Scrape;
use crate::support::database::server;
use crate::support::proxy::ChaosProxy;
use crate::support::{TestApp, http};

async fn status(app: &TestApp, token: Option<&str>) -> u16 {
    let mut request = http().get(app.url("/metrics"));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn only_tokens_that_may_read_get_metrics() {
    let app = TestApp::start().await;
    assert_eq!(status(&app, None).await, 401);
    assert_eq!(status(&app, Some("gp_unknown")).await, 401);
    for scope in Scope::ALL {
        let expected = if Permission::Read.scopes().contains(&scope) { 200 } else { 403 };
        assert_eq!(status(&app, Some(&app.token(scope).await)).await, expected, "{scope:?}");
    }
    // A session is not a token.
    for role in Role::ALL {
        let mut user = app.user(role).await;
        assert_eq!(user.get("/metrics").await.status, 401, "{role}");
    }
    let posted = http().post(app.url("/metrics")).send().await.unwrap();
    assert_eq!(
        (posted.status().as_u16(), posted.headers()["allow"].as_bytes()),
        (405, &b"GET, HEAD"[..])
    );
    app.finish().await;
}

#[tokio::test]
async fn prometheus_may_use_another_address_than_users() {
    let public = "https://gatepost.example.com".parse().unwrap();
    let app = TestApp::start_with(|config| config.public_url = Some(public)).await;
    let token = app.token(Scope::Read).await;
    assert_eq!(status(&app, Some(&token)).await, 200);
    app.finish().await;
}

#[tokio::test]
async fn a_known_token_can_read_that_the_database_is_down() {
    let proxy = ChaosProxy::before_database(&server()).await;
    let app = TestApp::start_with(|config| {
        let url = config.database_url.take().unwrap();
        config.database_url = Some(proxy.through(url.expose_secret()).into());
    })
    .await;
    let (token, other) = (app.token(Scope::Read).await, app.token(Scope::Manage).await);
    let scrape = Scrape::of(&app, &token).await;
    assert_eq!(scrape.get("gatepost_database_up", &[]), 1.0);
    proxy.refuse();
    proxy.cut();
    app.wait_until("the outage", async || {
        status(&app, Some(&other)).await == 503
            && Scrape::of(&app, &token).await.get("gatepost_database_up", &[]) == 0.0
    })
    .await;
    let scrape = Scrape::of(&app, &token).await;
    assert_eq!(scrape.values_of("gatepost_queue_deliveries", "state"), [""; 0]);
    assert!(scrape.get("gatepost_memory_resident_bytes", &[]) > 1e6);
    assert_eq!(status(&app, Some("gp_unknown")).await, 401);
    app.clock.advance(Duration::from_mins(61));
    assert_eq!(status(&app, Some(&token)).await, 503, "it may have been revoked meanwhile");
    proxy.heal();
    app.wait_until("the database", async || {
        status(&app, Some(&token)).await == 200
            && Scrape::of(&app, &token).await.get("gatepost_database_up", &[]) == 1.0
    })
    .await;
    app.finish().await;
}

#[tokio::test]
async fn a_revoked_token_cannot_read_while_the_database_is_up() {
    let app = TestApp::start().await;
    let token = app.token(Scope::Read).await;
    assert_eq!(status(&app, Some(&token)).await, 200);
    sqlx::query("delete from tokens").execute(app.database.pool()).await.unwrap();
    app.wait_until("the revocation", async || status(&app, Some(&token)).await == 401).await;
    app.finish().await;
}
