//! Signing in with a second factor.

use std::time::Duration;

use futures_util::future::join_all;

use super::{EMAIL, LOGIN, PASSWORD, enter_code, enter_password, is_signed_in, recorded, start};
use crate::support::TestApp;
use crate::support::authenticator::Authenticator;
use crate::support::scenario::Scenario;

#[tokio::test]
async fn the_password_alone_starts_no_session() {
    let (app, _ann, device) = start().await;
    let before = recorded(&app, 0).await.len();
    let mut ann = app.anonymous();
    ann.get("/login").await;
    let fields = [&LOGIN[..], &[("next", "/deliveries?state=failed")]].concat();
    let asked = ann.post("/login", &fields).await;
    assert_eq!(asked.location(), "/login/code?next=%2Fdeliveries%3Fstate%3Dfailed");
    assert!(ann.session().is_empty());
    assert!(!ann.cookies().contains_key("gatepost_device"));
    assert!(!is_signed_in(&mut ann).await);
    let sessions: i64 = sqlx::query_scalar("select count(*) from sessions")
        .fetch_one(app.database.pool())
        .await
        .unwrap();
    assert_eq!(sessions, 1);
    assert!(recorded(&app, before).await.is_empty());
    let page = ann.get(asked.location()).await;
    assert_eq!((page.status, page.text("h1").as_str()), (200, "Two-factor authentication"));
    assert_eq!(page.attribute("#code", "autocomplete").unwrap(), "one-time-code");
    assert_eq!(page.attribute("#code", "inputmode").unwrap(), "numeric");
    assert!(page.body.contains(EMAIL));
    let wrong = ann.post("/login/code", &[("code", "000000"), ("next", "/events")]).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text("#code-error").contains("wrong or was used before"));
    assert_eq!(wrong.attribute("input[name=next]", "value").unwrap(), "/events");
    let code = device.next_code(&app);
    let fields = [("code", code.as_str()), ("next", "/deliveries?state=failed")];
    let done = ann.post("/login/code", &fields).await;
    assert_eq!(done.location(), "/deliveries?state=failed");
    assert!(is_signed_in(&mut ann).await);
    assert!(!ann.cookies().contains_key("gatepost_pending"));
    assert_eq!(recorded(&app, before).await, ["second_factor.failed", "sign_in.succeeded"]);
    assert_eq!(ann.get("/login/code").await.location(), "/webhooks");
    app.finish().await;
}

#[tokio::test]
async fn a_code_is_accepted_within_one_step_of_its_time() {
    let (app, _ann, device) = start().await;
    for offset in -2_i64..=2 {
        // Codes up to the last accepted one are used up.
        app.clock.advance(Duration::from_mins(5));
        device.next_code(&app);
        app.clock.advance(Duration::from_secs(10));
        let time = app.clock.sources().now() + chrono::TimeDelta::seconds(30 * offset);
        let mut user = enter_password(&app).await;
        let status = enter_code(&mut user, &device.code_at(time)).await.status;
        assert_eq!(status == 303, offset.abs() <= 1, "{offset}: {status}");
    }
    app.finish().await;
}

#[tokio::test]
async fn no_code_is_accepted_twice() {
    let (app, _ann, device) = start().await;
    let code = device.next_code(&app);
    let mut first = enter_password(&app).await;
    assert_eq!(enter_code(&mut first, &code).await.status, 303);
    let mut second = enter_password(&app).await;
    assert_eq!(enter_code(&mut second, &code).await.status, 422);
    // Neither is the one before it, which was not used but is older.
    let before = app.clock.sources().now() - chrono::TimeDelta::seconds(30);
    assert_eq!(enter_code(&mut second, &device.code_at(before)).await.status, 422);
    assert_eq!(enter_code(&mut second, &device.next_code(&app)).await.status, 303);
    app.finish().await;
}

/// Sends the same code at the same time, from several browsers and on two servers. Returns the number of sign-ins.
async fn race(app: &TestApp, other: &TestApp, code: &str) -> usize {
    let mut users = Vec::new();
    for server in [app, other, app, other] {
        users.push(enter_password(server).await);
    }
    let tries = users.iter_mut().map(|user| enter_code(user, code));
    join_all(tries).await.iter().filter(|seen| seen.status == 303).count()
}

