//! What each role may open, change and see.

use std::collections::{BTreeMap, BTreeSet};

use gatepost::identity::{Permission, Role};
use gatepost::web::{RouteRule, route_rules};

use super::everywhere;
use crate::support::TestApp;
use crate::support::scenario::Scenario;
use crate::support::user::TestUser;

const UNKNOWN_ID: &str = "019ac3f2-7e41-7c1b-9a20-5c1f8f7f4e11";

/// A path of a route, with ids that no object has.
fn path_of(rule: &RouteRule) -> String {
    let parts = rule.path.split('/').map(|part| match part {
        "{number}" => "1",
        part if part.starts_with('{') => UNKNOWN_ID,
        part => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

/// Sends a request without reading the response to the end, because a stream has none. Returns the status, and the
/// target of a redirect.
async fn request(app: &TestApp, user: &TestUser, rule: &RouteRule) -> (u16, String) {
    let path = path_of(rule);
    let request = match rule.method.as_str() {
        "GET" => crate::support::http().get(app.url(&path)),
        _ => user.form(&path, &[]),
    };
    let response = request.header("cookie", user.cookie_header()).send().await.unwrap();
    let location = response.headers().get("location").map(|at| at.to_str().unwrap().to_owned());
    (response.status().as_u16(), location.unwrap_or_default())
}

#[tokio::test]
async fn every_route_requires_its_permission() {
    let app = TestApp::start().await;
    let visitor = app.anonymous();
    for rule in route_rules() {
        let name = format!("{} {}", rule.method, rule.path);
        let (status, location) = request(&app, &visitor, &rule).await;
        let is_refused = status == 401 || location.starts_with("/login");
        // There is an administrator already, no password was entered, and no sign-in has failed.
        let leads_to_login = ["/setup", "/login/code", "/login/sso/failed"].contains(&rule.path);
        assert_eq!(
            is_refused && !leads_to_login,
            rule.permission.is_some(),
            "{name} signed out: {status} {location}"
        );
    }
    for role in Role::ALL {
        let user = app.user(role).await;
        for rule in route_rules() {
            let Some(permission) = rule.permission else { continue };
            let ends_session = ["/logout", "/account/sessions/end"].contains(&rule.path);
            let user = if ends_session { app.user(role).await } else { user.clone() };
            let (status, location) = request(&app, &user, &rule).await;
            let name = format!("{} {} as {role}: {status} {location}", rule.method, rule.path);
            assert_eq!(status != 403, role.allows(permission), "{name}");
            assert!(
                status != 401 && (status != 303 || ends_session || !location.starts_with("/login")),
                "{name}"
            );
            assert_ne!(status, 500, "{name}");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn a_refused_page_names_the_required_role() {
    let Scenario { app, logpoint: _logpoint, webhook, .. } = Scenario::start().await;
    let mut viewer = app.user(Role::Viewer).await;
    let seen = viewer.get(&format!("/webhooks/{webhook}/edit")).await;
    assert_eq!(
        (seen.status, seen.text("h1").as_str()),
        (403, "Only editors and administrators can do this")
    );
    assert!(
        seen.text("[data-error]").contains("Your role is viewer, and this needs the role editor")
    );
    let mut editor = app.user(Role::Editor).await;
    let seen = editor.get("/secrets/new").await;
    assert_eq!((seen.status, seen.text("h1").as_str()), (403, "Only administrators can do this"));
    app.finish().await;
}

/// A link, or a button that sends a form.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Target {
    method: &'static str,
    path: String,
}

/// Returns all links and buttons of a page, also in its templates. `ID` in them stands for the id of a row.
fn targets(html: &str, id: &str) -> BTreeSet<Target> {
    let mut found = BTreeSet::new();
    for tag in html.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap_or_default();
        let is_get_form = tag.starts_with("form ") && tag.contains("method=\"get\"");
        for (attribute, method) in [
            (" href=\"", "GET"),
            (" hx-get=\"", "GET"),
            (" action=\"", if is_get_form { "GET" } else { "POST" }),
            (" formaction=\"", "POST"),
            (" hx-post=\"", "POST"),
        ] {
            let Some((_, rest)) = tag.split_once(attribute) else { continue };
            let path = rest
                .split('"')
                .next()
                .unwrap_or_default()
                .replace("&amp;", "&")
                .replace("/ID", &format!("/{id}"));
            let path = path.split('#').next().unwrap_or_default().to_owned();
            if path.starts_with('/') && !path.starts_with("/static/") {
                found.insert(Target { method, path });
            }
        }
    }
    found
}

/// Returns the permission that a target requires.
fn permission(rules: &[RouteRule], target: &Target) -> Option<Permission> {
    let path = target.path.split('?').next().unwrap_or_default();
    let matches = |rule: &&RouteRule| {
        let (parts, given) = (rule.path.split('/'), path.split('/'));
        rule.method.as_str() == target.method
            && parts.clone().count() == given.clone().count()
            && parts.zip(given).all(|(part, given)| part == given || part.starts_with('{'))
    };
    let parameters = |rule: &&RouteRule| rule.path.matches('{').count();
    let rule = rules.iter().filter(matches).min_by_key(parameters);
    assert!(rule.is_some(), "no route for {target:?}");
    rule.unwrap().permission
}

#[tokio::test]
async fn no_link_or_button_leads_to_a_page_that_the_role_may_not_open() {
    let scenario = Scenario::with_webhook(|webhook| webhook.triggers(&["Granted", "Manual"])).await;
    let seeds = everywhere::fill(&scenario).await;
    let Scenario { app, webhook, .. } = scenario;
    let rules = route_rules();
    for role in Role::ALL {
        let mut user = app.user(role).await;
        let is_open = |path: &String| {
            let target = Target { method: "GET", path: path.clone() };
            permission(&rules, &target).is_none_or(|permission| role.allows(permission))
        };
        let mut next: Vec<String> = seeds.iter().filter(|path| is_open(path)).cloned().collect();
        // Lists can be sorted and filtered in many ways. Two of each page are enough.
        let mut visits: BTreeMap<String, usize> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        while let Some(path) = next.pop() {
            let page = path.split('?').next().unwrap_or_default().to_owned();
            let visits = visits.entry(page).or_default();
            if *visits >= 2 || !seen.insert(path.clone()) {
                continue;
            }
            *visits += 1;
            for shown in [user.get(&path).await, user.get_part(&path).await] {
                assert_ne!(shown.status, 403, "{path} as {role}");
                for target in targets(&shown.body, &webhook) {
                    let allowed = permission(&rules, &target)
                        .is_none_or(|permission| role.allows(permission));
                    assert!(allowed, "{path} shows {target:?} to the role {role}");
                    if target.method == "GET" {
                        next.push(target.path);
                    }
                }
            }
        }
        assert!(seen.len() > 10, "{seen:?}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_role_that_changes_during_editing_refuses_the_save_and_loses_nothing() {
    let Scenario { app, logpoint: _logpoint, webhook, .. } = Scenario::start().await;
    let mut editor = app.user(Role::Editor).await;
    editor.get(&format!("/webhooks/{webhook}/edit")).await;
    sqlx::query("update users set role = 'viewer' where role = 'editor'")
        .execute(app.database.pool())
        .await
        .unwrap();
    let typed =
        [("id", webhook.as_str()), ("name", "Typed for an hour"), ("body_template", "{\"a\": 1}")];
    let path = format!("/webhooks/{webhook}");
    let form = editor.post(&path, &typed).await;
    assert_eq!(form.status, 403);
    assert_eq!(form.attribute("#name", "value").unwrap(), "Typed for an hour");
    assert_eq!(form.typed("body_template").trim(), "{\"a\": 1}");
    assert!(
        form.text(".banner[role=alert]")
            .contains("Your role is now viewer, so nothing has been saved")
    );
    // A script leaves the form as it is, and shows the message.
    let refused = editor.post_part(&path, &typed).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text("[data-error]").contains("this needs the role editor"));
    // With the role, the same form is saved.
    sqlx::query("update users set role = 'editor' where role = 'viewer'")
        .execute(app.database.pool())
        .await
        .unwrap();
    assert_eq!(editor.post(&path, &[("id", webhook.as_str()), ("name", "")]).await.status, 422);
    app.finish().await;
}
