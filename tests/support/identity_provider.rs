//! Single sign-on in tests: the settings, and the certified provider `oidc-provider`.

use std::path::Path;
use std::process::Stdio;

use gatepost::config::{Config, OidcSettings};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::app::TestApp;
use super::{http, http_trusting};

/// Gatepost's credentials at every provider. The secret has characters that must be encoded.
pub(crate) const CLIENT_ID: &str = "gatepost";
pub(crate) const CLIENT_SECRET: &str = "a:secret/with+signs";

/// Returns the address of a port that is free.
fn free_address() -> std::net::SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Turns single sign-on with this provider on.
pub(crate) fn configure(config: &mut Config, issuer: &str) {
    let address = free_address();
    let public_url: url::Url = format!("http://{address}").parse().unwrap();
    config.listen = address;
    config.public_url = Some(public_url.clone());
    config.oidc = Some(OidcSettings {
        issuer: issuer.to_owned(),
        client_id: CLIENT_ID.to_owned(),
        client_secret: CLIENT_SECRET.into(),
        role_claim: "groups".to_owned(),
        roles: "admins=admin,soc=editor,staff=viewer".to_owned(),
        scopes: ["openid", "email"].map(str::to_owned).to_vec(),
        acr_values: Vec::new(),
        name: "Example ID".to_owned(),
        authorities: None,
        allow_http: true,
        public_url,
    });
}

/// The provider, which ends when it is dropped.
pub(crate) struct Provider {
    port: u16,
    public_url: String,
    certificate: Option<Certificate>,
    running: Running,
}

struct Running {
    process: Child,
    /// The provider writes to it while it runs.
    _output: Lines<BufReader<ChildStdout>>,
}

/// A certificate for the provider.
pub(crate) struct Certificate {
    pub(crate) pem: String,
    /// Contains `certificate.pem` and `key.pem`.
    directory: TempDir,
}

impl Certificate {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let generated = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let pem = generated.cert.pem();
        std::fs::write(directory.path().join("certificate.pem"), &pem).unwrap();
        let key = generated.signing_key.serialize_pem();
        std::fs::write(directory.path().join("key.pem"), key).unwrap();
        Self { pem, directory }
    }
}

impl Provider {
    async fn start_at(port: u16, public_url: String, certificate: Option<Certificate>) -> Self {
        let running = run(port, &public_url, certificate.as_ref()).await;
        Self { port, public_url, certificate, running }
    }

    /// Puts a user into a group.
    pub(crate) async fn set_group(&self, name: &str, group: &str) {
        let scheme = if self.certificate.is_some() { "https" } else { "http" };
        let path = format!("{scheme}://127.0.0.1:{}/test/groups/{name}/{group}", self.port);
        assert_eq!(self.client().post(path).send().await.unwrap().status(), 200);
    }

    /// Returns a client that trusts the provider.
    pub(crate) fn client(&self) -> reqwest::Client {
        match &self.certificate {
            Some(certificate) => http_trusting(&certificate.pem),
            None => http(),
        }
    }

    /// Ends the provider.
    pub(crate) async fn stop(&mut self) {
        self.running.process.kill().await.unwrap();
    }

    /// Starts the provider again, with a new key for tokens and without sessions.
    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.running = run(self.port, &self.public_url, self.certificate.as_ref()).await;
    }

    /// Starts an app with single sign-on, and its provider.
    pub(crate) async fn start_with_app() -> (TestApp, Self) {
        let (app, port) = app_without_provider().await;
        let public_url = app.url("");
        let provider = Self::start_at(port, public_url, None).await;
        (app, provider)
    }

    /// Starts an app with single sign-on, and its provider, whose certificate only the app's settings make trusted.
    pub(crate) async fn start_with_app_and_tls() -> (TestApp, Self) {
        let certificate = Certificate::new();
        let port = free_address().port();
        let app = start_app(&format!("https://127.0.0.1:{port}"), Some(&certificate.pem)).await;
        let public_url = app.url("");
        let provider = Self::start_at(port, public_url, Some(certificate)).await;
        (app, provider)
    }
}

/// Runs the provider until its process is dropped.
async fn run(port: u16, public_url: &str, certificate: Option<&Certificate>) -> Running {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("script/run-oidc-provider");
    let mut command = Command::new(script);
    command.args([&port.to_string(), public_url]);
    if let Some(certificate) = certificate {
        let folder = certificate.directory.path();
        command.args([folder.join("certificate.pem"), folder.join("key.pem")]);
    }
    let mut process =
        command.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    while lines.next_line().await.unwrap().expect("the provider has ended") != "ready" {}
    Running { process, _output: lines }
}

/// Starts an app with single sign-on whose provider does not run. Returns the provider's port.
pub(crate) async fn app_without_provider() -> (TestApp, u16) {
    let port = free_address().port();
    (start_app(&format!("http://127.0.0.1:{port}"), None).await, port)
}

async fn start_app(issuer: &str, authorities: Option<&str>) -> TestApp {
    TestApp::start_with(|config| {
        configure(config, issuer);
        let settings = config.oidc.as_mut().unwrap();
        settings.scopes.push("groups".to_owned());
        settings.authorities = authorities.map(str::to_owned);
    })
    .await
}