#[tokio::test]
async fn a_code_that_reaches_two_servers_at_once_is_accepted_once() {
    let (app, _ann, device) = start().await;
    let other = app.beside(&app.clock).await;
    for recovery_code in &device.recovery_codes[..3] {
        assert_eq!(race(&app, &other, &device.next_code(&app)).await, 1);
        assert_eq!(race(&app, &other, recovery_code).await, 1);
    }
    other.leave().await;
    app.finish().await;
}

#[tokio::test]
async fn a_recovery_code_is_accepted_once_and_reports_how_many_are_left() {
    let (app, _ann, device) = start().await;
    let before = recorded(&app, 0).await.len();
    let mut left = 10;
    for code in &device.recovery_codes {
        let mut user = enter_password(&app).await;
        let typed = code.to_lowercase().replace('-', " ");
        assert_eq!(enter_code(&mut user, &typed).await.location(), "/webhooks");
        left -= 1;
        let expected = match left {
            0 => "your last recovery code".to_owned(),
            1 => "1 is left".to_owned(),
            left => format!("{left} are left"),
        };
        let page = user.get("/webhooks").await;
        let toast = page.text("#toasts");
        assert!(toast.contains(&expected), "{toast}");
        assert_eq!(page.texts(".toast.warn").len(), 1, "the sign-in has succeeded");
        // Without a code that is left, the form behind the link is of no use.
        let leads_on = page.attribute(".toast a", "href").unwrap();
        assert_eq!(leads_on == "/account/two-factor/off", left > 0, "{leads_on}");
        assert_eq!(toast.contains("ask an administrator"), left == 0, "{toast}");
        let account = user.get("/account").await;
        assert_eq!(account.body.contains("No recovery code is left"), left == 0);
        assert_eq!(account.body.contains("ask an administrator to reset"), left == 0);
        let mut again = enter_password(&app).await;
        assert_eq!(enter_code(&mut again, code).await.status, 422);
        if left == 8 {
            assert_eq!(
                recorded(&app, before).await[..3],
                ["recovery_code.used", "sign_in.succeeded", "second_factor.failed"]
            );
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn a_recovery_code_has_a_field_with_letters() {
    let (app, _ann, _device) = start().await;
    let mut ann = enter_password(&app).await;
    let page = ann.get("/login/code?next=%2Fevents").await;
    let other = page.attribute("a[href^='/login/code']", "href").unwrap();
    let page = ann.get(&other).await;
    assert_eq!(page.attribute("#code", "inputmode"), None);
    assert_eq!(page.attribute("input[name=next]", "value").unwrap(), "/events");
    let wrong = ann.post("/login/code", &[("code", "x"), ("recovery", "true")]).await;
    assert_eq!(wrong.attribute("#code", "inputmode"), None);
    app.finish().await;
}

#[tokio::test]
async fn a_known_device_and_another_session_do_not_replace_the_code() {
    let (app, mut ann, _device) = start().await;
    assert!(ann.cookies().contains_key("gatepost_device"));
    ann.post("/logout", &[]).await;
    ann.get("/login").await;
    assert!(ann.post("/login", &LOGIN).await.location().starts_with("/login/code"));
    assert!(!is_signed_in(&mut ann).await);
    app.finish().await;
}

#[tokio::test]
async fn the_dialog_asks_for_the_code_and_the_page_goes_on() {
    let (app, mut ann, device) = start().await;
    ann.get("/webhooks/new").await;
    sqlx::query("delete from sessions").execute(app.database.pool()).await.unwrap();
    let asked = ann.post_part("/webhooks/preview", &[("name", "x")]).await;
    assert_eq!((asked.status, asked.text("h2").as_str()), (401, "Sign in to continue"));
    let wrong = ann.post_part("/login", &[("email", EMAIL), ("password", "not this one")]).await;
    assert_eq!(wrong.status, 422);
    let asked = ann.post_part("/login", &LOGIN).await;
    assert_eq!((asked.status, asked.text("h2").as_str()), (200, "Two-factor authentication"));
    assert!(asked.headers["content-type"].to_str().unwrap().starts_with("text/html"));
    let wrong = ann.post_part("/login/code", &[("code", "000000"), ("email", EMAIL)]).await;
    assert_eq!((wrong.status, wrong.text("h2").as_str()), (422, "Two-factor authentication"));
    let code = device.next_code(&app);
    let done = ann.post_part("/login/code", &[("code", &code)]).await;
    assert!(done.headers["content-type"].to_str().unwrap().starts_with("application/json"));
    let done: serde_json::Value = serde_json::from_str(&done.body).unwrap();
    assert_eq!(done["email"], EMAIL);
    let csrf = done["csrf"].as_str().unwrap();
    let seen = ann.post_part("/webhooks/preview", &[("csrf", csrf), ("name", "x")]).await;
    assert_eq!(seen.status, 200);
    app.finish().await;
}

#[tokio::test]
async fn an_expired_dialog_asks_for_the_password_again() {
    let (app, mut ann, device) = start().await;
    sqlx::query("delete from sessions").execute(app.database.pool()).await.unwrap();
    ann.get_part("/webhooks").await;
    ann.post_part("/login", &LOGIN).await;
    app.clock.advance(Duration::from_mins(11));
    let code = device.next_code(&app);
    let again = ann.post_part("/login/code", &[("code", &code), ("email", EMAIL)]).await;
    assert_eq!((again.status, again.text("h2").as_str()), (422, "Sign in to continue"));
    assert_eq!(again.attribute("#sign-in-email", "value").unwrap(), EMAIL);
    app.finish().await;
}

#[tokio::test]
async fn confirming_the_password_needs_no_code_and_replaces_the_token() {
    let (app, mut ann, _device) = start().await;
    ann.get("/secrets/new").await;
    let session = ann.session().to_owned();
    app.clock.advance(Duration::from_mins(16));
    let secret = [("name", "a_key"), ("value", "a value"), ("hosts", "https://10.0.0.5")];
    let asked = ann.post_part("/secrets", &secret).await;
    assert_eq!(asked.text("h2"), "Confirm your password");
    let fields = [("email", EMAIL), ("password", PASSWORD), ("confirms", "true")];
    let done = ann.post_part("/login", &fields).await;
    let done: serde_json::Value = serde_json::from_str(&done.body).unwrap();
    assert_ne!(ann.session(), session);
    let csrf = done["csrf"].as_str().unwrap();
    let saved = ann.post_part("/secrets", &[&[("csrf", csrf)], &secret[..]].concat()).await;
    assert_eq!(saved.headers["hx-redirect"], "/secrets");
    // The same form without a session is a sign-in.
    sqlx::query("delete from sessions").execute(app.database.pool()).await.unwrap();
    ann.get("/login").await;
    assert_eq!(ann.post_part("/login", &fields).await.text("h2"), "Two-factor authentication");
    app.finish().await;
}

#[tokio::test]
async fn an_unsaved_form_is_carried_through_both_steps() {
    let Scenario { app, logpoint: _logpoint, webhook, .. } = Scenario::start().await;
    let mut ann = app.admin().await;
    let device = Authenticator::enrol(&app, &mut ann).await;
    ann.get(&format!("/webhooks/{webhook}/edit")).await;
    sqlx::query("delete from sessions").execute(app.database.pool()).await.unwrap();
    let typed =
        [("id", webhook.as_str()), ("name", "Typed & kept"), ("body_template", "{\"a\": 1}")];
    let login = ann.post(&format!("/webhooks/{webhook}"), &typed).await;
    assert_eq!((login.status, login.text("h1").as_str()), (401, "Sign in"));
    let unsaved = login.attribute("input[name=unsaved]", "value").unwrap();
    let asked = ann.post("/login", &[&LOGIN[..], &[("unsaved", &unsaved)]].concat()).await;
    assert_eq!((asked.status, asked.text("h1").as_str()), (200, "Two-factor authentication"));
    assert_eq!(asked.attribute("input[name=unsaved]", "value").unwrap(), unsaved);
    let wrong = ann.post("/login/code", &[("code", "000000"), ("unsaved", &unsaved)]).await;
    assert_eq!(wrong.attribute("input[name=unsaved]", "value").unwrap(), unsaved);
    app.clock.advance(Duration::from_mins(11));
    let late = ann.post("/login/code", &[("code", "000000"), ("unsaved", &unsaved)]).await;
    assert_eq!((late.status, late.text("h1").as_str()), (403, "Sign in"));
    assert!(late.text("#login-error").contains("more than 10 minutes ago"));
    let unsaved = late.attribute("input[name=unsaved]", "value").unwrap();
    ann.post("/login", &[&LOGIN[..], &[("unsaved", &unsaved)]].concat()).await;
    let code = device.next_code(&app);
    let form = ann.post("/login/code", &[("code", &code), ("unsaved", &unsaved)]).await;
    assert_eq!(form.status, 200);
    assert_eq!(form.attribute("#name", "value").unwrap(), "Typed & kept");
    assert_eq!(form.typed("body_template").trim(), "{\"a\": 1}");
    app.finish().await;
}
