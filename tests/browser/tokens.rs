//! The pages about API tokens, with and without JavaScript.

use serde_json::json;

use crate::appearance::{check_all, scene};
use crate::driver::Browser;
use crate::support::{TestApp, event};

#[tokio::test]
async fn a_token_is_created_copied_used_and_revoked() {
    let app = TestApp::start().await;
    for scripts in [true, false] {
        let ann = Browser::signed_in(&app).await;
        let disabled = json!({"value": !scripts});
        ann.devtools("Emulation.setScriptExecutionDisabled", disabled).await;
        ann.open("/tokens").await;
        ann.click_text("a", "Create token").await;
        ann.wait_for_path("/tokens/new").await;
        ann.wait_for_focus("#name").await;
        ann.fill("#name", "Apono").await;
        ann.click_text(".buttons button", "Create token").await;
        ann.wait_for_text("h1", "Token created").await;
        let token = ann.texts("#token").await.remove(0);
        if scripts {
            ann.click("[data-copy='#token']").await;
            ann.wait_for_text(".label-row", "Copied").await;
        }
        assert_eq!(app.send(&token, &event("Granted", "1")).await.0, 202);
        ann.click_text("a", "Done").await;
        ann.wait_for_path("/tokens").await;
        ann.wait_for_text(".tokens", "from 127.0.0.1").await;
        ann.click_text("td a", "Revoke").await;
        ann.click_text("button", "Revoke token").await;
        ann.wait_for_path("/tokens").await;
        ann.wait_for_text("#toasts", "Revoked “Apono”.").await;
        app.wait_until("the revocation", async || {
            app.send(&token, &event("Granted", "1")).await.0 == 401
        })
        .await;
        ann.finish().await;
    }
    app.finish().await;
}

#[tokio::test]
async fn pages_about_tokens() {
    let app = TestApp::start().await;
    check_all(&app, &[scene("tokens-empty", "/tokens"), scene("token-new", "/tokens/new")]).await;
    let many = "insert into tokens (id, name, scope, hash, prefix, created_at, created_by, expires_at, last_used_at,
                    last_used_address)
                select gen_random_uuid(), name, scope, sha256(name::bytea), 'gp_Ab12x', now() - interval '40 days',
                    'ann.ngo@example.com', now() + days * interval '1 day', now() - interval '3 minutes', address
                from (values ('Apono', 'events', 50, '2001:db8:1234:5678:9abc:def0:1234:5678'), ('Old sender', 'events', -3, '10.0.0.7'),
                    ('Reports of all access requests in production and in staging', 'read', null, '10.0.0.8'))
                    tokens (name, scope, days, address)";
    sqlx::query(many).execute(app.database.pool()).await.unwrap();
    let never = "insert into tokens (id, name, scope, hash, created_at)
                 select gen_random_uuid(), 'Never used', 'manage', sha256('x'), now()";
    sqlx::query(never).execute(app.database.pool()).await.unwrap();
    let revoke = "select '/tokens/' || id || '/revoke' from tokens where name = 'Apono'";
    let revoke: String = sqlx::query_scalar(revoke).fetch_one(app.database.pool()).await.unwrap();
    let scenes = [
        scene("tokens", "/tokens"),
        scene("tokens-no-match", "/tokens?q=nothing-like-it"),
        scene("token-revoke", revoke),
    ];
    check_all(&app, &scenes).await;

    // The page with a new token cannot be opened again.
    let ann = Browser::signed_in(&app).await;
    for (width, name, signature) in [
        (1440, "token-created-1440", ""),
        (390, "token-created-390", ""),
        (1440, "token-signed-1440", "standard-webhooks"),
        (390, "token-signed-390", "hmac-sha256"),
    ] {
        let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        ann.devtools("Emulation.setDeviceMetricsOverride", size).await;
        ann.open("/tokens/new").await;
        ann.fill("#name", name).await;
        ann.click(&format!("[name=signature][value='{signature}']")).await;
        ann.click_text(".buttons button", "Create token").await;
        ann.wait_for_text("h1", "Token created").await;
        let overflow =
            "document.documentElement.scrollWidth > document.documentElement.clientWidth";
        assert_eq!(ann.eval(overflow).await, false, "{name}");
        ann.screenshot(name).await;
    }
    ann.finish().await;
    check_all(&app, &[scene("tokens-signed", "/tokens")]).await;
    app.finish().await;
}
