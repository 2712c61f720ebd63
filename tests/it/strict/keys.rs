//! RSA keys under strict mode: those of targets, of private authorities, and of the server itself.

use gatepost::model::SecurityPolicy;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_RSA_SHA256, RsaKeySize,
};
use serde_json::json;

use super::start;
use crate::support::builders::WebhookBuilder;
use crate::support::database::TestDatabase;
use crate::support::logpoint::{Certificate, FakeLogpoint, Options, Pem};
use crate::support::process::{Server, directory, gatepost, run, with_database};
use crate::support::scenario::Scenario;
use crate::support::{TestApp, event};

fn rsa(size: RsaKeySize) -> KeyPair {
    KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, size).unwrap()
}

fn params() -> CertificateParams {
    CertificateParams::new(["127.0.0.1".to_owned()]).unwrap()
}

fn self_signed(key: &KeyPair) -> Pem {
    let certificate = params().self_signed(key).unwrap().pem();
    Pem { certificate, key: key.serialize_pem() }
}

/// A certificate with a short key that an authority has issued, and the certificate of the authority (PEM).
fn issued_by(authority: KeyPair) -> (Pem, String) {
    let mut root = params();
    root.distinguished_name.push(DnType::CommonName, "root");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = root.self_signed(&authority).unwrap().pem();
    let issuer = Issuer::new(root, authority);
    let key = KeyPair::generate().unwrap();
    let certificate = params().signed_by(&key, &issuer).unwrap().pem();
    (Pem { certificate, key: key.serialize_pem() }, pem)
}

async fn with_certificate(certificate: Pem) -> FakeLogpoint {
    let certificate = Certificate::Given(certificate);
    FakeLogpoint::start(Options { certificate, ..Options::default() }).await
}

/// Sends an event to a webhook that was saved without strict mode, and returns the error of the first attempt; empty if it was
/// delivered.
async fn attempt(webhook: WebhookBuilder, policy: SecurityPolicy) -> String {
    let Scenario { app, logpoint: _logpoint, token, .. } =
        Scenario::with_webhook(|_default| webhook).await;
    let app = app.restart_with(|config| config.policy = policy).await;
    app.send(&token, &event("Granted", "1")).await;
    let read = async |app: &TestApp| {
        let found = "select coalesce(last_error, '') from deliveries
                     where state = 'delivered' or last_error is not null";
        let found = sqlx::query_scalar::<_, String>(found);
        found.fetch_optional(app.database.pool()).await.unwrap()
    };
    app.wait_until("the first attempt", async || read(&app).await.is_some()).await;
    let error = read(&app).await.unwrap();
    app.finish_with_leftovers().await;
    error
}

#[tokio::test]
async fn a_target_with_a_short_key_gets_nothing() {
    for (size, policy, expected) in [
        (RsaKeySize::_2048, SecurityPolicy::STRICT, "Strict mode requires a longer RSA key"),
        (RsaKeySize::_2048, SecurityPolicy::default(), ""),
        (RsaKeySize::_3072, SecurityPolicy::STRICT, ""),
    ] {
        let target = with_certificate(self_signed(&rsa(size))).await;
        let error = attempt(WebhookBuilder::reopen(&target), policy).await;
        assert_eq!(error, expected);
        assert_eq!(target.requests().len(), usize::from(expected.is_empty()));
    }
}

#[tokio::test]
async fn an_authority_with_a_short_key_is_not_trusted() {
    for (size, is_permitted) in [(RsaKeySize::_2048, false), (RsaKeySize::_3072, true)] {
        let (certificate, authority) = issued_by(rsa(size));
        let target = with_certificate(certificate).await;
        let tls = json!({ "verify": "ca", "pem": authority });
        let webhook = WebhookBuilder::reopen(&target).with("tls", tls);
        let error = attempt(webhook.clone(), SecurityPolicy::STRICT).await;
        let expected = if is_permitted { "" } else { "Strict mode requires a longer RSA key" };
        assert_eq!(error, expected);
        // It cannot be entered either.
        let app = start().await;
        let imported = app.import(&webhook.file()).await;
        assert_eq!(imported.is_ok(), is_permitted, "{imported:?}");
        if let Err(error) = imported {
            assert!(error.contains("an RSA key of 2048 bits, and strict mode requires"), "{error}");
            assert!(error.contains("Use one with an ECDSA key"), "{error}");
        }
        app.finish().await;
    }
}

#[tokio::test]
async fn the_server_does_not_start_with_a_short_key() {
    let database = TestDatabase::create().await;
    for (size, is_permitted) in [(RsaKeySize::_2048, false), (RsaKeySize::_3072, true)] {
        let files = directory();
        let Pem { certificate, key } = self_signed(&rsa(size));
        std::fs::write(files.path().join("cert.pem"), certificate).unwrap();
        std::fs::write(files.path().join("key.pem"), key).unwrap();
        let mut command = with_database(gatepost(), database.url());
        command.env("GATEPOST_STRICT", "true");
        command.env("GATEPOST_PUBLIC_URL", "https://gatepost.example.com");
        command.env("GATEPOST_TLS_CERTIFICATE_FILE", files.path().join("cert.pem"));
        command.env("GATEPOST_TLS_KEY_FILE", files.path().join("key.pem"));
        if is_permitted {
            assert_eq!(Server::start(command).await.interrupt().await, Some(0));
        } else {
            let message = run(command, "").await.failure();
            assert!(message.contains("cert.pem has an RSA key of 2048 bits"), "{message}");
        }
    }
    database.drop().await;
}
