//! Certificates and handshakes that appliances have.

use std::process::Stdio;

use gatepost::identity::Scope;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::server::{End, OddServer, Reply};
use super::{attempted, send, webhook};
use crate::support::TestApp;
use crate::support::builders::WebhookBuilder;

fn ok() -> Reply {
    let bytes = b"HTTP/1.1 204 No Content\r\n\r\n".to_vec();
    Reply { bytes, end: End::KeepOpen }
}

/// Sends an event to one webhook and returns the explanation.
async fn verdict(webhook: WebhookBuilder) -> String {
    let app = TestApp::start().await;
    app.webhooks(&webhook.name("odd").file()).await;
    let token = app.token(Scope::Events).await;
    send(&app, &token, "1").await;
    let mut ann = app.admin().await;
    let verdict = attempted(&app, &mut ann, "odd").await.verdict;
    app.finish_with_leftovers().await;
    verdict
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn authority(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

#[tokio::test]
async fn an_expired_intermediate_is_told_apart_from_an_expired_certificate() {
    let root_key = KeyPair::generate().unwrap();
    let root = authority("root").self_signed(&root_key).unwrap();
    let root_issuer = Issuer::new(authority("root"), root_key);
    let mut middle_params = authority("middle");
    middle_params.not_after = date_time_ymd(2021, 1, 1);
    let middle_key = KeyPair::generate().unwrap();
    let middle = middle_params.signed_by(&middle_key, &root_issuer).unwrap();
    let middle_issuer = Issuer::new(middle_params, middle_key);
    let leaf_key = KeyPair::generate().unwrap();
    let leaf = params("leaf").signed_by(&leaf_key, &middle_issuer).unwrap();
    let chain = vec![leaf.der().clone(), middle.der().clone()];
    let server = OddServer::with_certificates(chain, &leaf_key).await;
    let verdict =
        verdict(webhook(&server, "x").with("tls", json!({ "verify": "ca", "pem": root.pem() })))
            .await;
    assert!(verdict.contains("An intermediate certificate of the server has expired"), "{verdict}");
}

#[tokio::test]
async fn a_certificate_of_the_server_itself_is_accepted_or_recognized_as_authority() {
    for (params, expected) in [
        (params("appliance"), "Delivered"),
        (authority("appliance"), "is the server's own, not that of an authority"),
    ] {
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let server = OddServer::with_certificates(vec![certificate.der().clone()], &key).await;
        server.reply("x", &[ok()]);
        let tls = json!({ "verify": "ca", "pem": certificate.pem() });
        let verdict = verdict(webhook(&server, "x").with("tls", tls)).await;
        assert!(verdict.contains(expected), "{verdict}");
    }
}

/// `openssl s_server`, which can do what rustls cannot. Stops when dropped.
struct OpensslServer {
    _process: Child,
    folder: TempDir,
    port: u16,
}

impl OpensslServer {
    /// Starts a server with an X.509 version 1 certificate.
    async fn start(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let request = [
            "req",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            "key",
            "-subj",
            "/CN=appliance",
            "-out",
            "csr",
        ];
        openssl(&folder, &request).await;
        // Without extensions, the version is 1.
        openssl(
            &folder,
            &["x509", "-req", "-in", "csr", "-signkey", "key", "-days", "9", "-out", "cert"],
        )
        .await;
        let mut process = Command::new("openssl")
            .args(["s_server", "-accept", "127.0.0.1:0", "-cert", "cert", "-key", "key", "-www"])
            .args(options)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = loop {
            let line = lines.next_line().await.unwrap().unwrap();
            if let Some(address) = line.strip_prefix("ACCEPT 127.0.0.1:") {
                break address.parse().unwrap();
            }
        };
        Self { _process: process, folder, port }
    }

    fn pem(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("cert")).unwrap()
    }

    async fn fingerprint(&self) -> String {
        let text =
            openssl(&self.folder, &["x509", "-in", "cert", "-noout", "-fingerprint", "-sha256"])
                .await;
        text.trim().split_once('=').unwrap().1.to_owned()
    }

    async fn verdict(&self, tls: Value) -> String {
        let url = format!("https://127.0.0.1:{}/", self.port);
        // It responds only to GET.
        let request = json!({ "http_request": { "url": url, "method": "GET" } });
        let webhook = WebhookBuilder::new("odd", &url).with("type", request).with("tls", tls);
        verdict(webhook.with("retry_schedule", json!(["24h"]))).await
    }
}

async fn openssl(folder: &TempDir, arguments: &[&str]) -> String {
    let run =
        Command::new("openssl").args(arguments).current_dir(folder.path()).output().await.unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap()
}

#[tokio::test]
async fn an_x509_version_1_certificate_is_accepted_by_its_key() {
    for version in ["-tls1_2", "-tls1_3"] {
        let server = OpensslServer::start(&[version]).await;
        let pin = server.fingerprint().await;
        for tls in [json!({ "verify": "pinned", "sha256": pin }), json!({ "verify": "none" })] {
            let verdict = server.verdict(tls).await;
            assert!(verdict.contains("Delivered"), "{version}: {verdict}");
        }
    }
    let server = OpensslServer::start(&[]).await;
    for (tls, expected) in [
        (json!({ "verify": "public" }), "self-signed"),
        (json!({ "verify": "ca", "pem": server.pem() }), "is the server's own"),
        (json!({ "verify": "pinned", "sha256": "AB".repeat(32) }), "not the pinned certificate"),
    ] {
        let verdict = server.verdict(tls).await;
        assert!(verdict.contains(expected), "{verdict}");
    }
}

#[tokio::test]
async fn a_server_without_a_common_cipher_is_told_apart_from_one_that_requires_a_certificate() {
    for (options, expected) in [
        (&["-tls1_2", "-cipher", "AES128-SHA"][..], "no cipher suite in common"),
        (&["-tls1_2", "-Verify", "1"][..], "requires a client certificate"),
        (&["-tls1_3", "-Verify", "1"][..], "requires a client certificate"),
        (&["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"][..], "only older TLS versions"),
    ] {
        let server = OpensslServer::start(options).await;
        let verdict = server.verdict(json!({ "verify": "none" })).await;
        assert!(verdict.contains(expected), "{options:?}: {verdict}");
    }
}
