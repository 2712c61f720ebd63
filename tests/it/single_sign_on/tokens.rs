//! Responses of a provider that must not be trusted.

use std::time::Duration;

use serde_json::{Value, json};

use super::fake_provider::{Behaviour, Endpoint, Signature};
use super::{come_back, sign_in, start, start_with};

const REJECTED: &str = "The sign-in was rejected";
const CLOCKS: &str = "The clocks differ";
const DOWN: &str = "The identity provider cannot be reached";

fn with_claims(claims: Value) -> Behaviour {
    Behaviour { claims, ..Behaviour::default() }
}

fn with_signature(signature: Signature) -> Behaviour {
    Behaviour { signature, ..Behaviour::default() }
}

fn with_response(name: &'static str, value: Option<&str>) -> Behaviour {
    let response = vec![(name, value.map(str::to_owned))];
    Behaviour { response, ..Behaviour::default() }
}

fn in_minutes(minutes: i64) -> i64 {
    let now = gatepost::app::system_sources().now();
    (now + chrono::TimeDelta::minutes(minutes)).timestamp()
}

/// Name and behaviour, and the title and a part of the page.
type Case = (&'static str, Behaviour, &'static str, &'static str);

/// Tokens and responses that must be rejected.
#[expect(clippy::too_many_lines, reason = "a table")]
fn bad_responses() -> Vec<Case> {
    let times =
        |iat: i64, exp: i64| with_claims(json!({ "iat": in_minutes(iat), "exp": in_minutes(exp) }));
    let denied = vec![("code", None), ("error", Some("access_denied".to_owned()))];
    let failed = vec![
        ("code", None),
        ("error", Some("server_error".to_owned())),
        ("error_description", Some("<b>no</b>".to_owned())),
    ];
    vec![
        ("wrong audience", with_claims(json!({"aud": "another"})), REJECTED, "audience"),
        (
            "further audience",
            with_claims(json!({"aud": ["gatepost", "another"]})),
            REJECTED,
            "audience",
        ),
        ("no audience", with_claims(json!({"aud": []})), REJECTED, "audience"),
        (
            "issued to another application",
            with_claims(json!({"azp": "another"})),
            REJECTED,
            "another application",
        ),
        ("wrong issuer", with_claims(json!({"iss": "https://evil.example"})), REJECTED, "issuer"),
        ("wrong nonce", with_claims(json!({"nonce": "another"})), REJECTED, "nonce"),
        ("no nonce", with_claims(json!({"nonce": null})), REJECTED, "nonce"),
        ("no subject", with_claims(json!({"sub": ""})), REJECTED, "subject"),
        ("long subject", with_claims(json!({"sub": "x".repeat(256)})), REJECTED, "subject"),
        ("other key", with_signature(Signature::OtherKey), REJECTED, "Signature"),
        ("damaged signature", with_signature(Signature::Damaged), REJECTED, "Signature"),
        ("alg none", with_signature(Signature::None), REJECTED, "ignature"),
        (
            "HS256 with the public key",
            with_signature(Signature::PublicKeyAsSecret),
            REJECTED,
            "HS256",
        ),
        (
            "HS256 with the client secret",
            with_signature(Signature::ClientSecret),
            REJECTED,
            "HS256",
        ),
        (
            "an access token",
            Behaviour { header: json!({"typ": "at+jwt"}), ..Behaviour::default() },
            REJECTED,
            "type",
        ),
        (
            "a critical header",
            Behaviour { header: json!({"crit": ["x"], "x": 1}), ..Behaviour::default() },
            REJECTED,
            "critical",
        ),
        ("expired", times(0, -2), REJECTED, "expired"),
        ("issued in the past", times(-30, -25), CLOCKS, "the clocks differ by 30 minutes"),
        ("issued in the future", times(3, 8), CLOCKS, "the clocks differ by 3 minutes"),
        (
            "not yet valid",
            with_claims(json!({"nbf": in_minutes(10)})),
            CLOCKS,
            "the clocks differ by 10 minutes",
        ),
        (
            "mixed-up provider",
            with_response("iss", Some("https://evil.example")),
            REJECTED,
            "another provider",
        ),
        ("provider not named", with_response("iss", None), REJECTED, "another provider"),
        (
            "wrong state",
            with_response("state", Some("another")),
            "This sign-in cannot be finished",
            "another sign-in",
        ),
        (
            "no state",
            with_response("state", None),
            "This sign-in cannot be finished",
            "another sign-in",
        ),
        ("no code", with_response("code", None), REJECTED, "no code"),
        (
            "unknown code",
            with_response("code", Some("another")),
            REJECTED,
            "did not accept the code",
        ),
        (
            "cancelled",
            Behaviour { response: denied, ..Behaviour::default() },
            "You are not signed in",
            "access_denied",
        ),
        (
            "failed",
            Behaviour { response: failed, ..Behaviour::default() },
            REJECTED,
            "server_error: <b>no</b>",
        ),
        (
            "token: redirect",
            Behaviour { token: Endpoint::Redirects, ..Behaviour::default() },
            DOWN,
            "",
        ),
        ("token: huge", Behaviour { token: Endpoint::Huge, ..Behaviour::default() }, DOWN, ""),
        ("token: no JSON", Behaviour { token: Endpoint::Html, ..Behaviour::default() }, DOWN, ""),
        ("token: error", Behaviour { token: Endpoint::Fails, ..Behaviour::default() }, DOWN, ""),
    ]
}

#[tokio::test]
async fn a_response_that_cannot_be_trusted_starts_no_session() {
    let (app, provider) = start().await;
    for (name, behaviour, title, part) in bad_responses() {
        let mut eve = app.anonymous();
        let response = sign_in(&mut eve, &provider, behaviour).await;
        let expected = if title == DOWN { 503 } else { 403 };
        assert_eq!(response.status, expected, "{name}: {}", response.body);
        assert_eq!(response.text("h1"), title, "{name}");
        let text = response.texts("main").concat();
        assert!(text.contains(part), "{name}: {text}");
        assert_eq!(response.attribute("a.primary", "href").unwrap(), "/login/sso", "{name}");
        assert!(eve.session().is_empty(), "{name}");
        // The response does not belong to the sign-in in the cookie, which another tab may still finish.
        let is_of_another = name.ends_with(" state");
        assert_eq!(eve.cookies().contains_key("gatepost_sso"), is_of_another, "{name}");
        assert!(eve.get("/events").await.location().starts_with("/login"), "{name}");
    }
    let users: i64 = sqlx::query_scalar("select count(*) from users")
        .fetch_one(app.database.pool())
        .await
        .unwrap();
    assert_eq!(users, 1);
    // Small differences of clocks are tolerated, and everything else was right all the time.
    let claims =
        json!({ "iat": in_minutes(0) + 50, "nbf": in_minutes(0) + 50, "exp": in_minutes(0) - 50 });
    let response = sign_in(&mut app.anonymous(), &provider, with_claims(claims)).await;
    assert_eq!(response.location(), "/events", "{}", response.body);
    app.finish().await;
}

#[tokio::test]
async fn a_response_is_used_once_and_in_the_browser_that_asked_for_it() {
    let (app, provider) = start().await;
    let mut eve = app.anonymous();
    let started = eve.get("/login/sso").await;
    let path = provider.authorize(started.location());
    // Another browser has no cookie, and cannot use this one's response.
    let response = come_back(&mut app.anonymous(), &path).await;
    assert_eq!(
        (response.status, response.text("h1").as_str()),
        (403, "This sign-in cannot be finished")
    );
    let mut thief = eve.clone();
    assert_eq!(eve.get(&path).await.location(), "/webhooks");
    assert_eq!(provider.requests("token"), 1);
    // The cookie is removed. One that was copied before does not help either: the provider is not asked again.
    assert!(!eve.cookies().contains_key("gatepost_sso"));
    let (used, other) = ("This sign-in has already been used", "This sign-in cannot be finished");
    for (browser, title) in [(&mut thief, used), (&mut eve, other)] {
        let response = come_back(browser, &path).await;
        assert_eq!((response.status, response.text("h1").as_str()), (403, title));
    }
    assert_eq!(provider.requests("token"), 1);

    let mut late = app.anonymous();
    let started = late.get("/login/sso").await;
    let path = provider.authorize(started.location());
    app.clock.advance(Duration::from_secs(601));
    assert_eq!(come_back(&mut late, &path).await.text("h1"), "The sign-in has expired");
    app.finish().await;
}

#[tokio::test]
async fn a_provider_that_cannot_be_used_is_reported_and_asked_again() {
    let (app, provider) = start().await;
    let elsewhere = json!({ "issuer": "https://evil.example" });
    let plain = json!({ "authorization_endpoint": "javascript:alert(1)" });
    for behaviour in [
        Behaviour { discovery: Endpoint::Fails, ..Behaviour::default() },
        Behaviour { discovery: Endpoint::Redirects, ..Behaviour::default() },
        Behaviour { discovery: Endpoint::Huge, ..Behaviour::default() },
        Behaviour { discovery: Endpoint::Html, ..Behaviour::default() },
        Behaviour { metadata: elsewhere, ..Behaviour::default() },
        Behaviour { metadata: plain, ..Behaviour::default() },
        Behaviour { metadata: json!({ "token_endpoint": null }), ..Behaviour::default() },
        Behaviour { keys: Endpoint::Fails, ..Behaviour::default() },
        Behaviour { keys: Endpoint::Huge, ..Behaviour::default() },
    ] {
        let before = provider.requests("discovery");
        // A failure is reported for a second without another request.
        app.wait_until("another request", async || {
            let response = sign_in(&mut app.anonymous(), &provider, behaviour.clone()).await;
            assert_eq!(
                (response.status, response.text("h1").as_str()),
                (503, DOWN),
                "{behaviour:?}"
            );
            assert_eq!(
                response.attribute("a.primary", "href").unwrap(),
                "/login/sso?next=%2Fevents"
            );
            assert_eq!(response.attribute("a.primary + a", "href").unwrap(), "/login");
            provider.requests("discovery") > before
        })
        .await;
    }
    app.wait_until("a sign-in", async || {
        sign_in(&mut app.anonymous(), &provider, Behaviour::default()).await.location() == "/events"
    })
    .await;
    let before = provider.requests("discovery");
    sign_in(&mut app.anonymous(), &provider, Behaviour::default()).await;
    assert_eq!(provider.requests("discovery"), before, "the metadata is cached");
    app.finish().await;
}

#[tokio::test]
async fn a_provider_that_does_not_respond_does_not_keep_visitors_waiting() {
    let (app, provider) = start().await;
    let silent = Behaviour { discovery: Endpoint::Silent, ..Behaviour::default() };
    let response = sign_in(&mut app.anonymous(), &provider, silent).await;
    assert_eq!((response.status, response.text("h1").as_str()), (503, DOWN));
    app.finish().await;
}

#[tokio::test]
async fn new_keys_of_the_provider_are_read_once() {
    let (app, provider) = start().await;
    let right = Behaviour::default();
    assert_eq!(sign_in(&mut app.anonymous(), &provider, right.clone()).await.status, 303);
    provider.rotate("second");
    for _ in 0..2 {
        assert_eq!(sign_in(&mut app.anonymous(), &provider, right.clone()).await.status, 303);
    }
    assert_eq!(provider.requests("keys"), 2);
    // Tokens with unknown keys do not make Gatepost read the keys again and again.
    for _ in 0..3 {
        let unknown = Behaviour { header: json!({ "kid": "unknown" }), ..Behaviour::default() };
        assert_eq!(sign_in(&mut app.anonymous(), &provider, unknown).await.status, 403);
    }
    assert_eq!(provider.requests("keys"), 2);
    app.finish().await;
}

#[tokio::test]
async fn a_class_of_authentication_can_be_required() {
    let (app, provider) = start_with(|config| {
        let oidc = config.oidc.as_mut().unwrap();
        oidc.acr_values = ["mfa", "hardware"].map(str::to_owned).to_vec();
    })
    .await;
    let started = app.anonymous().get("/login/sso").await;
    assert!(started.location().contains("acr_values=mfa+hardware"), "{}", started.location());
    for (class, status) in [
        (json!("mfa"), 303),
        (json!("hardware"), 303),
        (json!("password"), 403),
        (json!(""), 403),
        (json!(null), 403),
    ] {
        let claims = json!({ "acr": class });
        let behaviour = Behaviour { claims, ..Behaviour::default() };
        let response = sign_in(&mut app.anonymous(), &provider, behaviour).await;
        assert_eq!(response.status, status, "{class}: {}", response.body);
        if status == 403 {
            assert_eq!(response.text("h1"), "A stronger sign-in is required");
        }
    }
    app.finish().await;
}
