//! Users: roles, disabling and deleting.

use gatepost::identity::Role;

use super::invitations::{BEN, NEW_PASSWORD, id_of, invite, set_password};
use crate::support::TestApp;
use crate::support::app::{EMAIL, PASSWORD};

async fn role_and_status(app: &TestApp, email: &str) -> (String, String) {
    sqlx::query_as("select role, status from users where email = $1")
        .bind(email)
        .fetch_one(app.database.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_role_applies_from_the_next_request() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let email = app.add_user(Role::Viewer).await;
    let mut ben = app.anonymous();
    ben.sign_in(&email, PASSWORD).await;
    assert_eq!(ben.get("/webhooks/new").await.status, 403);
    let path = format!("/users/{}", id_of(&app, &email).await);
    ann.get(&path).await;
    let changed = ann.post(&format!("{path}/role"), &[("role", "editor")]).await;
    assert_eq!(changed.location(), "/users");
    assert!(ann.get("/users").await.text("#toasts").contains("is now an editor"));
    assert_eq!(ben.get("/webhooks/new").await.status, 200);
    app.finish().await;
}

#[tokio::test]
async fn a_disabled_or_deleted_user_is_signed_out_and_an_enabled_one_signs_in_again() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let email = app.add_user(Role::Editor).await;
    let mut ben = app.anonymous();
    ben.sign_in(&email, PASSWORD).await;
    let path = format!("/users/{}", id_of(&app, &email).await);
    ann.get(&path).await;
    assert_eq!(ann.post(&format!("{path}/disable"), &[]).await.location(), "/users");
    assert!(ben.get("/webhooks").await.location().starts_with("/login"));
    ben.get("/login").await;
    let refused = ben.post("/login", &[("email", &email), ("password", PASSWORD)]).await;
    assert_eq!(refused.status, 403);
    assert_eq!(refused.text("#login-error"), "Your account is disabled. Ask an administrator.");
    let guess = ben.post("/login", &[("email", &email), ("password", "another password")]).await;
    assert!(guess.text("#login-error").contains("is wrong"), "{}", guess.body);
    ann.post(&format!("{path}/enable"), &[]).await;
    // The session from before does not come back.
    assert!(ben.get("/webhooks").await.location().starts_with("/login"));
    ben.sign_in(&email, PASSWORD).await;
    let asked = ann.get(&format!("{path}/delete")).await;
    assert!(asked.text("h1").contains(&email));
    ann.post(&format!("{path}/delete"), &[]).await;
    assert!(ben.get("/webhooks").await.location().starts_with("/login"));
    assert_eq!(ann.get(&path).await.status, 404);
    app.finish().await;
}

#[tokio::test]
async fn an_administrator_signs_a_user_out_everywhere() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let email = app.add_user(Role::Editor).await;
    let (mut phone, mut laptop) = (app.anonymous(), app.anonymous());
    phone.sign_in(&email, PASSWORD).await;
    laptop.sign_in(&email, PASSWORD).await;
    let path = format!("/users/{}", id_of(&app, &email).await);
    ann.get(&path).await;
    assert_eq!(ann.post(&format!("{path}/sessions/end"), &[]).await.location(), "/users");
    let users = ann.get("/users").await;
    assert!(users.body.contains(&format!("Signed {email} out everywhere.")), "{}", users.body);
    for device in [&mut phone, &mut laptop] {
        assert!(device.get("/webhooks").await.location().starts_with("/login"));
        device.sign_in(&email, PASSWORD).await;
    }
    let recorded: (String, String) = sqlx::query_as(
        "select action, detail from audit_log where object_name = $1 and actor_name = $2 order by seq desc limit 1",
    )
    .bind(&email)
    .bind(EMAIL)
    .fetch_one(app.database.pool())
    .await
    .unwrap();
    assert_eq!(recorded, ("user.sessions_ended".to_owned(), r#"{"count":2}"#.to_owned()));
    // The own sessions are on the page Account.
    let own = format!("/users/{}", id_of(&app, EMAIL).await);
    assert!(!ann.get(&own).await.body.contains("Sign out everywhere"));
    assert_eq!(ann.post(&format!("{own}/sessions/end"), &[]).await.location(), "/account");
    assert_eq!(ann.get("/users").await.status, 200);
    app.finish().await;
}

#[tokio::test]
async fn the_last_active_administrator_stays() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    // A disabled administrator does not count.
    let other = app.add_user(Role::Administrator).await;
    let other_path = format!("/users/{}", id_of(&app, &other).await);
    let path = format!("/users/{}", id_of(&app, EMAIL).await);
    ann.get(&path).await;
    ann.post(&format!("{other_path}/disable"), &[]).await;
    for (change, fields) in [("role", &[("role", "viewer")][..]), ("disable", &[]), ("delete", &[])]
    {
        let refused = ann.post(&format!("{path}/{change}"), fields).await;
        assert_eq!(refused.status, 409, "{change}");
        assert!(refused.text("[role=alert]").contains("last active administrator"));
    }
    assert_eq!(role_and_status(&app, EMAIL).await, ("admin".to_owned(), "active".to_owned()));
    // With another one, an administrator may step down.
    ann.post(&format!("{other_path}/enable"), &[]).await;
    let stepped_down = ann.post(&format!("{path}/role"), &[("role", "viewer")]).await;
    assert_eq!(stepped_down.location(), "/webhooks");
    assert_eq!(ann.get("/users").await.status, 403);
    app.finish().await;
}

