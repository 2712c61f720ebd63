//! Fields of the webhook form that take a typed value or a saved secret.

use super::with;
use crate::support::TestApp;
use crate::support::logpoint::Pem;

const SHARED_KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Every field of the form with a menu of saved secrets, also one that is added later.
#[tokio::test]
async fn a_value_typed_beside_a_chosen_secret_is_never_dropped() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    ann.get("/secrets/new").await;
    let secret = [("name", "a_key"), ("value", "x"), ("hosts", "https://archive.example.com")];
    assert_eq!(ann.post("/secrets", &secret).await.status, 303);
    let form = ann.get("/webhooks/new").await.fields("#webhook-form");
    let menus: Vec<&str> =
        form.iter().filter_map(|(name, _)| name.strip_suffix("_saved")).collect();
    assert_eq!(menus.len(), 5, "{menus:?}");
    let Pem { certificate, key } = Pem::self_signed().unwrap();
    for field in menus {
        let (value, more) = match field {
            "auth_token" => ("t0ken", vec![("auth_kind", "bearer")]),
            "auth_password" => ("pw", vec![("auth_kind", "basic"), ("auth_username", "svc")]),
            "auth_client_secret" => (
                "pw",
                vec![
                    ("auth_kind", "oauth"),
                    ("auth_client_id", "gatepost"),
                    ("auth_token_endpoint_url", "https://archive.example.com/token"),
                ],
            ),
            "signing_key" => (SHARED_KEY, vec![("signing_scheme", "v1")]),
            "tls_client_key" => {
                (key.as_str(), vec![("tls_client_certificate", certificate.as_str())])
            }
            other => panic!("add a value for {other}"),
        };
        let menu = format!("{field}_saved");
        let both = [("name", field), (field, value), (menu.as_str(), "a_key")];
        let fields = with(&[both.as_slice(), &more].concat());
        for path in ["/webhooks/test", "/webhooks"] {
            let seen = ann.post(path, &fields).await;
            assert_eq!(seen.status, 422, "{path} {field}");
            let error = seen.text(&format!("#{field}-error"));
            assert!(error.contains("chose the secret a_key"), "{path} {field}: {error}");
            assert!(seen.texts(&format!("#{menu} option[selected]")).is_empty(), "{field}");
            // Submitting again what the page shows uses the value.
            let shown = seen.fields("#webhook-form");
            let typed = shown.iter().find(|(name, _)| name == field).unwrap();
            assert_eq!(typed.1.trim_end(), value.trim_end(), "{field}");
            if path == "/webhooks" {
                let shown: Vec<_> = shown.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
                let saved = ann.post(path, &shown).await;
                assert_eq!(saved.status, 303, "{field}: {}", saved.body);
            }
        }
        let sql = "select definition from webhooks where name = $1";
        let stored: String =
            sqlx::query_scalar(sql).bind(field).fetch_one(app.database.pool()).await.unwrap();
        assert!(stored.contains("secrets.") && !stored.contains("a_key"), "{field}: {stored}");
    }
    app.finish().await;
}

/// What is left in the fields of another kind of authentication is not an error.
#[tokio::test]
async fn unused_fields_are_not_compared_with_the_menu() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    ann.get("/webhooks/new").await;
    let fields = with(&[
        ("auth_token", "t0ken"),
        ("auth_token_saved", "a_key"),
        ("signing_key", SHARED_KEY),
        ("signing_key_saved", "a_key"),
    ]);
    assert_eq!(ann.post("/webhooks", &fields).await.status, 303);
    app.finish().await;
}
