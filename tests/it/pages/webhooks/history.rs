//! The page of a webhook, its history, and restoring revisions.

use super::with;
use crate::support::builders::WebhookBuilder;
use crate::support::logpoint::Behaviour;
use crate::support::scenario::Scenario;
use crate::support::user::{TestResponse, TestUser};
use crate::support::{TestApp, event};

const BODY: &str =
    "{\n  \"secret_key\": \"s3cr3t-one\",\n  \"a\": 1,\n  \"id\": \"{{data.id}}\"\n}";

/// Adds a webhook with the form. Returns the path of its page.
async fn add(ann: &mut TestUser, changes: &[(&str, &str)]) -> String {
    ann.get("/webhooks/new").await;
    let saved = ann.post("/webhooks", &with(changes)).await;
    assert_eq!(saved.status, 303, "{}", saved.body);
    let name = changes.iter().find(|(field, _)| *field == "name").map_or("Archive", |(_, n)| n);
    let list = ann.get(&format!("/webhooks?q={name}")).await;
    list.attribute("tbody td.name a", "href").unwrap()
}

/// Opens the form and saves it with some changes.
async fn change(ann: &mut TestUser, path: &str, changes: &[(&str, &str)]) -> TestResponse {
    let form = ann.get(&format!("{path}/edit")).await;
    let seen = form.attribute("input[name=seen]", "value").unwrap();
    save(ann, path, &seen, changes).await
}

async fn save(
    ann: &mut TestUser,
    path: &str,
    seen: &str,
    changes: &[(&str, &str)],
) -> TestResponse {
    let mut fields = with(changes);
    fields.push(("seen", seen));
    ann.post(path, &fields).await
}

async fn count(app: &TestApp, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(app.database.pool()).await.unwrap()
}

#[tokio::test]
async fn every_change_is_a_revision_with_actor_and_changed_fields() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let path = add(&mut ann, &[]).await;
    assert_eq!(
        change(&mut ann, &path, &[("method", "PUT"), ("timeout_in_sec", "5")]).await.status,
        303
    );
    // Saving without changes creates no revision.
    assert_eq!(
        change(&mut ann, &path, &[("method", "PUT"), ("timeout_in_sec", "5")]).await.status,
        303
    );
    for active in ["false", "false", "true"] {
        let back = [("active", active), ("back", "page")];
        assert_eq!(ann.post(&format!("{path}/active"), &back).await.location(), path);
    }
    let page = ann.get(&path).await;
    assert_eq!(page.text("h1"), "Archive");
    assert!(page.text(".facts").contains("PUT https://archive.example.com/x"), "{}", page.body);
    assert!(page.text(".facts").contains("Sends when access is granted."));
    let by = |kind: &str| format!("{kind} by ann.ngo@example.com");
    let expected = [by("Activated"), by("Deactivated"), by("Changed"), by("Added")];
    assert_eq!(page.texts(".history strong"), expected);
    assert!(page.texts(".history p.quiet")[2].ends_with(" · Method, Timeout in seconds"));
    assert_eq!(page.texts(".history .badge"), ["current"]);
    assert_eq!(
        page.texts(".revision-links"),
        ["View change", "View changeRestore", "View changeRestore", "Restore"]
    );
    app.finish().await;
}

#[tokio::test]
async fn compares_any_two_revisions_field_by_field() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let path = add(&mut ann, &[("body_template", BODY)]).await;
    let other = BODY.replace('1', "2").replace("one", "two");
    change(&mut ann, &path, &[("body_template", &other), ("trigger", "Expired")]).await;
    let third = other.replace("two", "three");
    change(&mut ann, &path, &[("body_template", &third), ("trigger", "Expired")]).await;

    let all = ann.get(&format!("{path}/changes?from=1&to=3")).await;
    assert_eq!(all.text("h1"), "Changes from 1 to 3");
    assert_eq!(all.texts(".differences dt"), ["Body template", "Triggers", "Secret secret_key"]);
    assert_eq!(all.texts(".diff .gone"), ["− \"a\": 1,"]);
    assert_eq!(all.texts(".diff .come"), ["+ \"a\": 2,"]);
    assert_eq!(all.texts(".from-to")[0], "Granted → changed to Expired");
    assert_eq!(all.text("select[name=from] [selected]"), "1 · just now");
    // For htmx, only the panel.
    let last = ann.get_part(&format!("{path}/changes?from=2&to=3")).await;
    assert_eq!(last.texts(".differences dt"), ["Secret secret_key"]);
    assert!(last.texts("nav").is_empty() && last.texts(".diff").is_empty(), "{}", last.body);
    for seen in [&all, &last] {
        assert!(!seen.body.contains("s3cr3t"), "{}", seen.body);
    }
    assert_eq!(ann.get(&format!("{path}/changes?from=1&to=9")).await.status, 404);
    app.finish().await;
}

