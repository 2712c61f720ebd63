//! Targets that close kept connections.

use gatepost::identity::Scope;

use super::server::{End, OddServer, Reply};
use super::webhook;
use crate::support::{TestApp, event};

fn ok() -> Reply {
    let bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n{\"success\": true}".to_vec();
    Reply { bytes, end: End::KeepOpen }
}

/// Sends events one after another to a target with these replies, and returns the attempts that each took.
async fn attempts(replies: &[Reply], events: i64) -> (Vec<i32>, usize) {
    let app = TestApp::start().await;
    let server = OddServer::start().await;
    server.reply("kept", replies);
    app.webhooks(&webhook(&server, "kept").file()).await;
    let token = app.token(Scope::Events).await;
    for number in 1..=events {
        app.send(&token, &event("Granted", &number.to_string())).await;
        app.wait_until("the attempt", async || {
            let ended: i64 = sqlx::query_scalar(
                "select count(*) from deliveries where state = 'delivered' or last_error is not null",
            )
            .fetch_one(app.database.pool())
            .await
            .unwrap();
            ended == number
        })
        .await;
    }
    let attempts = sqlx::query_scalar(
        "select case when state = 'delivered' then attempts else 99 end from deliveries order by id",
    )
    .fetch_all(app.database.pool())
    .await
    .unwrap();
    let requests = server.requests("kept");
    app.finish_with_leftovers().await;
    (attempts, requests)
}

#[tokio::test]
async fn sends_again_when_a_kept_connection_closes_without_a_response() {
    for end in [End::Close, End::Cut, End::Reset] {
        let closes = Reply { bytes: Vec::new(), end };
        // Every second request closes the kept connection; the next one on a new connection succeeds.
        let replies = [ok(), closes.clone(), ok(), closes.clone(), ok(), closes, ok()];
        let (attempts, requests) = attempts(&replies, 4).await;
        assert_eq!(attempts, [1; 4], "{end:?}");
        assert_eq!(requests, 7, "{end:?}");
    }
}

#[tokio::test]
async fn does_not_send_again_once_a_response_has_begun_or_on_a_new_connection() {
    let begins = Reply { bytes: b"HTTP/1.1 2".to_vec(), end: End::Cut };
    let (states, requests) = attempts(&[ok(), begins], 2).await;
    assert_eq!((states, requests), (vec![1, 99], 2));
    let closes = Reply { bytes: Vec::new(), end: End::Close };
    let (states, requests) = attempts(&[closes], 1).await;
    assert_eq!((states, requests), (vec![99], 1));
}
