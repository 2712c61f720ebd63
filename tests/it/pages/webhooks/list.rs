//! The list of webhooks.

use std::time::Duration;

use serde_json::json;

use crate::support::builders::WebhookBuilder;
use crate::support::logpoint::Behaviour;
use crate::support::scenario::Scenario;
use crate::support::{TestApp, event};

/// Saves three webhooks. Returns their ids.
async fn save_three(app: &TestApp) -> Vec<String> {
    let put = json!({"http_request": {"url": "https://archive.example.com/x", "method": "PUT"}});
    let webhooks = [
        WebhookBuilder::new("Comment", "https://10.0.0.5/add_incident_comment")
            .triggers(&["Created", "Approved", "Granted"]),
        WebhookBuilder::new("archive", "")
            .with("type", put)
            .with("active", false)
            .triggers(&["Expired"]),
        WebhookBuilder::new("Unsafe", "https://10.0.0.6/x")
            .with("tls", json!({"verify": "none"}))
            .triggers(&["Granted"]),
    ];
    let mut ids = Vec::new();
    for webhook in webhooks {
        ids.extend(app.webhooks(&webhook.file()).await);
    }
    ids
}

#[tokio::test]
async fn rows_show_status_target_triggers_and_disabled_tls_verification() {
    let app = TestApp::start().await;
    save_three(&app).await;
    let mut ann = app.admin().await;
    let seen = ann.get("/webhooks").await;
    assert_eq!(seen.text(".head .lead"), "3 webhooks · 2 active");
    assert_eq!(seen.texts("tbody td.name"), ["archive", "Comment", "Unsafe"]);
    assert_eq!(seen.texts("tbody td.status"), ["Inactive", "Active", "Active"]);
    assert_eq!(seen.texts("tbody .dot.on").len(), 2);
    assert_eq!(seen.texts("tbody .dot.off").len(), 1);
    assert_eq!(seen.texts("tbody td.method"), ["PUT", "POST", "POST"]);
    assert_eq!(seen.texts("tbody td.url strong")[0], "archive.example.com");
    assert_eq!(seen.texts("tbody td.chips")[1], "Created Approved +1 more");
    assert_eq!(seen.texts("tbody td.last"), ["Never", "Never", "Never"]);
    assert_eq!(seen.texts("tbody td.url .badge"), ["TLS not verified"]);
    app.finish().await;
}

#[tokio::test]
async fn search_filters_and_order_are_part_of_the_address() {
    let app = TestApp::start().await;
    save_three(&app).await;
    let mut ann = app.admin().await;
    for (query, expected) in [
        ("q=ARCH", vec!["archive"]),
        ("q=10.0.0", vec!["Comment", "Unsafe"]),
        ("status=active", vec!["Comment", "Unsafe"]),
        ("status=inactive", vec!["archive"]),
        ("trigger=Granted", vec!["Comment", "Unsafe"]),
        ("sort=-name", vec!["Unsafe", "Comment", "archive"]),
        ("sort=status", vec!["Comment", "Unsafe", "archive"]),
        ("sort=url", vec!["Comment", "Unsafe", "archive"]),
        ("q=nothing-like-it", vec![]),
    ] {
        let seen = ann.get(&format!("/webhooks?{query}")).await;
        assert_eq!(seen.texts("tbody td.name"), expected, "{query}");
        // For htmx, only the table with the same rows.
        let part = ann.get_part(&format!("/webhooks?{query}")).await;
        assert_eq!(part.texts("tbody td.name"), expected, "{query}");
        assert!(
            part.texts("h1").is_empty() && part.body.contains("webhooks-table"),
            "{}",
            part.body
        );
    }
    app.finish().await;
}

