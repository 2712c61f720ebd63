//! Users without a password confirm at the provider who they are, and sign out there, too.

use std::time::Duration;

use serde_json::{Value, json};

use super::fake_provider::{Behaviour, FakeProvider};
use super::{come_back, sign_in, start};
use crate::support::TestApp;
use crate::support::app::EMAIL;
use crate::support::user::{TestResponse, TestUser};

fn admin(claims: &Value) -> Behaviour {
    let mut all = json!({ "groups": "admins" });
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    Behaviour { claims: all, ..Behaviour::default() }
}

async fn confirm(user: &mut TestUser, provider: &FakeProvider, claims: Value) -> TestResponse {
    provider.behave(admin(&claims));
    let started = user.get("/login/sso?next=%2Flogin%2Fsso%2Fdone&confirm=true").await;
    assert!(started.location().contains("prompt=login"), "{}", started.location());
    assert!(started.location().contains("max_age=0"), "{}", started.location());
    come_back(user, &provider.authorize(started.location())).await
}

async fn tokens(app: &TestApp) -> i64 {
    sqlx::query_scalar("select count(*) from tokens").fetch_one(app.database.pool()).await.unwrap()
}

#[tokio::test]
async fn a_user_who_also_has_a_password_confirms_as_they_have_signed_in() {
    let (app, provider) = start().await;
    let mut ann = app.anonymous();
    let claims = json!({ "email": EMAIL, "auth_time": null });
    assert_eq!(sign_in(&mut ann, &provider, admin(&claims)).await.status, 303);
    ann.get("/tokens/new").await;
    assert_eq!(ann.post("/tokens", &TOKEN).await.text("h1"), "Confirm that it is you");
    let mut ann = app.admin().await;
    app.clock.advance(Duration::from_hours(1));
    ann.get("/tokens/new").await;
    assert_eq!(ann.post("/tokens", &TOKEN).await.text("h1"), "Confirm your password");
    app.finish().await;
}

const TOKEN: [(&str, &str); 2] = [("name", "CI"), ("scope", "read")];

#[tokio::test]
async fn changes_need_recent_credentials_at_the_provider() {
    let (app, provider) = start().await;
    let mut eve = app.anonymous();
    // The provider says nothing about when the user entered credentials.
    sign_in(&mut eve, &provider, admin(&json!({ "auth_time": null }))).await;
    eve.get("/tokens/new").await;
    let asked = eve.post("/tokens", &TOKEN).await;
    assert_eq!((asked.status, asked.text("h1").as_str()), (401, "Confirm that it is you"));
    assert_eq!(asked.attribute("input[name=name]", "value").unwrap(), "CI");
    let link = asked.attribute("a.primary", "href").unwrap();
    assert_eq!(link, "/login/sso?next=%2Flogin%2Fsso%2Fdone&confirm=true");
    let fields = [("name", "CI"), ("scope", "read"), ("confirmed_elsewhere", "true")];
    let again = eve.post("/tokens", &fields).await;
    assert!(again.text("[role=alert]").contains("You have not confirmed yet"));

    // Neither an old authentication nor that of another user is enough.
    let hour_ago =
        (gatepost::app::system_sources().now() - chrono::TimeDelta::hours(1)).timestamp();
    for (claims, title) in [
        (json!({ "auth_time": hour_ago }), "You are not confirmed"),
        (json!({ "auth_time": null }), "You are not confirmed"),
        (json!({ "sub": "another" }), "This is another user"),
    ] {
        assert_eq!(confirm(&mut eve, &provider, claims).await.text("h1"), title);
        assert_eq!(eve.post("/tokens", &fields).await.status, 401);
    }
    assert_eq!(tokens(&app).await, 0);
    let done = confirm(&mut eve, &provider, json!({})).await;
    assert_eq!(done.location(), "/login/sso/done");
    assert_eq!(eve.get("/login/sso/done").await.text("h1"), "Continue in the other tab");
    eve.get("/tokens/new").await;
    assert_eq!(eve.post("/tokens", &fields).await.status, 200);
    assert_eq!(tokens(&app).await, 1);
    app.finish().await;
}

#[tokio::test]
async fn confirming_replaces_the_token_and_several_tabs_can_confirm() {
    let (app, provider) = start().await;
    let mut eve = app.anonymous();
    sign_in(&mut eve, &provider, admin(&json!({}))).await;
    eve.get("/tokens/new").await;
    let (form, before) = (eve.csrf().to_owned(), eve.clone());
    let start = "/login/sso?next=%2Flogin%2Fsso%2Fdone&confirm=true";
    provider.behave(admin(&json!({})));
    let first = eve.get(start).await.location().to_owned();
    let second = eve.get(start).await.location().to_owned();
    for started in [&second, &first] {
        let session = eve.session().to_owned();
        let done = come_back(&mut eve, &provider.authorize(started)).await;
        assert_eq!(done.location(), "/login/sso/done");
        assert_ne!(eve.session(), session);
    }
    assert!(!eve.cookies().contains_key("gatepost_sso"));
    app.clock.advance(Duration::from_secs(11));
    assert_eq!(before.clone().get("/tokens").await.status, 303);
    let saved = eve.post("/tokens", &[&TOKEN[..], &[("csrf", &form)]].concat()).await;
    assert_eq!(saved.status, 200, "{}", saved.body);
    app.finish().await;
}

