//! Single sign-on with an identity provider.

mod certified;
mod confirming;
mod doctor;
mod fake_provider;
mod refusals;
mod rsa;
mod strict;
mod tokens;
mod users;

use gatepost::config::Config;

use crate::support::TestApp;
use crate::support::identity_provider::configure;
use crate::support::user::{TestResponse, TestUser};
use fake_provider::{Behaviour, FakeProvider};

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

/// Follows the path to which the provider has sent the browser, and the redirect to the page about a failure.
async fn come_back(user: &mut TestUser, path: &str) -> TestResponse {
    let response = user.get(path).await;
    if response.status == 303 && response.location() == "/login/sso/failed" {
        return user.get("/login/sso/failed").await;
    }
    response
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
    come_back(user, &provider.authorize(started.location())).await
}
