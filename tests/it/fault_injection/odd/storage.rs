//! Results that cannot be stored as they are.

use gatepost::identity::Scope;
use serde_json::json;

use super::server::{End, OddServer, Reply};
use super::{attempted, send, success, webhook};
use crate::support::TestApp;

fn json_reply(body: &str) -> Reply {
    let length = body.len();
    let response = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
    Reply { bytes: response.into_bytes(), end: End::KeepOpen }
}

#[tokio::test]
async fn a_message_with_nul_is_recorded_and_others_are_not_affected() {
    let app = TestApp::start().await;
    let server = OddServer::start().await;
    server.reply("nul", &[json_reply(r#"{"success": false, "message": "no \u0000"}"#)]);
    server.reply("good", &[json_reply(r#"{"success": true}"#)]);
    for name in ["nul", "good"] {
        let webhook = webhook(&server, name).with("response_validators", success());
        app.webhooks(&webhook.with("retry_schedule", json!(["1s"])).file()).await;
    }
    let token = app.token(Scope::Events).await;
    send(&app, &token, "1").await;
    app.wait_for("delivered", 1).await;
    app.advance(std::time::Duration::from_secs(2)).await;
    app.wait_for("failed", 1).await;
    assert_eq!((server.requests("nul"), server.requests("good")), (2, 1));
    app.wait_for_failures(2).await;
    let error: String =
        sqlx::query_scalar("select last_error from deliveries where state = 'failed'")
            .fetch_one(app.database.pool())
            .await
            .unwrap();
    assert_eq!(error, "Rejected: no \u{fffd}");
    app.finish().await;
}

/// The response is arbitrary: the trigger stands for any reason why PostgreSQL may reject a row.
#[tokio::test]
async fn a_result_that_cannot_be_written_is_recorded_as_failed_and_others_are_written() {
    let app = TestApp::start().await;
    sqlx::raw_sql(
        "create function reject() returns trigger language plpgsql as $$
         begin
             if new.record like '%unstorable%' then raise exception 'rejected by a test'; end if;
             return new;
         end $$;
         create trigger reject before insert on invocations for each row execute function reject();",
    )
    .execute(app.database.pool())
    .await
    .unwrap();
    let server = OddServer::start().await;
    let mut names = vec!["delivered but unstorable".to_owned(), "failed and unstorable".to_owned()];
    server.reply(&names[0], &[json_reply(r#"{"success": true, "note": "unstorable"}"#)]);
    server.reply(&names[1], &[json_reply(r#"{"success": false, "message": "unstorable"}"#)]);
    for number in 0..6 {
        let name = format!("good {number}");
        server.reply(&name, &[json_reply(r#"{"success": true}"#)]);
        names.push(name);
    }
    for name in &names {
        app.webhooks(&webhook(&server, name).with("response_validators", success()).file()).await;
    }
    let token = app.token(Scope::Events).await;
    send(&app, &token, "1").await;
    app.wait_for("delivered", 7).await;
    app.wait_for("failed", 1).await;
    let errors: Vec<Option<String>> = sqlx::query_scalar(
        "select last_error from deliveries where last_error is not null order by state",
    )
    .fetch_all(app.database.pool())
    .await
    .unwrap();
    assert_eq!(errors.len(), 2, "{errors:?}");
    for error in errors.into_iter().flatten() {
        assert!(
            error.contains("could not be recorded") && error.contains("rejected by a test"),
            "{error}"
        );
    }
    for name in &names {
        assert_eq!(server.requests(name), 1, "{name}");
    }
    let mut ann = app.admin().await;
    assert!(attempted(&app, &mut ann, "good 5").await.verdict.contains("Delivered"));
    app.finish().await;
}