#[tokio::test]
async fn rows_show_delivered_and_failing_webhooks() {
    let Scenario { app, logpoint, token, .. } = Scenario::start().await;
    let mut ann = app.admin().await;
    app.send(&token, &event("Granted", "1")).await;
    app.wait_for("delivered", 1).await;
    let good = ann.get("/webhooks").await;
    assert_eq!(good.text("tbody td.last"), "Delivered · just now");
    assert_eq!(good.text("tbody .rate-value"), "100 %");
    logpoint.always(Behaviour::RejectWithStatus200);
    app.send(&token, &event("Granted", "2")).await;
    app.wait_for("due", 1).await;
    let bad = ann.get("/webhooks").await;
    assert_eq!(bad.text("tbody td.last"), "Failing");
    assert_eq!(bad.text("tbody .rate-value"), "50.0 %");
    app.clock.advance(Duration::from_mins(15));
    let later = ann.get("/webhooks").await;
    assert_eq!(later.text("tbody td.last"), "Failing for 15 min");
    let title = later.attribute("tbody td.last .badge", "title").unwrap();
    assert!(title.starts_with("Since ") && title.contains(" UTC"), "{title}");
    assert!(title.ends_with(": Rejected: Authentication Failed"), "{title}");
    assert!(later.attribute("tbody td.last time", "datetime").unwrap().ends_with('Z'));
    assert_eq!(ann.get("/webhooks?status=failing").await.texts("tbody tr").len(), 1);
    app.finish_with_leftovers().await;
}

#[tokio::test]
async fn webhooks_are_toggled_with_and_without_scripts() {
    let app = TestApp::start().await;
    let ids = save_three(&app).await;
    let mut ann = app.admin().await;
    let path = format!("/webhooks/{}/active", ids[0]);
    let row = ann.post_part(&path, &[("active", "false")]).await;
    assert_eq!((row.status, row.text("td.status").as_str()), (200, "Inactive"));
    assert_eq!(row.texts("tr").len(), 1);
    let whole = ann.post(&path, &[("active", "true")]).await;
    assert_eq!(whole.location(), "/webhooks");
    let seen = ann.get("/webhooks").await;
    assert_eq!(seen.texts("tbody td.status")[1], "Active");
    assert_eq!(seen.text("#toasts .toast"), "Activated.");
    app.finish().await;
}

#[tokio::test]
async fn a_duplicate_copies_the_secrets_without_showing_them() {
    let Scenario { app, logpoint, webhook, token } = Scenario::start().await;
    let mut ann = app.admin().await;
    let form = ann.get(&format!("/webhooks/new?from={webhook}")).await;
    assert_eq!(form.attribute("#name", "value").unwrap(), "Reopen copy");
    let body = form.typed("body_template");
    assert!(!form.body.contains("demo-key"));
    let url = logpoint.url("/reopen_incident");
    let fields = [
        ("base", webhook.as_str()),
        ("name", "Reopen copy"),
        ("active", "true"),
        ("method", "POST"),
        ("url", &url),
        ("body_template", &body),
        ("trigger", "Granted"),
        ("validator_subject", "json"),
        ("validator_path", "$.success"),
        ("validator_expected", "true"),
        ("tls_verify", "pinned"),
        ("tls_sha256", logpoint.fingerprint()),
    ];
    let saved = ann.post("/webhooks", &fields).await;
    assert_eq!(saved.status, 303, "{}", saved.body);
    app.send(&token, &event("Granted", "1")).await;
    app.wait_for("delivered", 2).await;
    app.finish().await;
}