#[tokio::test]
async fn a_restored_revision_has_the_current_secrets() {
    let Scenario { app, logpoint, webhook, token } = Scenario::start().await;
    let path = format!("/webhooks/{webhook}");
    let mut ann = app.admin().await;
    let other = WebhookBuilder::reopen(&logpoint).name("Broken").file();
    app.change_webhook(&webhook, &other, "bo@example.com").await;
    assert_eq!(ann.get(&path).await.texts(".history strong")[0], "Changed by bo@example.com");

    let ask = ann.get(&format!("{path}/revisions/1/restore")).await;
    assert!(ask.texts(".differences dt").contains(&"Name".to_owned()));
    let seen = ask.attribute("input[name=seen]", "value").unwrap();
    let done = ann.post(&format!("{path}/revisions/1/restore"), &[("seen", &seen)]).await;
    assert_eq!(done.location(), path, "{}", done.body);
    let page = ann.get(&path).await;
    assert_eq!(page.texts(".history strong")[0], "Revision 1 restored by ann.ngo@example.com");
    assert_eq!(page.text("h1"), "Reopen");
    app.send(&token, &event("Granted", "1")).await;
    app.wait_for("delivered", 1).await;
    app.finish().await;
}

#[tokio::test]
async fn a_rejected_restore_is_explained() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let path = add(&mut ann, &[]).await;
    change(&mut ann, &path, &[("name", "B")]).await;
    add(&mut ann, &[]).await;
    let restore = format!("{path}/revisions/1/restore");
    let clash = ann.post(&restore, &[("seen", "2")]).await;
    assert_eq!(clash.status, 422);
    assert!(clash.text("[role=alert]").contains("Another webhook has this name"), "{}", clash.body);
    let stale = ann.post(&restore, &[("seen", "1")]).await;
    assert_eq!(stale.status, 422);
    assert!(
        stale.text("[role=alert]").contains("Another user has saved this webhook"),
        "{}",
        stale.body
    );
    assert_eq!(ann.get(&format!("{path}/revisions/7/restore")).await.status, 404);
    assert_eq!(ann.get(&path).await.texts(".history li").len(), 2);
    app.finish().await;
}

#[tokio::test]
async fn a_stale_form_does_not_overwrite_newer_changes() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let mut bo = app.admin().await;
    let path = add(&mut ann, &[]).await;
    let form = ann.get(&format!("{path}/edit")).await;
    let seen = form.attribute("input[name=seen]", "value").unwrap();
    change(&mut bo, &path, &[("method", "PUT")]).await;
    let conflict = save(&mut ann, &path, &seen, &[("name", "Mine")]).await;
    assert_eq!(conflict.status, 422);
    let banner = conflict.text("[role=alert]");
    assert!(banner.starts_with("ann.ngo@example.com saved this webhook"), "{banner}");
    assert_eq!(conflict.attribute("#name", "value").unwrap(), "Mine");
    let href = conflict.attribute("[role=alert] a", "href").unwrap();
    assert_eq!(ann.get(&href).await.texts(".differences dt"), ["Method"]);
    assert_eq!(ann.get(&path).await.text("h1"), "Archive");
    // Saving again overwrites the other change.
    let seen = conflict.attribute("input[name=seen]", "value").unwrap();
    assert_eq!(save(&mut ann, &path, &seen, &[("name", "Mine")]).await.status, 303);
    assert_eq!(ann.get(&path).await.text("h1"), "Mine");
    app.finish().await;
}

