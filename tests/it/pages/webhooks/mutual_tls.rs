//! Client certificates, the minimum TLS version, and checking pasted PEM.

use super::with;
use crate::support::TestApp;
use crate::support::logpoint::{
    Behaviour, Certificate, FakeLogpoint, Options, Pem, TlsRequirements,
};

#[tokio::test]
async fn the_client_certificate_of_the_form_is_sent_to_the_server() {
    let app = TestApp::start().await;
    let (mine, other) = (Pem::self_signed().unwrap(), Pem::self_signed().unwrap());
    let requirements =
        TlsRequirements { client_authority: Some(mine.certificate.clone()), is_old: false };
    let target = FakeLogpoint::start(Options { requirements, ..Options::default() }).await;
    target.behave([Behaviour::Accept]);
    let mut ann = app.admin().await;
    let url = target.url("/x");
    for (client, verdict) in [
        (None, "requires a client certificate"),
        (Some(&other), "rejected the client certificate"),
        (Some(&mine), "Delivered"),
    ] {
        ann.get("/webhooks/new").await;
        let mut fields = with(&[
            ("url", url.as_str()),
            ("body_template", "{}"),
            ("tls_verify", "pinned"),
            ("tls_sha256", target.fingerprint()),
        ]);
        if let Some(client) = client {
            fields.push(("tls_client_certificate", client.certificate.as_str()));
            fields.push(("tls_client_key", client.key.as_str()));
        }
        let result = ann.post_part("/webhooks/test", &fields).await;
        assert_eq!(result.status, 200, "{}", result.body);
        let panel = ann.get(&result.attribute("a.link", "href").unwrap()).await;
        let message = panel.text(".verdict");
        assert!(message.contains(verdict), "{verdict}: {message}");
        assert!(client.is_none_or(|client| !panel.body.contains(client.key.as_str())));
    }
    app.finish().await;
}

#[tokio::test]
async fn a_private_key_is_stored_as_a_secret() {
    let app = TestApp::start().await;
    let mine = Pem::self_signed().unwrap();
    let mut ann = app.admin().await;
    ann.get("/webhooks/new").await;
    let fields = with(&[
        ("tls_client_certificate", mine.certificate.as_str()),
        ("tls_client_key", mine.key.as_str()),
        ("tls_min_version", "1.3"),
    ]);
    assert_eq!(ann.post("/webhooks", &fields).await.status, 303);
    let edit = ann.first_webhook().await + "/edit";
    let form = ann.get(&edit).await;
    assert_eq!(form.typed("tls_client_key"), "");
    assert_eq!(form.texts("#tls_client_key_saved option[selected]"), ["Use client_key"]);
    assert!(form.typed("tls_client_certificate").contains("BEGIN CERTIFICATE"));
    assert_eq!(form.texts("#tls_min_version option[selected]"), ["TLS 1.3"]);
    let stored: String = sqlx::query_scalar("select definition from webhooks")
        .fetch_one(app.database.pool())
        .await
        .unwrap();
    assert!(!stored.contains("PRIVATE KEY"), "{stored}");
    app.finish().await;
}

#[tokio::test]
async fn an_old_tls_version_of_the_server_is_explained() {
    let app = TestApp::start().await;
    let requirements = TlsRequirements { is_old: true, ..TlsRequirements::default() };
    let target = FakeLogpoint::start(Options { requirements, ..Options::default() }).await;
    let mut ann = app.admin().await;
    let url = target.url("/x");
    for (version, verdict) in [("", "Delivered"), ("1.3", "only older TLS versions")] {
        target.behave([Behaviour::Accept]);
        ann.get("/webhooks/new").await;
        let fields = with(&[
            ("url", url.as_str()),
            ("body_template", "{}"),
            ("tls_verify", "none"),
            ("tls_min_version", version),
        ]);
        let result = ann.post_part("/webhooks/test", &fields).await;
        let panel = ann.get(&result.attribute("a.link", "href").unwrap()).await;
        let message = panel.text(".verdict");
        assert!(message.contains(verdict), "{version}: {message}");
    }
    app.finish().await;
}

#[tokio::test]
async fn pasted_pem_is_checked_at_once() {
    let app = TestApp::start().await;
    let (mine, other) = (Pem::self_signed().unwrap(), Pem::self_signed().unwrap());
    let signed = Options { certificate: Certificate::SignedByCa, ..Options::default() };
    let signed = FakeLogpoint::start(signed).await;
    let mut ann = app.admin().await;
    ann.get("/webhooks/new").await;
    let seen = ann.post_part("/webhooks/pem/authority", &[("tls_pem", signed.ca_pem())]).await;
    assert!(seen.text(".certificate").contains("Simulated authority"), "{}", seen.body);
    let half = mine.certificate.get(..200).unwrap();
    for (pem, hint) in [
        (half, "Copy the whole block"),
        ("hello", "contains no certificate"),
        (mine.key.as_str(), "This is a private key"),
    ] {
        let seen = ann.post_part("/webhooks/pem/authority", &[("tls_pem", pem)]).await;
        assert!(seen.text(".error").contains(hint), "{hint}: {}", seen.body);
    }
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----";
    for (key, hint) in [
        (mine.key.as_str(), "The private key matches"),
        (other.key.as_str(), "does not belong to the certificate"),
        (encrypted, "openssl pkey"),
        ("nonsense", "BEGIN PRIVATE KEY"),
    ] {
        let fields =
            [("tls_client_certificate", mine.certificate.as_str()), ("tls_client_key", key)];
        let seen = ann.post_part("/webhooks/pem/client", &fields).await;
        assert!(
            seen.html().root_element().text().collect::<String>().contains(hint),
            "{hint}: {}",
            seen.body
        );
        if hint.starts_with("The private key matches") {
            continue;
        }
        // Saving shows the same message at the field.
        let saved = ann.post("/webhooks", &with(&fields)).await;
        assert_eq!(saved.status, 422, "{hint}");
        assert!(saved.text("#tls_client_key-error").contains(hint), "{hint}: {}", saved.body);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_key_among_certificates_is_rejected_and_a_key_on_one_line_is_read() {
    let app = TestApp::start().await;
    let mine = Pem::self_signed().unwrap();
    let both = format!("{}{}", mine.key, mine.certificate);
    let mut ann = app.admin().await;
    for (field, fields) in [
        (
            "tls_client_certificate",
            vec![("tls_client_certificate", both.as_str()), ("tls_client_key", mine.key.as_str())],
        ),
        ("tls_pem", vec![("tls_verify", "ca"), ("tls_pem", both.as_str())]),
    ] {
        ann.get("/webhooks/new").await;
        let refused = ann.post("/webhooks", &with(&fields)).await;
        assert_eq!(refused.status, 422);
        let message = refused.text(&format!("#{field}-error"));
        assert!(message.contains("also contains a private key"), "{field}: {message}");
    }
    ann.get("/webhooks/new").await;
    let line = mine.key.replace('\n', " ");
    let fields =
        [("tls_client_certificate", mine.certificate.as_str()), ("tls_client_key", line.as_str())];
    assert_eq!(ann.post("/webhooks", &with(&fields)).await.status, 303);
    app.finish().await;
}