#[tokio::test]
async fn a_dialog_waits_for_another_tab() {
    let (app, provider) = start().await;
    let mut eve = app.anonymous();
    sign_in(&mut eve, &provider, admin(&json!({}))).await;
    app.clock.advance(Duration::from_mins(16));
    eve.get("/tokens/new").await;
    let dialog = eve.post_part("/tokens", &TOKEN).await;
    assert_eq!((dialog.status, dialog.text("h2").as_str()), (401, "Confirm that it is you"));
    assert!(!dialog.body.contains("password"), "{}", dialog.body);
    let early = eve.post_part("/login/sso/resume", &[("confirms", "true")]).await;
    assert_eq!(early.status, 422);
    assert!(early.text("[role=alert]").contains("not confirmed yet"));
    let mut tab = eve.clone();
    let now = gatepost::app::system_sources().now() + chrono::TimeDelta::minutes(16);
    let times = json!({ "iat": now.timestamp(), "exp": now.timestamp() + 60, "auth_time": now.timestamp() });
    assert_eq!(confirm(&mut tab, &provider, times).await.location(), "/login/sso/done");
    // Both tabs have the cookies of the browser.
    let resumed = tab.post_part("/login/sso/resume", &[("confirms", "true")]).await;
    assert_eq!(resumed.status, 200, "{}", resumed.body);
    let resumed: Value = serde_json::from_str(&resumed.body).unwrap();
    assert_eq!(resumed["email"], "eve@example.com");
    assert!(resumed["csrf"].as_str().unwrap().len() > 60);
    app.finish().await;
}

#[tokio::test]
async fn a_session_that_has_ended_goes_on_after_a_sign_in_in_another_tab() {
    let (app, provider) = start().await;
    let mut eve = app.anonymous();
    sign_in(&mut eve, &provider, admin(&json!({}))).await;
    eve.forget_cookie("gatepost_session");
    let dialog = eve.get_part("/events").await;
    assert_eq!((dialog.status, dialog.text("h2").as_str()), (401, "Sign in to continue"));
    assert!(dialog.texts("a").concat().contains("Sign in with Example ID"));
    assert_eq!(eve.post_part("/login/sso/resume", &[]).await.status, 422);
    sign_in(&mut eve, &provider, admin(&json!({}))).await;
    assert_eq!(eve.post_part("/login/sso/resume", &[]).await.status, 200);
    assert_eq!(eve.post_part("/login/sso/resume", &[("csrf", "x")]).await.status, 403);

    // Without scripts, the sign-in page carries an unsaved webhook along.
    eve.forget_cookie("gatepost_session");
    let kept = eve.post("/webhooks", &[("name", "Half a webhook")]).await;
    assert_eq!(kept.status, 401);
    let unsaved =
        kept.attribute("form[action='/login/sso/resume'] input[name=unsaved]", "value").unwrap();
    let early = eve.post("/login/sso/resume", &[("unsaved", &unsaved)]).await;
    assert_eq!(early.status, 401);
    sign_in(&mut eve, &provider, admin(&json!({}))).await;
    // The token of the page that waited.
    let csrf = early.attribute("input[name=csrf]", "value").unwrap();
    let form = eve.post("/login/sso/resume", &[("unsaved", &unsaved), ("csrf", &csrf)]).await;
    assert_eq!(form.attribute("#name", "value").unwrap(), "Half a webhook");
    app.finish().await;
}

#[tokio::test]
async fn the_sign_in_page_says_that_the_session_at_the_provider_goes_on() {
    let (app, provider) = start().await;
    let mut eve = app.anonymous();
    let metadata = json!({ "end_session_endpoint": null });
    sign_in(&mut eve, &provider, Behaviour { metadata, ..Behaviour::default() }).await;
    eve.get("/events").await;
    assert_eq!(eve.post("/logout", &[]).await.location(), "/login");
    let banner = eve.get("/login").await.text(".banner");
    assert!(banner.contains("you may still be signed in with Example ID"), "{banner}");
    app.finish().await;
}

#[tokio::test]
async fn signing_out_ends_the_session_at_the_provider_too() {
    let (app, provider) = start().await;
    let mut eve = app.anonymous();
    sign_in(&mut eve, &provider, Behaviour::default()).await;
    let stored: Vec<u8> =
        sqlx::query_scalar("select id_token from sessions where id_token is not null")
            .fetch_one(app.database.pool())
            .await
            .unwrap();
    assert!(!String::from_utf8_lossy(&stored).contains("eyJ"), "the token is encrypted");
    eve.get("/events").await;
    let response = eve.post("/logout", &[]).await;
    assert_eq!((response.status, response.text("h1").as_str()), (200, "Signed out"));
    assert!(eve.session().is_empty());
    let refresh = response.headers["refresh"].to_str().unwrap();
    let url = url::Url::parse(refresh.strip_prefix("0; url=").unwrap()).unwrap();
    assert_eq!(response.attribute("main a", "href").unwrap(), url.as_str());
    assert!(url.as_str().starts_with(&format!("{}/logout?", provider.issuer())));
    let query: std::collections::HashMap<_, _> = url.query_pairs().collect();
    assert_eq!(query["post_logout_redirect_uri"], app.url("/login"));
    assert_eq!(query["client_id"], "gatepost");
    assert_eq!(query["id_token_hint"].split('.').count(), 3);
    assert_eq!(eve.get("/login").await.text(".banner"), "You are signed out.");
    assert!(eve.get("/login").await.texts(".banner").is_empty(), "once");

    // A session that was started with a password ends only here.
    let mut ann = app.admin().await;
    ann.get("/events").await;
    assert_eq!(ann.post("/logout", &[]).await.location(), "/login");
    app.finish().await;
}
