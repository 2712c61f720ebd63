//! Limits on attempts to enter a code.

use super::{EMAIL, PASSWORD, enter_code, enter_password, start};
use crate::support::TestApp;
use crate::support::authenticator::Authenticator;
use crate::support::user::TestUser;

#[tokio::test]
async fn wrong_codes_are_delayed_and_a_correct_password_does_not_reset_them() {
    let (app, _ann, device) = start().await;
    let mut statuses = Vec::new();
    for _ in 0..6 {
        let mut eve = enter_password(&app).await;
        statuses.push(enter_code(&mut eve, "000000").await.status);
    }
    assert_eq!(statuses, [422, 422, 422, 422, 422, 429]);
    let mut eve = enter_password(&app).await;
    // Not even the right code is accepted meanwhile, nor a recovery code.
    assert_eq!(enter_code(&mut eve, &device.next_code(&app)).await.status, 429);
    let delayed = enter_code(&mut eve, &device.recovery_codes[0]).await;
    assert!(delayed.text("#code-error").contains("Too many attempts"));
    app.finish().await;
}

/// Posts a form through the proxy, for a client with this address. Returns the status.
async fn post_from(user: &mut TestUser, from: &str, path: &str, fields: &[(&str, &str)]) -> u16 {
    let request = user.form(path, fields).header("x-forwarded-for", from);
    user.send(request).await.status
}

#[tokio::test]
async fn wrong_codes_from_many_networks_delay_all_but_known_devices() {
    let app = TestApp::start_with(|config| {
        config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let mut ann = app.admin().await;
    let device = Authenticator::enrol(&app, &mut ann).await;
    let login = [("email", EMAIL), ("password", PASSWORD)];
    let mut statuses = Vec::new();
    for last in 1..=12 {
        let (mut eve, from) = (app.anonymous(), format!("192.0.2.{last}"));
        eve.get("/login").await;
        assert_eq!(post_from(&mut eve, &from, "/login", &login).await, 303);
        statuses.push(post_from(&mut eve, &from, "/login/code", &[("code", "000000")]).await);
    }
    assert_eq!(statuses[..10], [422; 10]);
    assert_eq!(statuses[10..], [429; 2]);
    ann.post("/logout", &[]).await;
    ann.get("/login").await;
    assert_eq!(post_from(&mut ann, "198.51.100.1", "/login", &login).await, 303);
    let code = device.next_code(&app);
    assert_eq!(post_from(&mut ann, "198.51.100.1", "/login/code", &[("code", &code)]).await, 303);
    app.finish().await;
}

#[tokio::test]
async fn attempts_to_switch_it_off_are_limited() {
    let (app, mut ann, device) = start().await;
    ann.get("/account/two-factor/off").await;
    let mut last = 0;
    for _ in 0..6 {
        last = ann.post("/account/two-factor/off", &[("code", "000000")]).await.status;
    }
    assert_eq!(last, 429);
    let renew = ann.post("/account/two-factor/recovery-codes", &[("code", "000000")]).await;
    assert_eq!(renew.status, 429);
    let code = device.next_code(&app);
    assert_eq!(ann.post("/account/two-factor/off", &[("code", &code)]).await.status, 429);
    app.finish().await;
}
