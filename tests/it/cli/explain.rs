//! `gatepost events explain`.

use gatepost::identity::Scope;
use serde_json::Value;

use super::{assert_says, beside};
use crate::support::builders::WebhookBuilder;
use crate::support::event;
use crate::support::scenario::Scenario;

#[tokio::test]
async fn prints_a_table_or_json() {
    let Scenario { app, logpoint, token, .. } = Scenario::start().await;
    let expired = WebhookBuilder::reopen(&logpoint).name("Expired only").triggers(&["Expired"]);
    app.webhooks(&expired.file()).await;
    let (_, sent) = app.send(&token, &event("Granted", "7")).await;
    let id = sent["events"][0]["id"].as_str().unwrap();
    app.wait_for("delivered", 1).await;

    let printed = beside(&app.database, &["events", "explain", id]).await.printed();
    let lines: Vec<&str> = printed.lines().collect();
    assert_says(
        lines[0],
        &["AccessRequestGranted of AR-7 by user@example.com, received 2", " UTC"],
    );
    assert_eq!(
        lines[1..],
        [
            "",
            "WEBHOOK       RESULT     REASON",
            "Reopen        delivered  Delivered",
            "Expired only  not sent   Trigger Granted is not selected",
        ]
    );

    let printed = beside(&app.database, &["events", "explain", id, "--json"]).await.printed();
    let mut printed: Value = serde_json::from_str(&printed).unwrap();
    let url = app.url(&format!("/api/v1/events/{id}/explain"));
    let reader = app.token(Scope::Read).await;
    let response = crate::support::http().get(url).bearer_auth(reader).send().await.unwrap();
    // The API returns pages, the command everything.
    printed["next"] = Value::Null;
    assert_eq!(printed, response.json::<Value>().await.unwrap());

    let unknown = "019ac3f2-7e41-7c1b-9a20-5c1f8f7f4e11";
    let failure = beside(&app.database, &["events", "explain", unknown]).await.failure();
    assert_says(&failure, &["there is no event", unknown, "retention policy"]);
    assert_says(&beside(&app.database, &["events", "explain", "x"]).await.failure(), &["<ID>"]);
    app.finish().await;
}
