//! Which user an account of the provider belongs to, and its role.

use gatepost::identity::Role;
use serde_json::{Value, json};

use super::fake_provider::Behaviour;
use super::{sign_in, start, start_with};
use crate::support::TestApp;
use crate::support::app::{EMAIL, PASSWORD};
use crate::support::user::TestUser;

fn with_claims(claims: Value) -> Behaviour {
    Behaviour { claims, ..Behaviour::default() }
}

/// Role and status of a user; empty if there is no such user.
async fn role_of(app: &TestApp, email: &str) -> String {
    sqlx::query_scalar("select role || ' ' || status from users where email = $1")
        .bind(email)
        .fetch_optional(app.database.pool())
        .await
        .unwrap()
        .unwrap_or_default()
}

async fn id_of(app: &TestApp, email: &str) -> String {
    sqlx::query_scalar("select id::text from users where email = $1")
        .bind(email)
        .fetch_one(app.database.pool())
        .await
        .unwrap()
}

/// The actions of the audit log since the last call, with their objects and details.
async fn recorded(app: &TestApp, since: &mut i64) -> Vec<String> {
    let rows: Vec<(i64, String, String, String)> = sqlx::query_as(
        "select seq, action, object_name, detail from audit_log where seq > $1 order by seq",
    )
    .bind(*since)
    .fetch_all(app.database.pool())
    .await
    .unwrap();
    *since = rows.last().map_or(*since, |(seq, ..)| *seq);
    let line = |(_, action, object, detail): (i64, String, String, String)| {
        let detail: Value = serde_json::from_str(&detail).unwrap();
        let facts = ["method", "reason", "role", "before"]
            .map(|name| detail[name].as_str().unwrap_or_default().to_owned());
        format!("{action} {object} {}", facts.join(" "))
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    rows.into_iter().map(line).collect()
}

#[tokio::test]
async fn a_new_user_gets_the_role_of_the_claim_at_every_sign_in() {
    let (app, provider) = start().await;
    let mut since = 0;
    recorded(&app, &mut since).await;
    let mut eve = app.anonymous();
    let login = eve.get("/login?next=%2Faudit").await;
    assert_eq!(login.text("a.wide"), "Sign in with Example ID");
    assert_eq!(login.attribute("a.wide", "href").unwrap(), "/login/sso?next=%2Faudit");
    assert_eq!(sign_in(&mut eve, &provider, Behaviour::default()).await.location(), "/events");
    assert_eq!(role_of(&app, "eve@example.com").await, "editor active");
    assert_eq!(
        recorded(&app, &mut since).await,
        [
            "user.created eve@example.com single sign-on editor",
            "sign_in.succeeded eve@example.com single sign-on",
        ]
    );
    assert_eq!(eve.get("/users").await.status, 403);

    let groups = |groups: Value| with_claims(json!({ "groups": groups }));
    sign_in(&mut eve, &provider, groups(json!(["staff", "admins"]))).await;
    assert_eq!(
        recorded(&app, &mut since).await,
        [
            "user.role_changed eve@example.com single sign-on admin editor",
            "sign_in.succeeded eve@example.com single sign-on",
        ]
    );
    let list = eve.get("/users").await;
    assert_eq!(list.texts("td[data-label='Sign-in method']"), ["Password", "Single sign-on"]);
    let account = eve.get("/account").await;
    assert!(account.text("main").contains("You sign in with Example ID"), "{}", account.body);
    assert!(!account.body.contains("current_password"));

    // A user without a group with access is refused and signed out, and keeps the role without being able to use it.
    let refused = sign_in(&mut app.anonymous(), &provider, groups(json!([]))).await;
    assert_eq!((refused.status, refused.text("h1").as_str()), (403, "No access to Gatepost"));
    assert_eq!(
        recorded(&app, &mut since).await,
        [
            "user.sessions_ended eve@example.com",
            "sign_in.failed eve@example.com single sign-on no group or role of the user gives a role"
        ]
    );
    assert!(eve.get("/webhooks").await.location().starts_with("/login"));
    // There is no password to sign in with.
    let mut guess = app.anonymous();
    guess.get("/login").await;
    for password in ["", PASSWORD] {
        let fields = [("email", "eve@example.com"), ("password", password)];
        assert_eq!(guess.post("/login", &fields).await.status, 422);
    }
    app.finish().await;
}

#[tokio::test]
async fn the_claim_may_come_from_user_info() {
    let (app, provider) = start().await;
    let claims = json!({ "groups": null, "email": null, "email_verified": null });
    let user_info =
        json!({ "groups": "admins", "email": "eve@example.com", "email_verified": "true" });
    let behaviour = Behaviour { claims: claims.clone(), user_info, ..Behaviour::default() };
    assert_eq!(sign_in(&mut app.anonymous(), &provider, behaviour).await.status, 303);
    assert_eq!(role_of(&app, "eve@example.com").await, "admin active");
    // About another user.
    let user_info = json!({ "sub": "subject-2", "groups": "admins" });
    let behaviour = Behaviour { claims, user_info, ..Behaviour::default() };
    assert_eq!(sign_in(&mut app.anonymous(), &provider, behaviour).await.status, 503);
    app.finish().await;
}

#[tokio::test]
async fn an_existing_user_is_linked_by_a_verified_address() {
    let (app, provider) = start().await;
    let mut since = 0;
    let viewer = app.add_user(Role::Viewer).await;
    recorded(&app, &mut since).await;
    let account = |subject: &str, email: &str, verified: Value| {
        with_claims(json!({ "sub": subject, "email": email, "email_verified": verified }))
    };
    for verified in [json!(false), json!("false"), Value::Null] {
        let response =
            sign_in(&mut app.anonymous(), &provider, account("s", &viewer, verified)).await;
        assert_eq!(
            (response.status, response.text("h1").as_str()),
            (403, "Your email address is not verified")
        );
    }
    for email in ["", "no address", "a b@example.com"] {
        let response =
            sign_in(&mut app.anonymous(), &provider, account("s", email, json!(true))).await;
        assert_eq!(
            (response.status, response.text("h1").as_str()),
            (403, "Your email address is missing")
        );
    }
    recorded(&app, &mut since).await;
    let upper = viewer.to_uppercase();
    let response =
        sign_in(&mut app.anonymous(), &provider, account("s", &upper, json!(true))).await;
    assert_eq!(response.status, 303, "{}", response.body);
    assert_eq!(role_of(&app, &viewer).await, "editor active");
    assert_eq!(
        recorded(&app, &mut since).await,
        [
            format!("user.linked {viewer} single sign-on"),
            format!("user.role_changed {viewer} single sign-on editor viewer"),
            format!("sign_in.succeeded {viewer} single sign-on"),
        ]
    );
    // The password still works, too.
    app.anonymous().sign_in(&viewer, PASSWORD).await;
    // The account is known by its subject from now on, whatever its address.
    let response =
        sign_in(&mut app.anonymous(), &provider, account("s", EMAIL, json!(false))).await;
    assert_eq!(response.status, 303);
    // The address was given to another account.
    let response =
        sign_in(&mut app.anonymous(), &provider, account("t", &viewer, json!(true))).await;
    assert_eq!((response.status, response.text("h1").as_str()), (403, "Another account is linked"));
    app.finish().await;
}

#[tokio::test]
async fn an_invited_user_is_active_after_the_first_sign_in() {
    let (app, provider) = start().await;
    let mut ann = app.admin().await;
    ann.get("/users/new").await;
    ann.post("/users", &[("email", "eve@example.com"), ("role", "viewer")]).await;
    assert_eq!(role_of(&app, "eve@example.com").await, "viewer invited");
    assert_eq!(sign_in(&mut app.anonymous(), &provider, Behaviour::default()).await.status, 303);
    assert_eq!(role_of(&app, "eve@example.com").await, "editor active");
    app.finish().await;
}

#[tokio::test]
async fn a_disabled_user_is_refused_and_can_be_enabled_again() {
    let (app, provider) = start().await;
    let mut eve = app.anonymous();
    sign_in(&mut eve, &provider, Behaviour::default()).await;
    let id = id_of(&app, "eve@example.com").await;
    let mut ann = app.admin().await;
    ann.get(&format!("/users/{id}")).await;
    ann.post(&format!("/users/{id}/disable"), &[]).await;
    assert!(eve.get("/events").await.location().starts_with("/login"));
    for subject in ["subject-1", "another"] {
        let claims = with_claims(json!({ "sub": subject }));
        let response = sign_in(&mut eve, &provider, claims).await;
        assert_eq!(
            (response.status, response.text("h1").as_str()),
            (403, "Your account is disabled")
        );
    }
    ann.get(&format!("/users/{id}")).await;
    ann.post(&format!("/users/{id}/enable"), &[]).await;
    assert_eq!(role_of(&app, "eve@example.com").await, "editor active");
    assert_eq!(sign_in(&mut eve, &provider, Behaviour::default()).await.status, 303);
    app.finish().await;
}

#[tokio::test]
async fn the_last_administrator_keeps_the_role() {
    let (app, provider) = start().await;
    let ann = |groups: &str| with_claims(json!({ "email": EMAIL, "groups": groups }));
    assert_eq!(sign_in(&mut app.anonymous(), &provider, ann("staff")).await.status, 303);
    assert_eq!(role_of(&app, EMAIL).await, "admin active");
    let other = with_claims(json!({ "sub": "b", "email": "ben@example.com", "groups": "admins" }));
    assert_eq!(sign_in(&mut app.anonymous(), &provider, other).await.status, 303);
    assert_eq!(sign_in(&mut app.anonymous(), &provider, ann("staff")).await.status, 303);
    assert_eq!(role_of(&app, EMAIL).await, "viewer active");
    app.finish().await;
}

#[tokio::test]
async fn sign_ins_at_the_same_time_create_one_user() {
    let (app, provider) = start().await;
    provider.behave(Behaviour::default());
    let mut browsers = Vec::new();
    for _ in 0..5 {
        let mut browser = app.anonymous();
        let path = provider.authorize(browser.get("/login/sso").await.location());
        browsers.push((browser, path));
    }
    let finish =
        |(mut browser, path): (TestUser, String)| async move { browser.get(&path).await.status };
    let statuses = futures_util::future::join_all(browsers.into_iter().map(finish)).await;
    assert_eq!(statuses, [303; 5]);
    assert_eq!(role_of(&app, "eve@example.com").await, "editor active");
    app.finish().await;
}

#[tokio::test]
async fn passwords_can_be_switched_off() {
    let (app, provider) = start().await;
    let mut ann = app.admin().await;
    let ben = [("email", "ben@example.com"), ("role", "viewer")];
    ann.get("/users/new").await;
    let invited = ann.post("/users", &ben).await;
    let link = invited.text("#link").strip_prefix(&app.url("")).unwrap().to_owned();
    let app = app.restart_with(|config| config.password_sign_in = false).await;
    let mut ann = app.anonymous();
    let page = ann.get("/login").await;
    assert!(
        page.texts("input[type=password]").is_empty() && !page.body.contains("name=\"password\"")
    );
    assert_eq!(page.text("a.wide"), "Sign in with Example ID");
    let response = ann.post("/login", &[("email", EMAIL), ("password", PASSWORD)]).await;
    assert_eq!(response.status, 403);
    assert!(ann.session().is_empty());
    let claims = with_claims(json!({ "email": EMAIL, "groups": "admins" }));
    assert_eq!(sign_in(&mut ann, &provider, claims).await.status, 303);
    assert!(!ann.get("/account").await.body.contains("current_password"));
    let users = ann.get("/users").await;
    assert!(users.texts("main a.primary").is_empty(), "{}", users.body);
    // Neither an invitation nor the set-up leads to a session with a password.
    let form = ann.get("/users/new").await;
    assert!(form.text("main").contains("users sign in with Example ID"), "{}", form.body);
    let refused = ann.post("/users", &[("email", "c@example.com"), ("role", "viewer")]).await;
    assert_eq!((refused.status, role_of(&app, "c@example.com").await.as_str()), (409, ""));
    let user = format!("/users/{}", id_of(&app, "ben@example.com").await);
    let page = ann.get(&user).await;
    assert!(!page.body.contains("Create new link"), "{}", page.body);
    let refused = ann.post(&format!("{user}/invitation"), &[]).await;
    assert!(refused.text("[role=alert]").contains("No link was created"), "{}", refused.body);
    let mut ben = app.anonymous();
    let code = link.split_once('#').unwrap().1;
    let fields = [("code", code), ("password", PASSWORD), ("password_again", PASSWORD)];
    for response in [ben.get("/invitation").await, ben.post("/invitation", &fields).await] {
        assert_eq!(
            (response.status, response.text("h1").as_str()),
            (410, "You do not need a password")
        );
    }
    assert_eq!(ben.post("/setup", &fields).await.location(), "/login");
    assert!(ben.session().is_empty());
    let down = Behaviour { response: vec![("state", None)], ..Behaviour::default() };
    let response = sign_in(&mut app.anonymous(), &provider, down).await;
    assert!(response.texts("a").iter().all(|text| !text.contains("password")), "{}", response.body);
    app.finish().await;
}

#[tokio::test]
async fn switching_passwords_off_ends_the_sessions_that_a_password_has_started() {
    let (app, provider) = start().await;
    let (ann, mut eve) = (app.admin().await, app.anonymous());
    sign_in(&mut eve, &provider, Behaviour::default()).await;
    let app = app.restart_with(|config| config.password_sign_in = false).await;
    let is_signed_in = async |user: &TestUser| {
        let request = crate::support::http().get(app.url("/webhooks"));
        request.header("cookie", user.cookie_header()).send().await.unwrap().status() == 200
    };
    assert_eq!((is_signed_in(&ann).await, is_signed_in(&eve).await), (false, true));
    app.finish().await;
}

#[tokio::test]
async fn pages_say_that_single_sign_on_is_exempt_from_two_factor_authentication() {
    let (app, provider) = start().await;
    sign_in(&mut app.anonymous(), &provider, Behaviour::default()).await;
    let ben = app.add_user(Role::Editor).await;
    let claims = with_claims(json!({ "sub": "b", "email": ben }));
    sign_in(&mut app.anonymous(), &provider, claims).await;
    let mut ann = app.admin().await;
    ann.get("/users").await;
    ann.post("/users/two-factor", &[("role", "editor")]).await;
    ann.post("/users", &[("email", "zoe@example.com"), ("role", "editor")]).await;
    let page = ann.get("/users").await;
    let states = page.texts("td[data-label=Two-factor]");
    let emails = page.texts("td.name a");
    let state = |email: &str| {
        let at = emails.iter().position(|found| found == email).unwrap();
        states[at].split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(state("eve@example.com"), "By the provider");
    assert_eq!(state(&ben), "Required, not set up for the password");
    assert_eq!(state("zoe@example.com"), "–");
    assert_eq!(state(EMAIL), "Off");
    let card = page.text("form[action='/users/two-factor']");
    assert!(card.contains("Sign-ins with Example ID are exempt"), "{card}");
    app.finish().await;
}

#[tokio::test]
async fn a_link_on_another_site_starts_no_sign_in() {
    let (app, _provider) = start().await;
    for (site, location) in [
        ("cross-site", "/login?next=%2Fevents"),
        ("same-site", "/login?next=%2Fevents"),
        ("same-origin", "http"),
        ("none", "http"),
    ] {
        let request = crate::support::http().get(app.url("/login/sso?next=%2Fevents"));
        let response = request.header("sec-fetch-site", site).send().await.unwrap();
        let leads_to = response.headers()["location"].to_str().unwrap();
        assert!(leads_to.starts_with(location), "{site}: {leads_to}");
        let cookie = response.headers().contains_key("set-cookie");
        assert_eq!(cookie, location == "http", "{site}");
    }
    app.finish().await;
}

#[tokio::test]
async fn the_first_user_may_come_from_the_provider() {
    let (app, provider) = start_with(|config| config.admin = None).await;
    let mut eve = app.anonymous();
    let page = eve.get("/login").await;
    assert!(page.text(".hint").contains("There is no user yet"), "{}", page.body);
    let claims = with_claims(json!({ "groups": "admins" }));
    assert_eq!(sign_in(&mut eve, &provider, claims).await.status, 303);
    assert_eq!(eve.get("/users").await.status, 200);
    assert!(app.anonymous().get("/setup").await.location().starts_with("/login"));
    app.finish().await;
}

#[tokio::test]
async fn without_a_provider_there_is_no_single_sign_on() {
    let app = TestApp::start().await;
    let mut visitor = app.anonymous();
    assert!(!visitor.get("/login").await.body.contains("sso"));
    for path in ["/login/sso", "/login/sso/callback?code=x&state=y"] {
        assert_eq!(visitor.get(path).await.status, 404, "{path}");
    }
    app.finish().await;
}
