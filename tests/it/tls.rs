//! TLS without a reverse proxy: the certificate is served, and replaced without a restart.

use std::path::Path;
use std::process::Command;

use chrono::{Datelike as _, TimeDelta};
use rcgen::{CertificateParams, CertifiedKey, KeyPair, date_time_ymd, generate_simple_self_signed};
use serde_json::Value;

use crate::support::database::TestDatabase;
use crate::support::process::{
    Server, directory, gatepost, wait_long, with_admin, with_args, with_database,
};

/// Writes a new certificate and its key into a directory. Returns the certificate.
fn write_certificate(directory: &Path) -> String {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(directory.join("key.pem"), signing_key.serialize_pem()).unwrap();
    std::fs::write(directory.join("cert.pem"), cert.pem()).unwrap();
    cert.pem()
}

/// Writes a certificate that expires in some days, and its key.
fn write_certificate_for(directory: &Path, days: i64) {
    let end = gatepost::app::system_sources().now() + TimeDelta::days(days);
    let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let (month, day) = (end.month().try_into().unwrap(), end.day().try_into().unwrap());
    params.not_after = date_time_ymd(end.year(), month, day);
    let key = KeyPair::generate().unwrap();
    std::fs::write(directory.join("key.pem"), key.serialize_pem()).unwrap();
    std::fs::write(directory.join("cert.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
}

/// Returns the state and the finding of a check of `gatepost doctor`; empty if it was left out.
async fn diagnose(database: &TestDatabase, directory: &Path, id: &str) -> (String, String) {
    let command = with_args(command(database, directory), &["doctor", "--json"]);
    let ended = crate::support::process::run(command, "").await;
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    let check = report["checks"].as_array().unwrap().iter().find(|check| check["id"] == id);
    let text = |name: &str| check.map_or("", |check| check[name].as_str().unwrap()).to_owned();
    (text("state"), text("found"))
}

#[tokio::test]
async fn doctor_reports_files_with_which_the_server_does_not_start_and_the_end_of_the_certificate()
{
    let database = TestDatabase::create().await;
    let files = directory();
    for (days, state, words) in
        [(400, "ok", "is valid until"), (5, "warning", "expires in"), (-2, "problem", "expired on")]
    {
        write_certificate_for(files.path(), days);
        let (found_state, found) = diagnose(&database, files.path(), "tls_certificate").await;
        assert_eq!(found_state, state, "{found}");
        assert!(found.contains(words), "{found}");
        assert_eq!(diagnose(&database, files.path(), "settings").await.0, "ok");
    }
    // Both settings can name the same file.
    let (cert, key) = (files.path().join("cert.pem"), files.path().join("key.pem"));
    let both = std::fs::read_to_string(&key).unwrap() + &std::fs::read_to_string(&cert).unwrap();
    std::fs::write(&cert, &both).unwrap();
    std::fs::write(&key, &both).unwrap();
    assert_eq!(diagnose(&database, files.path(), "settings").await.0, "ok");
    let other = KeyPair::generate().unwrap().serialize_pem();
    std::fs::write(files.path().join("key.pem"), other).unwrap();
    let (state, found) = diagnose(&database, files.path(), "settings").await;
    assert!(state == "problem" && found.contains("does not belong to"), "{found}");
    assert_eq!(diagnose(&database, files.path(), "tls_certificate").await.0, "");
    std::fs::remove_file(files.path().join("cert.pem")).unwrap();
    let (state, found) = diagnose(&database, files.path(), "settings").await;
    assert!(state == "problem" && found.contains("cannot be read"), "{found}");
    database.drop().await;
}

fn command(database: &TestDatabase, directory: &Path) -> Command {
    let mut command = with_admin(with_database(gatepost(), database.url()));
    command.env("GATEPOST_TLS_CERTIFICATE_FILE", directory.join("cert.pem"));
    command.env("GATEPOST_TLS_KEY_FILE", directory.join("key.pem"));
    command
}

/// A client that trusts only one certificate.
#[expect(clippy::disallowed_methods, reason = "a client of the server under test")]
fn client(pem: &str) -> reqwest::Client {
    let certificate = reqwest::Certificate::from_pem(pem.as_bytes()).unwrap();
    // Without kept connections, so that each request does a handshake.
    let builder = reqwest::Client::builder().pool_max_idle_per_host(0).no_proxy();
    builder.tls_certs_only([certificate]).build().unwrap()
}

#[tokio::test]
async fn the_certificate_is_served_and_replaced_without_a_restart() {
    let database = TestDatabase::create().await;
    let files = directory();
    let first = write_certificate(files.path());
    let log = files.path().join("log");
    let mut command = command(&database, files.path());
    command.stderr(std::fs::File::create(&log).unwrap());
    let server = Server::start(command).await;
    assert!(server.base.starts_with("https://"), "{}", server.base);
    let login = format!("{}/login", server.base);
    let page = client(&first).get(&login).send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.headers().contains_key("strict-transport-security"));
    let cookie = page.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.contains("Secure"), "{cookie}");
    // Without TLS there is only advice.
    let refused = reqwest::get(login.replace("https", "http")).await.unwrap();
    assert_eq!(
        (refused.status(), refused.headers().contains_key("location")),
        (400.try_into().unwrap(), false)
    );
    assert!(refused.text().await.unwrap().contains("Write https://"));
    for (url, words) in [
        (server.base.replace("https", "http"), "This server uses HTTPS. Write https://"),
        (server.base.clone(), "set SSL_CERT_FILE to the certificate"),
    ] {
        let event = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/demo/request.json");
        let args = ["events", "send", event, "--url", &url, "--token", "gp_x"];
        let failure =
            crate::support::process::run(with_args(gatepost(), &args), "").await.failure();
        assert!(failure.contains(words), "{failure}");
    }
    // Clients that send nothing, or something else than TLS, do not keep others from being served.
    let address = server.base.trim_start_matches("https://");
    let _silent = tokio::net::TcpStream::connect(address).await.unwrap();
    assert_eq!(client(&first).get(&login).send().await.unwrap().status(), 200);

    // Only the key was replaced: the certificate in use stays.
    std::fs::write(files.path().join("key.pem"), KeyPair::generate().unwrap().serialize_pem())
        .unwrap();
    let logged = |text: &str| std::fs::read_to_string(&log).unwrap().contains(text);
    wait_long("the warning", async || logged("could not reload the TLS certificate")).await;
    assert_eq!(client(&first).get(&login).send().await.unwrap().status(), 200);
    let second = write_certificate(files.path());
    wait_long("the new certificate", async || client(&second).get(&login).send().await.is_ok())
        .await;
    assert!(client(&first).get(&login).send().await.is_err(), "the old one is not served any more");
    assert_eq!(server.interrupt().await, Some(0));
    database.drop().await;
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named() {
    let database = TestDatabase::create().await;
    let files = directory();
    write_certificate(files.path());
    let other = KeyPair::generate().unwrap().serialize_pem();
    let key = std::fs::read_to_string(files.path().join("key.pem")).unwrap();
    let certificate = std::fs::read_to_string(files.path().join("cert.pem")).unwrap();
    for (certificate, key, words) in [
        ("", key.as_str(), ["GATEPOST_TLS_CERTIFICATE_FILE", "no certificate"]),
        (key.as_str(), key.as_str(), ["GATEPOST_TLS_CERTIFICATE_FILE", "no certificate"]),
        (certificate.as_str(), "", ["GATEPOST_TLS_KEY_FILE", "no private key"]),
        (certificate.as_str(), certificate.as_str(), ["GATEPOST_TLS_KEY_FILE", "no private key"]),
        (certificate.as_str(), ENCRYPTED_KEY, ["is encrypted", "openssl pkey"]),
        (certificate.as_str(), other.as_str(), ["does not belong", "use the key that was made"]),
    ] {
        std::fs::write(files.path().join("cert.pem"), certificate).unwrap();
        std::fs::write(files.path().join("key.pem"), key).unwrap();
        let error = run(command(&database, files.path())).await;
        assert!(words.iter().all(|word| error.contains(word)), "{words:?}: {error}");
        assert!(!error.contains("KeyMismatch"), "{error}");
    }
    let mut missing = command(&database, files.path());
    missing.env("GATEPOST_TLS_KEY_FILE", "/no/such/key.pem");
    assert!(run(missing).await.contains("cannot be read"));
    let mut alone = command(&database, files.path());
    alone.env_remove("GATEPOST_TLS_KEY_FILE");
    assert!(run(alone).await.contains("must be set together"));
    let mut plain = command(&database, files.path());
    plain.env("GATEPOST_PUBLIC_URL", "http://gatepost.example.com");
    assert!(run(plain).await.contains("GATEPOST_PUBLIC_URL must begin with https://"));
    database.drop().await;
}

/// The server does not read more than the first line.
const ENCRYPTED_KEY: &str =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n";

/// Runs a server that cannot start, and returns what it says.
async fn run(mut command: Command) -> String {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}