#[tokio::test]
async fn deleting_a_webhook_keeps_its_history_without_secrets() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let path = add(&mut ann, &[("body_template", BODY)]).await;
    change(&mut ann, &path, &[("body_template", BODY), ("method", "PUT")]).await;
    ann.post(&format!("{path}/delete"), &[]).await;
    let left = "select count(*) from webhook_revisions where length(sealed) > 0";
    assert_eq!(count(&app, left).await, 0);
    let page = ann.get(&path).await;
    assert!(page.text(".banner").contains("cannot be restored"), "{}", page.body);
    assert_eq!(page.texts(".history strong")[0], "Deleted by ann.ngo@example.com");
    assert!(!page.body.contains("Restore") && page.texts("main form").is_empty());
    let changes = ann.get(&format!("{path}/changes?from=1&to=2")).await;
    assert_eq!(changes.texts(".differences dt"), ["Method"]);
    let restore = format!("{path}/revisions/1/restore");
    assert_eq!(ann.get(&restore).await.status, 404);
    assert_eq!(ann.post(&restore, &[("seen", "3")]).await.status, 404);
    app.finish().await;
}

#[tokio::test]
async fn secrets_of_webhooks_deleted_by_an_older_version_are_removed_at_start() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    add(&mut ann, &[("body_template", BODY)]).await;
    sqlx::query("update webhooks set deleted_at = now(), active = false, sealed = ''")
        .execute(app.database.pool())
        .await
        .unwrap();
    let app = app.restart().await;
    let left = "select count(*) from webhook_revisions where length(sealed) > 0";
    assert_eq!(count(&app, left).await, 0);
    app.finish().await;
}

#[tokio::test]
async fn an_automatic_pause_is_recorded_in_the_history() {
    let Scenario { app, logpoint, webhook, token } = Scenario::start().await;
    let mut ann = app.admin().await;
    logpoint.always(Behaviour::Status(410, String::new()));
    app.send(&token, &event("Granted", "1")).await;
    let paused = "select count(*) from webhooks where paused_because is not null";
    app.wait_until("the pause", async || count(&app, paused).await == 1).await;
    let page = ann.get(&format!("/webhooks/{webhook}")).await;
    assert_eq!(page.texts(".history strong")[0], "Paused by Gatepost");
    assert!(page.texts(".history p.quiet")[0].ends_with("410 Gone"), "{}", page.body);
    assert!(page.text(".banner").contains("410 Gone"));
    assert_eq!(page.texts(".recent tbody tr").len(), 1);
    app.finish_with_leftovers().await;
}

#[tokio::test]
async fn webhooks_saved_by_an_older_version_are_added_to_the_history() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let path = add(&mut ann, &[]).await;
    // Versions before this table saved no revisions.
    sqlx::query("delete from webhook_revisions").execute(app.database.pool()).await.unwrap();
    assert!(
        ann.get(&path).await.text("#history + .none").contains("No changes have been recorded")
    );
    assert_eq!(change(&mut ann, &path, &[("method", "PUT")]).await.status, 303);
    let by_ann = "Changed by ann.ngo@example.com";
    let first = "Saved before changes were recorded";
    assert_eq!(ann.get(&path).await.texts(".history strong"), [by_ann, first]);
    // Such a version runs at the same time, and saves the webhook while a form is open.
    let form = ann.get(&format!("{path}/edit")).await;
    let seen = form.attribute("input[name=seen]", "value").unwrap();
    sqlx::query("update webhooks set updated_at = updated_at + interval '1 second'")
        .execute(app.database.pool())
        .await
        .unwrap();
    assert_eq!(save(&mut ann, &path, &seen, &[("name", "Mine")]).await.status, 422);
    let changed = "Changed by an unknown user";
    assert_eq!(ann.get(&path).await.texts(".history strong"), [changed, by_ann, first]);
    app.finish().await;
}

#[tokio::test]
async fn the_newest_hundred_revisions_are_kept() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let path = add(&mut ann, &[]).await;
    for n in 0..101 {
        let active = if n % 2 == 0 { "false" } else { "true" };
        ann.post(&format!("{path}/active"), &[("active", active)]).await;
    }
    assert_eq!(count(&app, "select count(*) from webhook_revisions").await, 100);
    assert_eq!(count(&app, "select min(number)::bigint from webhook_revisions").await, 3);
    assert_eq!(ann.get(&path).await.texts(".history li").len(), 100);
    app.finish().await;
}
