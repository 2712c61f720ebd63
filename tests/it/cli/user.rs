//! `gatepost user`.

use super::{assert_says, beside, beside_with_input};
use crate::support::authenticator::Authenticator;
use crate::support::clock::MovedClock;
use crate::support::database::TestDatabase;
use crate::support::process::{Server, gatepost, with_database};
use crate::support::user::TestUser;

const EMAIL: &str = "ann@example.com";
const PASSWORD: &str = "correct horse battery";
const NEW_PASSWORD: &str = "purple kayak on a quiet lake";
/// Hard to guess, and in the embedded list.
const LEAKED_PASSWORD: &str = "0a3y4g9j8s3l0j0jh93k";

async fn create(database: &TestDatabase, email: &str, role: &str) -> String {
    let args = ["user", "create", email, "--role", role, "--password-stdin"];
    beside_with_input(database, &args, &format!("{PASSWORD}\n")).await.printed()
}

#[tokio::test]
async fn creates_lists_and_changes_users() {
    let database = TestDatabase::create().await;
    assert_eq!(
        create(&database, EMAIL, "admin").await,
        "Created the administrator ann@example.com.\n"
    );
    create(&database, "ben@example.com", "viewer").await;
    let server = Server::start(with_database(gatepost(), database.url())).await;
    let mut ann = TestUser::new(server.base.clone());
    ann.sign_in(EMAIL, PASSWORD).await;
    let mut ben = TestUser::new(server.base.clone());
    ben.sign_in("ben@example.com", PASSWORD).await;

    let disabled = beside(&database, &["user", "disable", "BEN@example.com"]).await.printed();
    assert_eq!(disabled, "Disabled BEN@example.com.\n");
    assert!(ben.get("/webhooks").await.location().starts_with("/login"));
    let listed = beside(&database, &["user", "list"]).await.printed();
    let lines: Vec<&str> = listed.lines().collect();
    assert!(lines[0].starts_with("EMAIL "), "{listed}");
    assert!(
        lines[1].starts_with("ann@example.com  admin   active    password        off         20"),
        "{listed}"
    );
    assert!(
        lines[2].starts_with("ben@example.com  viewer  disabled  password        off         20"),
        "{listed}"
    );
    beside(&database, &["user", "enable", "ben@example.com"]).await.printed();
    ben.sign_in("ben@example.com", PASSWORD).await;

    // A locked-out administrator gets a new password, and all sessions end.
    let args = ["user", "reset-password", EMAIL, "--password-stdin"];
    let reset = beside_with_input(&database, &args, &format!("{NEW_PASSWORD}\r\n")).await.printed();
    assert_says(&reset, &["Changed the password of ann@example.com", "ended all sessions"]);
    assert!(ann.get("/webhooks").await.location().starts_with("/login"));
    ann.sign_in(EMAIL, NEW_PASSWORD).await;
    assert_eq!(server.interrupt().await, Some(0));
    let recorded: Vec<String> = sqlx::query_scalar(
        "select action from audit_log where actor_kind = 'command_line' order by seq",
    )
    .fetch_all(database.pool())
    .await
    .unwrap();
    let expected =
        ["user.created", "user.created", "user.disabled", "user.enabled", "user.password_reset"];
    assert_eq!(recorded, expected);
    database.drop().await;
}

#[tokio::test]
async fn reports_what_cannot_be_done_and_changes_nothing() {
    let database = TestDatabase::create().await;
    create(&database, EMAIL, "admin").await;
    for (args, input, words) in [
        (
            &["user", "create", "ANN@example.com", "--role", "viewer", "--password-stdin"][..],
            PASSWORD,
            &["already a user"][..],
        ),
        (
            &["user", "create", "ann", "--role", "viewer", "--password-stdin"],
            PASSWORD,
            &["Enter an email address"],
        ),
        (
            &["user", "create", "b@example.com", "--role", "owner"],
            PASSWORD,
            &["use admin, editor or viewer"],
        ),
        (&["user", "create", "b@example.com", "--role", "viewer"], PASSWORD, &["--password-stdin"]),
        (
            &["user", "create", "b@example.com", "--role", "viewer", "--password-stdin"],
            "short",
            &["at least 12 characters"],
        ),
        (
            &["user", "create", "b@example.com", "--role", "viewer", "--password-stdin"],
            "password1234",
            &["too easy to guess"],
        ),
        (
            &["user", "create", "b@example.com", "--role", "viewer", "--password-stdin"],
            LEAKED_PASSWORD,
            &["This password is in lists of leaked passwords. Choose another one."],
        ),
        (
            &["user", "reset-password", EMAIL, "--password-stdin"],
            LEAKED_PASSWORD,
            &["This password is in lists of leaked passwords. Choose another one."],
        ),
        (
            &["user", "reset-password", "b@example.com", "--password-stdin"],
            PASSWORD,
            &["\"b@example.com\"", "gatepost user list"],
        ),
        (&["user", "disable", "b@example.com"], "", &["\"b@example.com\"", "gatepost user list"]),
        (&["user", "disable", EMAIL], "", &["last active administrator", "Make another user"]),
    ] {
        assert_says(&beside_with_input(&database, args, input).await.failure(), words);
    }
    let users: Vec<(String, String)> =
        sqlx::query_as("select email, status from users").fetch_all(database.pool()).await.unwrap();
    assert_eq!(users, [(EMAIL.to_owned(), "active".to_owned())]);
    database.drop().await;
}

#[tokio::test]
async fn resets_a_lost_second_factor() {
    let database = TestDatabase::create().await;
    create(&database, EMAIL, "admin").await;
    let args = ["user", "reset-two-factor", EMAIL];
    let refused = beside(&database, &args).await.failure();
    assert_says(&refused, &["ann@example.com has not set up two-factor authentication"]);
    let unknown = beside(&database, &["user", "reset-two-factor", "x@example.com"]).await.failure();
    assert_says(&unknown, &["there is no user \"x@example.com\""]);
    let server = Server::start(with_database(gatepost(), database.url())).await;
    let mut ann = TestUser::new(server.base.clone());
    ann.sign_in(EMAIL, PASSWORD).await;
    let now = MovedClock::default().sources().now();
    Authenticator::enrol_at(now, &mut ann).await;
    let done = beside(&database, &["user", "reset-two-factor", "ANN@example.com"]).await.printed();
    assert_says(&done, &["Reset the two-factor authentication of ann@example.com", "all sessions"]);
    assert!(ann.get("/webhooks").await.location().starts_with("/login"));
    ann.sign_in(EMAIL, PASSWORD).await;
    assert_eq!(server.interrupt().await, Some(0));
    database.drop().await;
}

#[tokio::test]
async fn a_new_password_leaves_the_second_factor() {
    let database = TestDatabase::create().await;
    create(&database, EMAIL, "admin").await;
    let server = Server::start(with_database(gatepost(), database.url())).await;
    let mut ann = TestUser::new(server.base.clone());
    ann.sign_in(EMAIL, PASSWORD).await;
    Authenticator::enrol_at(MovedClock::default().sources().now(), &mut ann).await;
    let args = ["user", "reset-password", EMAIL, "--password-stdin"];
    beside_with_input(&database, &args, &format!("{NEW_PASSWORD}\n")).await.printed();
    ann.get("/login").await;
    let response = ann.post("/login", &[("email", EMAIL), ("password", NEW_PASSWORD)]).await;
    assert!(response.location().starts_with("/login/code"), "{}", response.location());
    assert_eq!(server.interrupt().await, Some(0));
    database.drop().await;
}
