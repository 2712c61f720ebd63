//! Replacing the key of a webhook.

use std::time::Duration;

use serde_json::json;

use super::{KEYS, delivered, recorded, replace_key, signed, snippet, verify};
use crate::support::TestApp;
use crate::support::logpoint::RecordedRequest;
use crate::support::user::TestResponse;

/// While a key is replaced, no receiver rejects a request: neither one with the old key nor one with the new one.
#[tokio::test]
async fn replaces_a_key_without_a_rejected_delivery() {
    let scenario = signed(json!({ "scheme": "v1", "secret": KEYS[0] })).await;
    let mut ann = scenario.app.admin().await;
    let python = snippet(&mut ann, &scenario.webhook, "python").await;
    let is_accepted = |key: &str, request: &RecordedRequest| {
        let mut request = recorded(request);
        // The receiver's clock is not moved.
        let moved =
            request["headers"]["webhook-timestamp"].as_str().unwrap().parse::<i64>().unwrap();
        let code = python.replace("time.time()", &moved.to_string());
        request["key"] = key.into();
        verify("python", key, &request, &code)["snippet"].is_null()
    };
    let first = delivered(&scenario, 1).await;
    assert!(is_accepted(KEYS[0], &first));

    let rotate = format!("/webhooks/{}/signing/rotate", scenario.webhook);
    let rotated = replace_key(&mut ann, &scenario.webhook, "24").await;
    assert_eq!(rotated.status, 200);
    let new_key = rotated.text("#new-key");
    assert!(new_key.starts_with("whsec_"));
    let page = ann.get(rotate.trim_end_matches("/rotate")).await;
    assert!(!page.body.contains(&new_key));
    assert!(page.text("main").contains("Requests are also signed with it until"));
    let second = delivered(&scenario, 2).await;
    assert_eq!(second.header("webhook-signature").unwrap().split(' ').count(), 2);
    assert!(is_accepted(KEYS[0], &second), "the receiver has the old key");
    assert!(is_accepted(&new_key, &second), "the receiver has the new key");

    scenario.app.advance(Duration::from_hours(24)).await;
    let third = delivered(&scenario, 3).await;
    assert!(!is_accepted(KEYS[0], &third), "the overlap is over");
    assert!(is_accepted(&new_key, &third));
    // An overlap can also be ended. The session has ended meanwhile.
    let mut ann = scenario.app.admin().await;
    let newest = replace_key(&mut ann, &scenario.webhook, "168").await.text("#new-key");
    let ended = ann.post(&rotate.replace("rotate", "previous/end"), &[]).await;
    assert_eq!(ended.status, 303);
    let fourth = delivered(&scenario, 4).await;
    assert!(!is_accepted(&new_key, &fourth));
    assert!(is_accepted(&newest, &fourth));
    scenario.app.finish().await;
}

/// The number of revisions of all webhooks, which is the number of changes.
async fn revisions(app: &TestApp) -> i64 {
    let count = sqlx::query_scalar("select count(*) from webhook_revisions");
    count.fetch_one(app.database.pool()).await.unwrap()
}

#[tokio::test]
async fn a_request_that_is_sent_again_does_not_replace_the_new_key() {
    let scenario = signed(json!({ "scheme": "v1", "secret": KEYS[0] })).await;
    let mut ann = scenario.app.admin().await;
    let path = format!("/webhooks/{}/signing", scenario.webhook);
    let rotate = format!("{path}/rotate");
    let fields = ann.get(&path).await.fields("form[action$='/rotate']");
    let fields: Vec<_> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(ann.post(&rotate, &fields).await.status, 200);
    let before = revisions(&scenario.app).await;
    // The browser reloads the page, which sends the form again; also with the confirmation.
    for more in [None, Some(("confirmed", "true"))] {
        let again: Vec<_> = fields.iter().copied().chain(more).collect();
        let again = ann.post(&rotate, &again).await;
        assert_eq!((again.status, again.location()), (303, path.as_str()));
        assert!(ann.get(&path).await.text("#toasts").contains("was already replaced"));
    }
    assert_eq!(revisions(&scenario.app).await, before);
    // The address itself leads back to the page.
    assert_eq!(ann.get(&rotate).await.location(), path);
    let request = delivered(&scenario, 1).await;
    assert_eq!(request.header("webhook-signature").unwrap().split(' ').count(), 2);
    scenario.app.finish().await;
}

/// Sends the form of a page that asks for a confirmation.
fn confirmed(page: &TestResponse) -> Vec<(String, String)> {
    assert_eq!(page.status, 200);
    assert!(page.text("h1").starts_with("Replace the key of"), "{}", page.body);
    page.fields("form[action$='/rotate']")
}

#[tokio::test]
async fn a_replacement_that_rejects_requests_is_confirmed() {
    let scenario = signed(json!({ "scheme": "v1", "secret": KEYS[0] })).await;
    let mut ann = scenario.app.admin().await;
    let rotate = format!("/webhooks/{}/signing/rotate", scenario.webhook);
    let before = revisions(&scenario.app).await;
    let asked = replace_key(&mut ann, &scenario.webhook, "0").await;
    assert!(asked.text("main").contains("signed only with the new key"));
    let fields = confirmed(&asked);
    assert_eq!(revisions(&scenario.app).await, before, "nothing is replaced yet");
    let fields: Vec<_> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let replaced = ann.post(&rotate, &fields).await;
    let banner = replaced.text(".created .banner");
    assert!(banner.contains("rejects requests until it has the new one"), "{banner}");
    let request = delivered(&scenario, 1).await;
    assert_eq!(request.header("webhook-signature").unwrap().split(' ').count(), 1);

    assert_eq!(replace_key(&mut ann, &scenario.webhook, "24").await.texts("#new-key").len(), 1);
    let asked = replace_key(&mut ann, &scenario.webhook, "24").await;
    assert!(asked.text("main").contains("revokes the previous one now"));
    let fields = confirmed(&asked);
    let fields: Vec<_> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(ann.post(&rotate, &fields).await.texts("#new-key").len(), 1);
    // Once the time of the previous key is over, nothing is lost.
    scenario.app.advance(Duration::from_hours(24)).await;
    let mut ann = scenario.app.admin().await;
    assert_eq!(replace_key(&mut ann, &scenario.webhook, "24").await.texts("#new-key").len(), 1);
    scenario.app.finish().await;
}
