//! Users: invitations, roles, disabling and deleting.

use std::time::Duration;

use gatepost::identity::Role;

use crate::support::TestApp;
use crate::support::app::{EMAIL, PASSWORD};
use crate::support::user::{TestResponse, TestUser};

const BEN: &str = "ben@example.com";
const NEW_PASSWORD: &str = "purple kayak on a quiet lake";
const HOUR: Duration = Duration::from_hours(1);

async fn id_of(app: &TestApp, email: &str) -> String {
    sqlx::query_scalar("select id::text from users where email = $1")
        .bind(email)
        .fetch_one(app.database.pool())
        .await
        .unwrap()
}

async fn role_and_status(app: &TestApp, email: &str) -> (String, String) {
    sqlx::query_as("select role, status from users where email = $1")
        .bind(email)
        .fetch_one(app.database.pool())
        .await
        .unwrap()
}

/// Returns the path of the link on a page.
fn link(app: &TestApp, page: &TestResponse) -> String {
    assert_eq!(page.status, 200, "{}", page.body);
    page.text("#link").strip_prefix(&app.url("")).unwrap().to_owned()
}

/// Invites an editor, and returns the path of the link.
async fn invite(app: &TestApp, ann: &mut TestUser) -> String {
    ann.get("/users/new").await;
    let page = ann.post("/users", &[("email", BEN), ("role", "editor")]).await;
    link(app, &page)
}

async fn set_password(user: &mut TestUser, path: &str, password: &str) -> TestResponse {
    user.get(path).await;
    user.post(path, &[("password", password), ("password_again", password)]).await
}

#[tokio::test]
async fn an_invited_user_sets_a_password_once_and_signs_in_with_it() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let path = invite(&app, &mut ann).await;
    let list = ann.get("/users").await;
    assert_eq!(list.texts("td.name"), [&format!("{EMAIL} (you)"), BEN]);
    assert_eq!(list.texts("td[data-label=Status]"), ["Active", "Invited"]);
    assert_eq!(list.texts("td[data-label=Role]"), ["Administrator", "Editor"]);
    // The database is not enough to use the link.
    let token = path.rsplit('/').next().unwrap();
    let row: String = sqlx::query_scalar("select users::text from users where email = $1")
        .bind(BEN)
        .fetch_one(app.database.pool())
        .await
        .unwrap();
    assert!(!row.contains(token));

    let mut ben = app.anonymous();
    // Mail programs open links, too.
    app.anonymous().get(&path).await;
    assert_eq!(ben.get(&path).await.attribute("#email", "value").unwrap(), BEN);
    let weak = set_password(&mut ben, &path, "ben@example.com").await;
    assert_eq!(weak.status, 422);
    assert!(weak.text("#password-error").contains("too easy to guess"));
    let differs = [("password", NEW_PASSWORD), ("password_again", "another")];
    assert!(ben.post(&path, &differs).await.text("#password-error").contains("do not match"));
    let foreign = [&differs[..1], &[("password_again", NEW_PASSWORD), ("csrf", "x")]].concat();
    assert_eq!(ben.post(&path, &foreign).await.status, 403);
    let done = set_password(&mut ben, &path, NEW_PASSWORD).await;
    assert_eq!(done.location(), "/webhooks");
    assert!(ben.get("/webhooks").await.text("#toasts").contains("Your password is set"));
    ben.get("/webhooks").await;
    ben.post("/logout", &[]).await;
    ben.sign_in(BEN, NEW_PASSWORD).await;

    for _ in 0..2 {
        let again = set_password(&mut app.anonymous(), &path, "another long password here").await;
        assert_eq!((again.status, again.text("h1").as_str()), (410, "The link has been used"));
    }
    app.anonymous().sign_in(BEN, NEW_PASSWORD).await;
    app.finish().await;
}

#[tokio::test]
async fn a_link_expires_and_is_replaced_by_a_new_one() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let first = invite(&app, &mut ann).await;
    app.clock.advance(72 * HOUR);
    let page = app.anonymous().get(&first).await;
    assert_eq!((page.status, page.text("h1").as_str()), (410, "The link has expired"));
    let mut ann = app.admin().await;
    let statuses = ann.get("/users").await.texts("td[data-label=Status]");
    assert_eq!(statuses, ["Active", "Invitation expired"]);
    let user = format!("/users/{}", id_of(&app, BEN).await);
    ann.get(&user).await;
    let second = link(&app, &ann.post(&format!("{user}/invitation"), &[]).await);
    let page = app.anonymous().get(&first).await;
    assert_eq!((page.status, page.text("h1").as_str()), (404, "The link is invalid"));
    assert_eq!(page.attribute("main a.primary", "href").unwrap(), "/login");
    let mut ben = app.anonymous();
    assert_eq!(set_password(&mut ben, &second, NEW_PASSWORD).await.status, 303);
    // Who has accepted gets no further link.
    let refused = ann.post(&format!("{user}/invitation"), &[]).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text("[role=alert]").contains("have not accepted their invitation"));
    app.finish().await;
}

#[tokio::test]
async fn a_link_that_is_used_twice_at_once_sets_one_password() {
    let app = TestApp::start().await;
    let path = invite(&app, &mut app.admin().await).await;
    let (mut one, mut two) = (app.anonymous(), app.anonymous());
    let (first, second) = tokio::join!(
        set_password(&mut one, &path, NEW_PASSWORD),
        set_password(&mut two, &path, "another long password here")
    );
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 410]);
    app.finish().await;
}

#[tokio::test]
async fn an_invitation_needs_a_new_valid_email_address() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    ann.get("/users/new").await;
    for (email, message) in [
        ("ben", "Enter an email address"),
        ("Admin@EXAMPLE.com", "already a user"),
        (&"x".repeat(300), "Enter an email address"),
    ] {
        let email =
            if message.starts_with("already") { EMAIL.to_uppercase() } else { email.to_owned() };
        let page = ann.post("/users", &[("email", &email), ("role", "admin")]).await;
        assert_eq!(page.status, 422);
        assert!(page.text("#email-error").contains(message));
        assert_eq!(page.attribute("#email", "value").unwrap(), email);
        assert_eq!(page.attribute("input[name=role][checked]", "value").unwrap(), "admin");
    }
    let unknown = ann.post("/users", &[("email", BEN), ("role", "owner")]).await;
    assert_eq!(unknown.status, 400);
    app.finish().await;
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
