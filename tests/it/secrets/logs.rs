//! Logs of the real program at the most detailed level.

use super::echo::{EchoServer, reveals};
use super::{fields, with};
use crate::support::app::{EMAIL, PASSWORD};
use crate::support::database::TestDatabase;
use crate::support::process::{
    Server, directory, gatepost, run, with_admin, with_args, with_database,
};
use crate::support::user::TestUser;

const KEY: &str = "it's-me!2024/+&=\"log";

#[tokio::test]
async fn no_log_line_reveals_a_secret() {
    let (database, directory) = (TestDatabase::create().await, directory());
    let target = EchoServer::start().await;
    let file = directory.path().join("log");
    let mut command = with_admin(with_database(gatepost(), database.url()));
    command.env("GATEPOST_LOG", "trace").env("GATEPOST_ALLOW_HTTP", "true");
    command.stderr(std::fs::File::create(&file).unwrap());
    let server = Server::start(command).await;
    let mut user = TestUser::new(server.base.clone());
    user.sign_in(EMAIL, PASSWORD).await;
    user.get("/webhooks/new").await;
    let (url, body) = (target.url("/json"), serde_json::json!({ "secret_key": KEY }).to_string());
    let mut form = fields(&url, &body);
    form.extend([("auth_kind", "bearer"), ("auth_token", "it's-the-bearer-token")]);
    user.post("/webhooks/preview", &form).await;
    user.post("/webhooks/test", &form).await;
    // A token cannot have an apostrophe as such, but everything is tried before that is found out.
    let refused = user.post("/webhooks", &with(form.clone(), "url", "nonsense")).await;
    assert_eq!(refused.status, 422);
    let saved = user.post("/webhooks", &form).await;
    assert_eq!(saved.status, 303, "{}", saved.text(".error, .banner"));
    let edit = user.first_webhook().await + "/edit";
    user.get(&edit).await;
    user.get("/webhooks").await;
    user.post(&edit.replace("/edit", "/test"), &[]).await;
    assert!(target.received().len() >= 2);
    user.get("/users/new").await;
    let invited = user.post("/users", &[("email", "eve@example.com"), ("role", "viewer")]).await;
    let invitation = invited.text("#code");
    let mut eve = TestUser::new(server.base.clone());
    // A link of an earlier version contains the code in its path.
    eve.get(&format!("/invitations/{invitation}")).await;
    eve.get("/invitation").await;
    assert_eq!(eve.post("/invitation", &[("code", &invitation)]).await.status, 200);
    let create = with_args(with_database(gatepost(), database.url()), &["token", "create", "test"]);
    let api_token = run(create, "").await.stdout.trim().to_owned();
    server.send(&api_token, &crate::support::event("Granted", "AR-1")).await;
    let session = user.session().to_owned();
    // Values on standard input, and files with values.
    let mut set = with_database(gatepost(), database.url());
    set.env("GATEPOST_LOG", "trace");
    let set = with_args(set, &["secrets", "set", "shared", "--host", "https://10.0.0.5"]);
    let printed = run(set, KEY).await;
    let mut import = with_database(gatepost(), database.url());
    import.env("GATEPOST_LOG", "trace").env("GATEPOST_ALLOW_HTTP", "true");
    let broken =
        format!("webhooks:\n  - name: A\n    tls: {{ client_key: [\"{KEY}\"] }}\n    x: '{KEY}'\n");
    let failed = run(with_args(import, &["webhooks", "import", "-"]), &broken).await;
    assert_ne!(failed.code, Some(0));
    assert_eq!(server.interrupt().await, Some(0));
    let log = std::fs::read_to_string(&file).unwrap();
    assert!(log.contains("TRACE") && log.contains("stopping"), "{log}");
    let all = [printed.stdout, printed.stderr, failed.stdout, failed.stderr, log];
    for line in all.iter().flat_map(|text| text.lines()) {
        for secret in
            [KEY, "it's-the-bearer-token", PASSWORD, &session, &invitation, api_token.as_str()]
        {
            assert!(!reveals(line, secret), "{line}");
        }
    }
    database.drop().await;
}
