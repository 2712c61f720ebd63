//! The pages of the audit log.

use sqlx::AssertSqlSafe;

use crate::support::TestApp;
use crate::support::app::EMAIL;
use crate::support::builders::WebhookBuilder;

/// Adds this number of entries.
async fn append(app: &TestApp, count: i64) {
    let sql = format!(
        "select audit_append(now(), 'token', 'Token ' || n, '10.0.0.7', '', 'token.revoked', 'token', '', '=name ' || n, '{{}}')
         from generate_series(1, {count}) n"
    );
    sqlx::query(AssertSqlSafe(sql)).execute(app.database.pool()).await.unwrap();
}

#[tokio::test]
async fn a_change_is_listed_and_shown_with_its_differences() {
    let app = TestApp::start().await;
    let builder = WebhookBuilder::new("Reopen (now)", "https://10.0.0.5/x")
        .with("body_template", "{\"a\": 1,\n\"secret_key\": \"k3y-that-is-a-secret-value\"}");
    let id = app.webhooks(&builder.clone().file()).await.remove(0);
    let changed =
        builder.with("body_template", "{\"a\": 2,\n\"secret_key\": \"{{secrets.secret_key}}\"}");
    app.change_webhook(&id, &changed.file(), "bob@example.com").await;
    let mut ann = app.admin().await;
    let list = ann.get("/audit").await;
    assert_eq!(list.text(".nav [aria-current]"), "Audit log");
    let actions = list.texts(".audit td.name");
    let expected =
        ["Signed in", "Webhook changed", "Secret created", "Webhook added", "User created"];
    assert_eq!(actions, expected);
    let cells = list.texts(".audit tr:nth-child(2) td");
    assert_eq!(cells[1..3], ["Webhook Reopen (now)", "bob@example.com"], "{cells:?}");
    let cells = list.texts(".audit tr:nth-child(1) td");
    assert_eq!(cells[1..4], [&format!("User {EMAIL}"), EMAIL, "127.0.0.1"], "{cells:?}");

    let href = list.attribute(".audit tr:nth-child(2) td.name a", "href").unwrap();
    let shown = ann.get(&href).await;
    assert_eq!(shown.text("h1"), "Webhook changed");
    assert_eq!(shown.texts(".differences dt"), ["Body template"]);
    assert!(
        shown.texts(".diff .gone").iter().any(|line| line.contains("\"a\": 1")),
        "{}",
        shown.body
    );
    assert!(shown.texts(".diff .come").iter().any(|line| line.contains("\"a\": 2")));
    let link = format!(".facts a[href='/webhooks/{id}']");
    assert_eq!(shown.text(&link), "Reopen (now)");
    let href = list.attribute(".audit tr:nth-child(1) td.name a", "href").unwrap();
    let signed_in = ann.get(&href).await;
    assert_eq!(signed_in.text("h1"), "Signed in");
    assert!(signed_in.texts("main").concat().contains("password"), "{}", signed_in.body);
    for path in ["/audit/0", "/audit/x", "/audit/99999999999999999999"] {
        assert_eq!(ann.get(path).await.status, 404, "{path}");
    }
    for page in ["/audit".to_owned(), href] {
        assert!(!ann.get(&page).await.body.contains("k3y-that-is"));
    }
    app.finish().await;
}

#[tokio::test]
async fn entries_are_filtered_and_have_pages() {
    let app = TestApp::start().await;
    append(&app, 120).await;
    let mut ann = app.admin().await;
    let mut seen = Vec::new();
    let mut href = "/audit?action=token.revoked".to_owned();
    loop {
        let page = ann.get(&href).await;
        seen.extend(page.texts(".audit td:nth-child(3)"));
        match page.attribute(".pager [rel=next]", "href") {
            Some(older) => href = older,
            None => break,
        }
    }
    let expected: Vec<String> = (1..=120).rev().map(|n| format!("The token Token {n}")).collect();
    assert_eq!(seen, expected);
    assert_eq!(ann.get(&href).await.text(".pager"), "Newest");
    for (query, count) in [
        ("actor=TOKEN+11", 11),
        ("object=name+120", 1),
        ("object=user", 2),
        ("actor=gatepost", 1),
        ("actor=ann.ngo&action=sign_in.succeeded", 1),
        ("from=2020-01-01T00:00&to=2098-01-01T00:00&actor=+token+11+", 11),
        ("to=2020-01-01T00:00", 0),
        ("actor=%00", 50),
    ] {
        let page = ann.get(&format!("/audit?{query}")).await;
        assert_eq!(page.texts(".audit tbody tr").len(), count, "{query}");
    }
    let none = ann.get_part("/audit?actor=nothing").await;
    assert_eq!(none.text(".none"), "No matching entries. Clear filters");
    assert!(none.texts("h1").is_empty());
    assert!(
        ann.get("/audit?after=1").await.text(".none").starts_with("There are no older entries.")
    );
    let wrong = ann.get("/audit?from=yesterday").await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text("#from-error").contains("\"yesterday\" is not a time"));
    app.finish().await;
}

#[tokio::test]
async fn the_entries_that_match_are_exported() {
    let app = TestApp::start().await;
    append(&app, 1100).await;
    let mut ann = app.admin().await;
    let page = ann.get("/audit?action=token.revoked").await;
    assert_eq!(page.texts(".above-table button"), ["Export CSV", "Export JSON lines"]);
    assert_eq!(page.attribute(".above-table [name=action]", "value").unwrap(), "token.revoked");
    let fields = [("format", "csv"), ("action", "token.revoked"), ("actor", ""), ("from", "")];
    let csv = ann.post("/audit/export", &fields).await;
    assert_eq!(csv.status, 200);
    assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8");
    let file = csv.headers["content-disposition"].to_str().unwrap();
    assert!(file.starts_with("attachment; filename=\"audit-log-20") && file.ends_with(".csv\""));
    let mut reader = csv::Reader::from_reader(csv.body.as_bytes());
    assert_eq!(reader.headers().unwrap().get(9), Some("object_name"));
    let names: Vec<String> = reader.records().map(|row| row.unwrap()[9].to_owned()).collect();
    assert_eq!(names.len(), 1100);
    assert_eq!(names[1099], "'=name 1100");

    let lines = ann.post("/audit/export", &[("format", "jsonl"), ("object", "name 7")]).await;
    assert_eq!(lines.body.lines().count(), 111);
    let found = ann.get("/audit?action=audit.exported").await;
    assert_eq!(found.texts(".audit tbody tr").len(), 2);
    let href = found.attribute(".audit tr:nth-child(1) a", "href").unwrap();
    let facts = ann.get(&href).await.texts(".facts dd");
    assert_eq!(facts[..2], ["jsonl", "name 7"]);

    for fields in [&[("format", "xml")][..], &[("format", "csv"), ("from", "yesterday")]] {
        assert_eq!(ann.post("/audit/export", fields).await.status, 422);
    }
    assert_eq!(
        ann.post("/audit/export", &[("csrf", "wrong"), ("format", "csv")]).await.status,
        403
    );
    assert!(app.anonymous().get("/audit").await.location().starts_with("/login"));
    app.finish().await;
}

#[tokio::test]
async fn a_log_without_entries_is_explained() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let remove = "alter table audit_log disable trigger all; truncate audit_log";
    sqlx::raw_sql(remove).execute(app.database.pool()).await.unwrap();
    let page = ann.get("/audit").await;
    assert_eq!(page.text(".empty h2"), "Nothing has been recorded yet");
    app.finish().await;
}
