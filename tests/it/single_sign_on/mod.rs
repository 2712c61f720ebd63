//! Single sign-on with an identity provider.

mod confirming;
mod fake_provider;
mod tokens;
mod users;

use gatepost::config::{Config, OidcSettings};

use crate::support::TestApp;
use crate::support::user::{TestResponse, TestUser};
use fake_provider::{Behaviour, CLIENT_ID, CLIENT_SECRET, FakeProvider};

/// Returns the address of a port that is free.
fn free_address() -> std::net::SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Turns single sign-on with this provider on.
fn configure(config: &mut Config, issuer: &str) {
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
        name: "Example ID".to_owned(),
        authorities: None,
        allow_http: true,
        public_url,
    });
}

/// Starts an app with single sign-on.
async fn start() -> (TestApp, FakeProvider) {
    start_with(|_config| {}).await
}

async fn start_with(change: impl FnOnce(&mut Config)) -> (TestApp, FakeProvider) {
    let provider = FakeProvider::start().await;
    let app = TestApp::start_with(|config| {
        configure(config, provider.issuer());
        change(config);
    })
    .await;
    (app, provider)
}

/// Signs in, and returns the response to the browser that comes back.
async fn sign_in(
    user: &mut TestUser,
    provider: &FakeProvider,
    behaviour: Behaviour,
) -> TestResponse {
    provider.behave(behaviour);
    let started = user.get("/login/sso?next=%2Fevents").await;
    if started.status != 303 {
        return started;
    }
    user.get(&provider.authorize(started.location())).await
}
