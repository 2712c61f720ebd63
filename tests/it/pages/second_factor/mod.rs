//! The second factor: authenticator apps and recovery codes.

mod limits;
mod model;
mod pending;
mod required;
mod reset;
mod set_up;
mod sign_in;

use crate::support::TestApp;
use crate::support::app::{EMAIL, PASSWORD};
use crate::support::authenticator::Authenticator;
use crate::support::user::{TestResponse, TestUser};

const LOGIN: [(&str, &str); 2] = [("email", EMAIL), ("password", PASSWORD)];

/// Starts an app whose administrator has a second factor, and is signed in.
async fn start() -> (TestApp, TestUser, Authenticator) {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let device = Authenticator::enrol(&app, &mut ann).await;
    (app, ann, device)
}

/// Enters the password of the administrator, which leads to the page that asks for the code.
async fn enter_password(app: &TestApp) -> TestUser {
    let mut user = app.anonymous();
    enter_password_as(&mut user, EMAIL, PASSWORD).await;
    user
}

async fn enter_password_as(user: &mut TestUser, email: &str, password: &str) {
    user.get("/login").await;
    let asked = user.post("/login", &[("email", email), ("password", password)]).await;
    assert_eq!(asked.location(), "/login/code?next=", "{}", asked.body);
    assert_eq!(user.get("/login/code").await.status, 200);
}

async fn enter_code(user: &mut TestUser, code: &str) -> TestResponse {
    user.post("/login/code", &[("code", code)]).await
}

async fn is_signed_in(user: &mut TestUser) -> bool {
    user.get("/webhooks").await.status == 200
}

/// Returns the actions in the audit log after the first ones.
async fn recorded(app: &TestApp, skip: usize) -> Vec<String> {
    let all: Vec<String> = sqlx::query_scalar("select action from audit_log order by seq")
        .fetch_all(app.database.pool())
        .await
        .unwrap();
    all.into_iter().skip(skip).collect()
}
