//! What `gatepost doctor` says about single sign-on.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::fake_provider::{Behaviour, FakeProvider};
use super::{sign_in, start};
use crate::support::TestApp;
use crate::support::app::EMAIL;
use crate::support::process::{gatepost, run, with_args, with_database};

/// Returns state, finding and fix of each check.
async fn diagnose(
    app: &TestApp,
    provider: &FakeProvider,
    settings: &[(&str, &str)],
) -> BTreeMap<String, [String; 3]> {
    let mut command = with_database(gatepost(), app.database.url());
    let public_url = app.url("");
    for (name, value) in [
        ("GATEPOST_PUBLIC_URL", public_url.as_str()),
        ("GATEPOST_ALLOW_HTTP", "true"),
        ("GATEPOST_OIDC_ISSUER", provider.issuer()),
        ("GATEPOST_OIDC_CLIENT_ID", "gatepost"),
        ("GATEPOST_OIDC_CLIENT_SECRET", "secret"),
        ("GATEPOST_OIDC_ROLE_CLAIM", "groups"),
        ("GATEPOST_OIDC_ROLES", "admins=admin"),
    ] {
        command.env(name, value);
    }
    command.envs(settings.iter().copied());
    let ended = run(with_args(command, &["doctor", "--json"]), "").await;
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    let text = |check: &Value, name: &str| check[name].as_str().unwrap().to_owned();
    let checks = report["checks"].as_array().unwrap().iter();
    let row = |check| (text(check, "id"), ["state", "found", "fix"].map(|name| text(check, name)));
    checks.map(row).collect()
}

const WITHOUT_PASSWORDS: (&str, &str) = ("GATEPOST_PASSWORD_SIGN_IN", "false");

#[tokio::test]
async fn roles_that_cannot_be_used_are_a_problem_of_the_settings() {
    let (app, provider) = start().await;
    let checks = diagnose(&app, &provider, &[("GATEPOST_OIDC_ROLES", "admins=edit")]).await;
    let [state, found, _] = &checks["settings"];
    assert_eq!(state, "problem");
    assert!(found.contains("GATEPOST_OIDC_ROLES: unknown role \"edit\""), "{found}");
    assert!(!checks.contains_key("single_sign_on"), "one mistake is one problem");
    let checks = diagnose(&app, &provider, &[]).await;
    assert_eq!((&*checks["settings"][0], &*checks["single_sign_on"][0]), ("ok", "ok"));
    app.finish().await;
}

#[tokio::test]
async fn a_provider_that_is_down_is_reported_with_what_users_can_do() {
    let (app, provider) = start().await;
    let down = [("GATEPOST_OIDC_ISSUER", "http://127.0.0.1:1")];
    let [state, _, fix] = &diagnose(&app, &provider, &down).await["single_sign_on"];
    assert!(state == "problem" && fix.contains("can sign in with it meanwhile"), "{fix}");
    let down = [down[0], WITHOUT_PASSWORDS];
    let [state, _, fix] = &diagnose(&app, &provider, &down).await["single_sign_on"];
    assert!(state == "problem" && fix.contains("No user can sign in meanwhile"), "{fix}");
    app.finish().await;
}

#[tokio::test]
async fn no_administrator_at_the_provider_is_a_warning_without_passwords() {
    let (app, provider) = start().await;
    let ann = |groups: &str| Behaviour {
        claims: json!({ "email": EMAIL, "groups": groups }),
        ..Behaviour::default()
    };
    let eve = Behaviour::default();
    assert_eq!(sign_in(&mut app.anonymous(), &provider, eve).await.status, 303);
    let [state, found, _] =
        &diagnose(&app, &provider, &[WITHOUT_PASSWORDS]).await["single_sign_on"];
    assert_eq!(state, "warning", "{found}");
    assert!(found.contains("no active administrator has ever signed in"), "{found}");
    assert_eq!(diagnose(&app, &provider, &[]).await["single_sign_on"][0], "ok");
    assert_eq!(sign_in(&mut app.anonymous(), &provider, ann("admins")).await.status, 303);
    let [state, found, _] =
        &diagnose(&app, &provider, &[WITHOUT_PASSWORDS]).await["single_sign_on"];
    assert_eq!(state, "ok", "{found}");
    app.finish().await;
}
