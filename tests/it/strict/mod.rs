//! Strict mode: what it requires of the settings and of users, targets and the identity provider.

mod checks;
mod keys;
mod second_factor;
mod start;
mod tokens;
mod transport;
mod webhooks;

use gatepost::model::SecurityPolicy;

use crate::support::TestApp;
use crate::support::app::{EMAIL, PASSWORD};
use crate::support::authenticator::Authenticator;
use crate::support::user::TestUser;

/// Starts an app in strict mode. Its settings need not meet it, because only the program checks them.
async fn start() -> TestApp {
    TestApp::start_with(|config| config.policy = SecurityPolicy::STRICT).await
}

/// Enters the password of a user without a second factor, who must set it up.
async fn enter_password(app: &TestApp, email: &str) -> TestUser {
    let mut user = app.anonymous();
    user.get("/login").await;
    let led = user.post("/login", &[("email", email), ("password", PASSWORD)]).await;
    assert!(led.location().starts_with("/account/two-factor/new"), "{}", led.body);
    user
}

/// Returns the administrator, signed in, with a second factor.
async fn admin(app: &TestApp) -> (TestUser, Authenticator) {
    let mut user = enter_password(app, EMAIL).await;
    let device = Authenticator::enrol(app, &mut user).await;
    (user, device)
}
