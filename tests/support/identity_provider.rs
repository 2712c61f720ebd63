//! Single sign-on in tests: the settings, and the certified provider `oidc-provider`.

use std::path::Path;
use std::process::Stdio;

use gatepost::config::{Config, OidcSettings};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::app::TestApp;
use super::http;

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
    issuer: String,
    process: Child,
    /// The provider writes to it while it runs.
    _output: Lines<BufReader<ChildStdout>>,
}

impl Provider {
    async fn start_at(port: u16, public_url: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("script/run-oidc-provider");
        let mut process = Command::new(script)
            .args([&port.to_string(), public_url])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        while lines.next_line().await.unwrap().expect("the provider has ended") != "ready" {}
        Self { issuer: format!("http://127.0.0.1:{port}"), process, _output: lines }
    }

    /// Puts a user into a group.
    pub(crate) async fn set_group(&self, name: &str, group: &str) {
        let path = format!("{}/test/groups/{name}/{group}", self.issuer);
        assert_eq!(http().post(path).send().await.unwrap().status(), 200);
    }

    /// Ends the provider.
    pub(crate) async fn stop(&mut self) {
        self.process.kill().await.unwrap();
    }

    /// Starts an app with single sign-on, and its provider.
    pub(crate) async fn start_with_app() -> (TestApp, Self) {
        let (app, port) = app_without_provider().await;
        let public_url = app.url("");
        let provider = Self::start_at(port, &public_url).await;
        (app, provider)
    }
}

/// Starts an app with single sign-on whose provider does not run. Returns the provider's port.
pub(crate) async fn app_without_provider() -> (TestApp, u16) {
    let port = free_address().port();
    let app = TestApp::start_with(|config| {
        configure(config, &format!("http://127.0.0.1:{port}"));
        let settings = config.oidc.as_mut().unwrap();
        settings.scopes.push("groups".to_owned());
    })
    .await;
    (app, port)
}