#[tokio::test]
async fn two_administrators_who_remove_each_other_leave_one() {
    let app = TestApp::start().await;
    let pool = app.database.pool();
    for (change, fields) in [("role", &[("role", "viewer")][..]), ("disable", &[]), ("delete", &[])]
    {
        for _ in 0..4 {
            sqlx::query("update users set status = 'disabled'").execute(pool).await.unwrap();
            let emails =
                [app.add_user(Role::Administrator).await, app.add_user(Role::Administrator).await];
            let (mut ann, mut ben) = (app.anonymous(), app.anonymous());
            ann.sign_in(&emails[0], PASSWORD).await;
            ben.sign_in(&emails[1], PASSWORD).await;
            ann.get("/users/new").await;
            ben.get("/users/new").await;
            let at_ann = format!("/users/{}/{change}", id_of(&app, &emails[0]).await);
            let at_ben = format!("/users/{}/{change}", id_of(&app, &emails[1]).await);
            let (first, second) =
                tokio::join!(ann.post(&at_ben, fields), ben.post(&at_ann, fields));
            let left: i64 = sqlx::query_scalar(
                "select count(*) from users where role = 'admin' and status = 'active'",
            )
            .fetch_one(pool)
            .await
            .unwrap();
            assert_eq!(left, 1, "{change}: {} {}", first.status, second.status);
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn long_lists_are_searched_and_read_page_by_page() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    sqlx::query(
        "insert into users (id, email, password_hash, role, created_at)
         select gen_random_uuid(), 'User' || lpad(n::text, 3, '0') || '@example.com', '', 'viewer', now()
         from generate_series(1, 119) n",
    )
    .execute(app.database.pool())
    .await
    .unwrap();
    let mut seen = Vec::new();
    let mut path = "/users".to_owned();
    loop {
        let page = ann.get(&path).await;
        seen.extend(page.texts("td.name a"));
        match page.attribute(".pager a[rel=next]", "href") {
            Some(next) => path = next,
            None => break,
        }
    }
    assert_eq!(seen.len(), 120);
    seen.dedup();
    assert_eq!(seen.len(), 120);
    let found = ann.get("/users?q=USER11").await;
    assert_eq!(found.texts("td.name a").len(), 10);
    let none = ann.get_part("/users?q=no-such-user%00").await;
    assert!(none.text(".none").contains("No matching users"));
    app.finish().await;
}

#[tokio::test]
async fn every_change_of_a_user_is_recorded() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let link = invite(&app, &mut ann).await;
    let path = format!("/users/{}", id_of(&app, BEN).await);
    let link_again = {
        ann.get(&path).await;
        ann.post(&format!("{path}/invitation"), &[]).await.text("#link")
    };
    let link_again = link_again.strip_prefix(&app.url("")).unwrap();
    assert_ne!(link, link_again);
    let mut ben = app.anonymous();
    set_password(&mut ben, link_again, NEW_PASSWORD).await;
    ben.get("/account").await;
    let fields =
        [("current_password", NEW_PASSWORD), ("password", PASSWORD), ("password_again", PASSWORD)];
    ben.post("/account/password", &fields).await;
    ben.post("/account/sessions/end", &[]).await;
    for (change, fields) in
        [("role", &[("role", "viewer")][..]), ("disable", &[]), ("enable", &[]), ("delete", &[])]
    {
        ann.post(&format!("{path}/{change}"), fields).await;
    }
    let recorded: Vec<(String, String, String)> = sqlx::query_as(
        "select action, actor_name, detail from audit_log where object_name = $1 order by seq",
    )
    .bind(BEN)
    .fetch_all(app.database.pool())
    .await
    .unwrap();
    let entry = |action: &str, actor: &str, detail: &str| {
        (action.to_owned(), actor.to_owned(), detail.to_owned())
    };
    assert_eq!(
        recorded,
        [
            entry("user.invited", EMAIL, "{\"role\":\"editor\"}"),
            entry("user.invited", EMAIL, "{\"replaces\":true}"),
            entry("user.joined", BEN, "{}"),
            entry("user.password_changed", BEN, "{}"),
            entry("user.sessions_ended", BEN, "{\"count\":1}"),
            entry("user.role_changed", EMAIL, "{\"role\":\"viewer\",\"before\":\"editor\"}"),
            entry("user.disabled", EMAIL, "{}"),
            entry("user.enabled", EMAIL, "{}"),
            entry("user.deleted", EMAIL, "{}"),
        ]
    );
    app.finish().await;
}
