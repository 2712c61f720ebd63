//! API tokens under strict mode: they expire.

use gatepost::actions::{IssueTokenError, NewToken};
use gatepost::identity::Scope;
use gatepost::model::{Actor, SecurityPolicy};

use super::{admin, start};
use crate::support::database::TestDatabase;
use crate::support::event;
use crate::support::process::{gatepost, run, with_args, with_database};
use crate::support::scenario::Scenario;

#[tokio::test]
async fn a_new_token_expires_within_a_year() {
    let app = start().await;
    for (days, is_permitted) in
        [(None, false), (Some(366), false), (Some(365), true), (Some(1), true)]
    {
        let name = format!("{days:?}");
        let lifetime = days.map(chrono::TimeDelta::days);
        let new = NewToken { name: &name, scope: Scope::Read, lifetime, signature: None };
        let issued = app.actions.issue_token(new, &Actor::COMMAND_LINE).await;
        assert_eq!(issued.is_ok(), is_permitted, "{days:?}");
        assert!(is_permitted || matches!(issued, Err(IssueTokenError::Lifetime(365))));
    }
    app.finish().await;
}

#[tokio::test]
async fn the_form_requires_an_expiry_and_says_why() {
    let app = start().await;
    let (mut ann, _device) = admin(&app).await;
    let page = ann.get("/tokens/new").await;
    assert_eq!(page.texts("#expires option"), ["30 days", "90 days", "365 days"]);
    assert!(page.text("#expires-hint").contains("Strict mode requires that tokens expire"));
    let fields = [("name", "Apono"), ("scope", "events"), ("expires", "never")];
    let seen = ann.post("/tokens", &fields).await;
    assert_eq!(seen.status, 422);
    assert!(seen.text("#expires-error").contains("Choose at most 365 days"), "{}", seen.body);
    assert_eq!(seen.attribute("#name", "value").unwrap(), "Apono");
    let fields = [("name", "Apono"), ("scope", "events"), ("expires", "365")];
    assert_eq!(ann.post("/tokens", &fields).await.text("h1"), "Token created");
    app.finish().await;
}

#[tokio::test]
async fn the_command_names_its_flag() {
    let database = TestDatabase::create().await;
    let create = |args: &[&str]| {
        let mut command = with_database(gatepost(), database.url());
        command.envs([
            ("GATEPOST_STRICT", "true"),
            ("GATEPOST_PUBLIC_URL", "https://gatepost.example.com"),
            ("GATEPOST_TRUSTED_PROXIES", "127.0.0.1"),
        ]);
        let args: Vec<&str> = ["token", "create", "Apono"].iter().chain(args).copied().collect();
        run(with_args(command, &args), "")
    };
    for args in [&[][..], &["--expires-in", "366d"]] {
        let message = create(args).await.failure();
        assert!(message.contains("expires after at most 365 days; set"), "{message}");
        assert!(message.contains("--expires-in 90d"), "{message}");
    }
    assert!(create(&["--expires-in", "365d"]).await.printed().starts_with("gp_"));
    database.drop().await;
}

#[tokio::test]
async fn a_token_without_expiry_from_before_keeps_working() {
    let Scenario { app, logpoint: _logpoint, token, .. } = Scenario::start().await;
    let app = app.restart_with(|config| config.policy = SecurityPolicy::STRICT).await;
    assert_eq!(app.send(&token, &event("Granted", "1")).await.0, 202);
    app.wait_for("delivered", 1).await;
    app.finish().await;
}