#[tokio::test]
async fn a_saved_webhook_is_tested_from_its_menu() {
    let Scenario { app, logpoint, webhook, .. } = Scenario::start().await;
    let mut ann = app.admin().await;
    let sent = ann.post(&format!("/webhooks/{webhook}/test"), &[]).await;
    assert!(sent.location().starts_with("/invocations/"), "{}", sent.body);
    let panel = ann.get(sent.location()).await;
    assert!(panel.text(".verdict-line").contains("Delivered"), "{}", panel.body);
    assert_eq!(logpoint.requests().len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn the_list_has_pages_in_every_order() {
    let app = TestApp::start().await;
    save_three(&app).await;
    let copies = "insert into webhooks (id, name, folded_name, active, definition, created_at, updated_at, url, method)
                  select gen_random_uuid(), 'copy ' || n, 'copy ' || n, n % 3 = 0, definition, created_at, updated_at,
                         'https://10.0.0.' || n % 7 || '/x', method
                  from webhooks, generate_series(1, 120) n where name = 'archive'";
    sqlx::query(copies).execute(app.database.pool()).await.unwrap();
    let hours = "insert into webhook_hours (webhook_id, hour, delivered, failed, retried, last_delivered_at)
                 select id, date_trunc('hour', now()), length(name), 3, 0, now() - random() * interval '1 hour'
                 from webhooks where name < 'copy 6'";
    sqlx::query(hours).execute(app.database.pool()).await.unwrap();
    let mut ann = app.admin().await;
    for sort in
        ["", "name", "-name", "status", "-status", "url", "-url", "last", "-last", "rate", "-rate"]
    {
        let (mut href, mut seen, mut pages) = (format!("/webhooks?sort={sort}"), Vec::new(), 0);
        loop {
            let page = ann.get(&href).await;
            let names = page.texts("tbody td.name");
            assert!(names.len() <= 50);
            seen.extend(names);
            pages += 1;
            match page.attribute(".pager [rel=next]", "href") {
                Some(next) => href = next,
                None => break,
            }
        }
        assert_eq!((seen.len(), pages), (123, 3), "{sort}");
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 123, "{sort}: every webhook once");
    }
    assert!(ann.get("/webhooks").await.text(".lead").starts_with("123 webhooks · 42 active"));
    app.finish().await;
}

/// The first page of many webhooks with long names and URLs that had traffic in every hour.
#[tokio::test]
async fn a_full_page_is_light() {
    const MAX_BYTES: usize = 100_000;
    let app = TestApp::start().await;
    let url = "https://logpoint-collector-01.example.com/add_incident_comment";
    let one = WebhookBuilder::new("x", url).triggers(&["Created", "Approved", "Granted"]);
    app.webhooks(&one.file()).await;
    for statement in [
        "insert into webhooks (id, name, active, definition, method, url, triggers, created_at, updated_at)
         select gen_random_uuid(), 'Comment on incidents of region ' || n, true, definition, method, url, triggers,
                created_at, updated_at
         from webhooks, generate_series(1, 60) n",
        "insert into webhook_hours (webhook_id, hour, delivered, failed, retried, last_delivered_at)
         select w.id, h, 1 + (extract(hour from h)::int * 7) % 19, extract(hour from h)::int % 3, 0, h
         from webhooks w,
              generate_series(date_trunc('hour', now()) - interval '23 hours', now(), interval '1 hour') h",
    ] {
        sqlx::query(statement).execute(app.database.pool()).await.unwrap();
    }
    let mut ann = app.admin().await;
    let seen = ann.get("/webhooks").await;
    assert_eq!(seen.texts("tbody tr").len(), 50);
    assert_eq!(seen.texts("tbody .spark title").len(), 50);
    assert!(seen.body.len() <= MAX_BYTES, "{} bytes", seen.body.len());
    app.finish().await;
}

#[tokio::test]
async fn the_longest_name_and_url_are_saved_sorted_and_found() {
    let app = TestApp::start().await;
    // What cannot be compressed.
    let mut bytes = [0; 1900];
    rand::fill(&mut bytes);
    let url = |n: usize| format!("https://logpoint.example.com/{n}/{}", hex::encode(bytes));
    // Letters of four bytes, all of them different.
    let rare: String = ('\u{20000}'..).take(73).collect();
    let name = |n: usize| format!("Long {n} {rare}");
    let files = [1, 2].map(|n| WebhookBuilder::new(&name(n), &url(n)).file());
    for file in &files {
        app.webhooks(file).await;
    }
    let mut ann = app.admin().await;
    assert_eq!(ann.get("/webhooks?sort=-url").await.texts("td.name a"), [name(2), name(1)]);
    let found = ann.get("/webhooks?q=example.com/2/").await;
    assert_eq!(found.texts("td.name a"), [name(2)]);
    app.finish().await;
}
