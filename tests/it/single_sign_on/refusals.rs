//! What users and administrators learn about a sign-in that was refused.

use serde_json::{Value, json};

use super::fake_provider::Behaviour;
use super::{come_back, sign_in, start};
use crate::support::TestApp;

const FAILED: &str = "/login/sso/failed";

fn with_claims(claims: Value) -> Behaviour {
    Behaviour { claims, ..Behaviour::default() }
}

/// The objects and the details of the recorded refusals.
async fn refusals(app: &TestApp) -> Vec<(String, Value)> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "select object_name, detail from audit_log where action = 'sign_in.failed' order by seq",
    )
    .fetch_all(app.database.pool())
    .await
    .unwrap();
    rows.into_iter().map(|(name, detail)| (name, serde_json::from_str(&detail).unwrap())).collect()
}

#[tokio::test]
async fn a_user_without_a_role_is_recorded_with_what_the_provider_sent() {
    let (app, provider) = start().await;
    for (groups, detail) in [
        (Value::Null, "the claim \"groups\" is missing; present: aud, auth_time, email, "),
        (json!([]), "no value of the claim \"groups\" is in GATEPOST_OIDC_ROLES; values: none"),
        (
            json!(["others", "Admins"]),
            "no value of the claim \"groups\" is in GATEPOST_OIDC_ROLES; values: \"others\", \"Admins\"",
        ),
    ] {
        let claims = with_claims(json!({ "groups": groups }));
        let page = sign_in(&mut app.anonymous(), &provider, claims).await;
        assert_eq!((page.status, page.text("h1").as_str()), (403, "No access to Gatepost"));
        assert!(page.text("main").contains("with Example ID as eve@example.com"), "{}", page.body);
        // Groups are nothing for a page that visitors see.
        assert!(!page.body.contains("others"), "{}", page.body);
        let (name, facts) = refusals(&app).await.pop().unwrap();
        assert_eq!(
            (name.as_str(), facts["subject"].as_str()),
            ("eve@example.com", Some("subject-1"))
        );
        let found = facts["detail"].as_str().unwrap();
        assert!(found.starts_with(detail), "{found}");
    }
    app.finish().await;
}

#[tokio::test]
async fn the_page_about_a_failure_can_be_reloaded() {
    let (app, provider) = start().await;
    let mut eve = app.anonymous();
    assert_eq!(eve.get(FAILED).await.location(), "/login");
    provider.behave(with_claims(json!({ "groups": [] })));
    let path = provider.authorize(eve.get("/login/sso").await.location());
    // The address of the page does not contain the response of the provider.
    assert_eq!(eve.get(&path).await.location(), FAILED);
    for _ in 0..2 {
        let page = eve.get(FAILED).await;
        assert_eq!((page.status, page.text("h1").as_str()), (403, "No access to Gatepost"));
    }
    assert_eq!(refusals(&app).await.len(), 1, "a reload is not recorded");
    let (cookie, other) = (eve.cookies()["gatepost_sso_failed"].clone(), app.anonymous());
    assert!(!cookie.contains("Example"), "it is encrypted");
    let get = async |cookie: String| {
        let request = crate::support::http().get(app.url(FAILED));
        let request = request.header("cookie", format!("gatepost_sso_failed={cookie}"));
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!((get(cookie.clone()).await, get(format!("A{cookie}")).await), (403, 303));
    // The response of another sign-in that is sent again.
    let mut other = other;
    let page = come_back(&mut other, &path).await;
    assert!(page.text("main").contains("It has already been used"), "{}", page.body);
    app.finish().await;
}

#[tokio::test]
async fn a_user_with_another_account_can_use_it() {
    let (app, provider) = start().await;
    let mut eve = app.anonymous();
    let page = sign_in(&mut eve, &provider, with_claims(json!({ "groups": [] }))).await;
    let link = "/login/sso?other_account=true";
    let label = "Use another account of Example ID";
    assert!(page.texts("main a.button").contains(&label.to_owned()), "{}", page.body);
    assert!(page.body.contains(link), "{}", page.body);
    let address = eve.get(link).await.location().to_owned();
    assert!(address.contains("prompt=login"), "{address}");
    provider.behave(with_claims(json!({ "sub": "b", "email": "ben@example.com" })));
    assert_eq!(eve.get(&provider.authorize(&address)).await.location(), "/webhooks");
    assert!(eve.get("/account").await.body.contains("ben@example.com"));
    app.finish().await;
}

#[tokio::test]
async fn the_provider_may_let_the_user_select_an_account() {
    let (app, provider) = start().await;
    let metadata = json!({ "prompt_values_supported": ["none", "login", "select_account"] });
    provider.behave(Behaviour { metadata, ..Behaviour::default() });
    let address = app.anonymous().get("/login/sso?other_account=true").await.location().to_owned();
    assert!(address.contains("prompt=select_account"), "{address}");
    // Without a maximum age, many providers do not say when the user entered credentials.
    let address = app.anonymous().get("/login/sso").await.location().to_owned();
    assert!(address.contains("max_age=31536000") && !address.contains("prompt="), "{address}");
    app.finish().await;
}
