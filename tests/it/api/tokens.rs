//! API tokens: their expiry, revocation and use.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use gatepost::identity::Scope;

use crate::support::{TestApp, event};

async fn last_use(app: &TestApp) -> (DateTime<Utc>, String) {
    sqlx::query_as("select last_used_at, last_used_address from tokens")
        .fetch_one(app.database.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn an_expired_token_is_rejected_with_its_time() {
    let app = TestApp::start().await;
    let token = app.token(Scope::Events).await;
    assert_eq!(app.send(&token, &event("Granted", "1")).await.0, 202);
    let expire = "update tokens set expires_at = '2020-01-31 09:30:00Z'";
    sqlx::query(expire).execute(app.database.pool()).await.unwrap();
    let before = last_use(&app).await;
    app.clock.advance(Duration::from_mins(10));
    let (status, problem) = app.send(&token, &event("Granted", "2")).await;
    assert_eq!((status, &problem["type"]), (401, &"/problems/unauthorized".into()));
    let detail = "The token \"a token for events\" expired at 2020-01-31 09:30 UTC. Create another one with \
                  `gatepost token create NAME`.";
    assert_eq!(problem["detail"], detail);
    assert_eq!(last_use(&app).await, before, "a rejected request is no use");
    app.finish().await;
}

#[tokio::test]
async fn a_token_expires_while_it_is_cached() {
    let app = TestApp::start().await;
    let token = app.token(Scope::Events).await;
    let expire = "update tokens set expires_at = now() + interval '1 hour'";
    sqlx::query(expire).execute(app.database.pool()).await.unwrap();
    app.clock.advance(Duration::from_millis(3_599_500));
    assert_eq!(app.send(&token, &event("Granted", "1")).await.0, 202);
    app.clock.advance(Duration::from_millis(499));
    app.wait_until("the expiry", async || app.send(&token, &event("Granted", "2")).await.0 == 401)
        .await;
    app.finish().await;
}

#[tokio::test]
async fn a_revoked_token_stops_working_on_all_instances_within_a_second() {
    let app = TestApp::start().await;
    let other = app.beside(&app.clock).await;
    let token = app.token(Scope::Events).await;
    for one in [&app, &other] {
        assert_eq!(one.send(&token, &event("Granted", "1")).await.0, 202);
    }
    sqlx::query("delete from tokens").execute(app.database.pool()).await.unwrap();
    let revoked = Instant::now();
    for one in [&app, &other] {
        one.wait_until("the revocation", async || {
            one.send(&token, &event("Granted", "1")).await.0 == 401
        })
        .await;
    }
    // With half a second for a slow machine.
    assert!(revoked.elapsed() < Duration::from_millis(1500), "{:?}", revoked.elapsed());
    other.leave().await;
    app.finish().await;
}

#[tokio::test]
async fn the_use_of_a_token_is_recorded_once_a_minute() {
    let app = TestApp::start().await;
    let token = app.token(Scope::Events).await;
    app.send(&token, &event("Granted", "1")).await;
    let first = last_use(&app).await;
    assert_eq!(first.1, "127.0.0.1");
    for _ in 0..3 {
        app.clock.advance(Duration::from_secs(15));
        app.send(&token, &event("Granted", "1")).await;
    }
    assert_eq!(last_use(&app).await, first);
    app.clock.advance(Duration::from_secs(20));
    app.send(&token, &event("Granted", "1")).await;
    assert!(last_use(&app).await.0 > first.0);
    app.finish().await;
}

/// A clock that is set back must not keep revoked tokens in the cache.
#[tokio::test]
async fn the_cache_does_not_depend_on_the_direction_of_the_clock() {
    let app = TestApp::start().await;
    let token = app.token(Scope::Events).await;
    assert_eq!(app.send(&token, &event("Granted", "1")).await.0, 202);
    sqlx::query("delete from tokens").execute(app.database.pool()).await.unwrap();
    app.clock.step_back(Duration::from_hours(1));
    assert_eq!(app.send(&token, &event("Granted", "1")).await.0, 401);
    app.finish().await;
}
