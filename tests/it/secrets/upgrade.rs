//! Webhooks that an earlier version stored, with their secrets in them.

use gatepost::vault::Vault;
use uuid::Uuid;

use super::echo::EchoServer;
use super::{fields, restore, save, start, with};
use crate::support::clock::MovedClock;

#[tokio::test]
async fn stored_webhooks_are_converted_and_still_work() {
    let app = start().await;
    let server = EchoServer::start().await;
    let mut user = app.admin().await;
    let url = server.url("/plain?token=old-5ecret-url");
    let body = r#"{"secret_key":"old-5ecret-body"}"#;
    let id = save(&app, &mut user, &fields(&url, body)).await;
    user.get(&format!("/webhooks/{id}/edit")).await;
    let form = with(with(fields(&url, body), "id", &id), "timeout_in_sec", "5");
    assert_eq!(user.post(&format!("/webhooks/{id}"), &form).await.status, 303);

    // As the earlier version stored it: masked, and sealed with its secrets.
    let id: Uuid = id.parse().unwrap();
    let pool = app.database.pool();
    let vault = Vault::new(&[7; 32], MovedClock::default().sources());
    let definition = |text: &str| {
        text.replace("{{secrets.token}}", "old-5ecret-url")
            .replace("{{secrets.secret_key}}", "old-5ecret-body")
    };
    let masked = |text: &str| {
        text.replace("{{secrets.token}}", "••••••").replace("{{secrets.secret_key}}", "••••••")
    };
    let current: String =
        sqlx::query_scalar("select definition from webhooks").fetch_one(pool).await.unwrap();
    let sealed =
        vault.seal(&format!("webhooks.sealed/{id}"), definition(&current).as_bytes()).unwrap();
    sqlx::query("update webhooks set definition = $1, sealed = $2, secret_names = '{}'")
        .bind(masked(&current))
        .bind(sealed)
        .execute(pool)
        .await
        .unwrap();
    for number in 1..=2_i32 {
        let old: String =
            sqlx::query_scalar("select definition from webhook_revisions where number = $1")
                .bind(number)
                .fetch_one(pool)
                .await
                .unwrap();
        let place = format!("webhook_revisions.sealed/{id}/{number}");
        let sealed = vault.seal(&place, definition(&old).as_bytes()).unwrap();
        sqlx::query("update webhook_revisions set definition = $1, sealed = $2 where number = $3")
            .bind(masked(&old))
            .bind(sealed)
            .bind(number)
            .execute(pool)
            .await
            .unwrap();
    }
    sqlx::query("delete from secrets").execute(pool).await.unwrap();

    let app = app.restart().await;
    let mut user = app.admin().await;
    let edit = user.get(&format!("/webhooks/{id}/edit")).await;
    assert_eq!(edit.typed("body_template"), r#"{"secret_key":"{{secrets.secret_key}}"}"#);
    user.post(&format!("/webhooks/{id}/test"), &[]).await;
    let sent = server.received().pop().unwrap();
    assert!(sent.contains("old-5ecret-url") && sent.contains("old-5ecret-body"), "{sent}");
    // Old revisions have references, and can be restored.
    let restored = restore(&mut user, &id.to_string(), 1).await;
    assert_eq!(restored.status, 303, "{}", restored.body);
    let left: i64 = sqlx::query_scalar(
        "select (select count(*) from webhooks where sealed <> '' or definition like '%5ecret%' or definition like '%••%')
              + (select count(*) from webhook_revisions
                 where sealed <> '' or definition like '%5ecret%' or definition like '%••%')",
    )
    .fetch_one(app.database.pool())
    .await
    .unwrap();
    assert_eq!(left, 0);
    app.finish().await;
}

#[tokio::test]
async fn a_webhook_that_cannot_be_read_does_not_stop_the_others() {
    let app = start().await;
    let server = EchoServer::start().await;
    let mut user = app.admin().await;
    let url = server.url("/plain");
    let body = r#"{"secret_key":"old-5ecret-body"}"#;
    let odd = save(&app, &mut user, &with(fields(&url, body), "name", "Odd")).await;
    let good = save(&app, &mut user, &fields(&url, body)).await;
    let pool = app.database.pool();
    let vault = Vault::new(&[7; 32], MovedClock::default().sources());
    for (id, is_odd) in [(&odd, true), (&good, false)] {
        let id: Uuid = id.parse().unwrap();
        let query = sqlx::query_scalar("select definition from webhooks where id = $1").bind(id);
        let current: String = query.fetch_one(pool).await.unwrap();
        let literal = current.replace("{{secrets.secret_key}}", "old-5ecret-body");
        let stored = if is_odd { "no definition" } else { literal.as_str() };
        sqlx::query(
            "update webhooks set definition = $1, sealed = $2, secret_names = '{}' where id = $3",
        )
        .bind(current.replace("{{secrets.secret_key}}", "••••••"))
        .bind(vault.seal(&format!("webhooks.sealed/{id}"), stored.as_bytes()).unwrap())
        .bind(id)
        .execute(pool)
        .await
        .unwrap();
    }
    sqlx::query("delete from secrets").execute(pool).await.unwrap();

    let app = app.restart().await;
    let mut user = app.admin().await;
    let edit = user.get(&format!("/webhooks/{good}/edit")).await;
    assert_eq!(edit.typed("body_template"), r#"{"secret_key":"{{secrets.secret_key}}"}"#);
    let left: Vec<Uuid> = sqlx::query_scalar("select id from webhooks where sealed <> ''")
        .fetch_all(app.database.pool())
        .await
        .unwrap();
    assert_eq!(left, [odd.parse::<Uuid>().unwrap()]);
    let edit = user.get(&format!("/webhooks/{odd}/edit")).await;
    assert_eq!(edit.typed("body_template"), r#"{"secret_key":"••••••"}"#);
    app.finish().await;
}
