//! TLS without a reverse proxy: the certificate is served, and replaced without a restart.

use std::path::Path;
use std::process::Command;

use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};

use crate::support::database::TestDatabase;
use crate::support::process::{Server, directory, gatepost, wait_long, with_admin, with_database};

/// Writes a new certificate and its key into a directory. Returns the certificate.
fn write_certificate(directory: &Path) -> String {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(directory.join("key.pem"), signing_key.serialize_pem()).unwrap();
    std::fs::write(directory.join("cert.pem"), cert.pem()).unwrap();
    cert.pem()
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
    // Without TLS there is no response.
    assert!(reqwest::get(login.replace("https", "http")).await.is_err());
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
        (certificate.as_str(), other.as_str(), ["GATEPOST_TLS_KEY_FILE", "does not belong"]),
    ] {
        std::fs::write(files.path().join("cert.pem"), certificate).unwrap();
        std::fs::write(files.path().join("key.pem"), key).unwrap();
        let error = run(command(&database, files.path())).await;
        assert!(words.iter().all(|word| error.contains(word)), "{words:?}: {error}");
    }
    let mut missing = command(&database, files.path());
    missing.env("GATEPOST_TLS_KEY_FILE", "/no/such/key.pem");
    assert!(run(missing).await.contains("cannot be read"));
    let mut alone = command(&database, files.path());
    alone.env_remove("GATEPOST_TLS_KEY_FILE");
    assert!(run(alone).await.contains("must be set together"));
    database.drop().await;
}

/// Runs a server that cannot start, and returns what it says.
async fn run(mut command: Command) -> String {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}
