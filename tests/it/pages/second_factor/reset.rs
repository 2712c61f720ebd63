//! Administrators who reset the second factor of a user.

use gatepost::identity::Role;

use super::{PASSWORD, is_signed_in, recorded};
use crate::support::TestApp;
use crate::support::authenticator::Authenticator;

#[tokio::test]
async fn an_administrator_resets_it_and_ends_the_sessions_of_the_user() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let email = app.add_user(Role::Viewer).await;
    let mut ben = app.anonymous();
    ben.sign_in(&email, PASSWORD).await;
    Authenticator::enrol(&app, &mut ben).await;
    let id: String = sqlx::query_scalar("select id::text from users where role = 'viewer'")
        .fetch_one(app.database.pool())
        .await
        .unwrap();
    let (user, reset) = (format!("/users/{id}"), format!("/users/{id}/two-factor/reset"));
    let before = recorded(&app, 0).await.len();
    let page = ann.get(&user).await;
    assert_eq!(page.attribute("a[href$='/reset']", "href").unwrap(), reset);
    assert!(ann.get(&reset).await.text("h1").contains(&email));
    // Like other changes of users, it needs a recent password, and is not for other roles.
    app.clock.advance(std::time::Duration::from_mins(16));
    assert_eq!(ann.post(&reset, &[]).await.status, 401);
    assert_eq!(ben.post(&reset, &[]).await.status, 403);
    assert_eq!(ann.post(&reset, &[("confirmed_password", PASSWORD)]).await.location(), user);
    assert!(ann.get(&user).await.text("#toasts").contains(&format!("of {email}")));
    assert!(!is_signed_in(&mut ben).await);
    ben.sign_in(&email, PASSWORD).await;
    assert_eq!(recorded(&app, before).await, ["second_factor.reset", "sign_in.succeeded"]);
    // There is nothing left to reset.
    assert_eq!(ann.get(&reset).await.location(), user);
    assert_eq!(ann.post(&reset, &[]).await.location(), user);
    assert!(ann.get(&user).await.text("#toasts").contains("already off"));
    assert!(ann.get("/users/nonsense/two-factor/reset").await.status == 404);
    app.finish().await;
}

#[tokio::test]
async fn administrators_do_not_reset_their_own() {
    let (app, mut ann, _device) = super::start().await;
    let id: String = sqlx::query_scalar("select id::text from users")
        .fetch_one(app.database.pool())
        .await
        .unwrap();
    let page = ann.get(&format!("/users/{id}")).await;
    assert_eq!(page.attribute("a[href$='/reset']", "href"), None);
    let path = format!("/users/{id}/two-factor/reset");
    assert_eq!(ann.get(&path).await.location(), format!("/users/{id}"));
    assert_eq!(ann.post(&path, &[]).await.location(), "/account");
    assert!(ann.get("/account").await.body.contains("10 of 10 recovery codes"));
    app.finish().await;
}
