//! The pages about secrets.

use crate::support::TestApp;
use crate::support::app::EMAIL;
use crate::support::user::TestUser;

const VALUE: &str = "v4lue-that-is-never-shown";

/// Creates a shared secret and returns its path.
async fn create(ann: &mut TestUser, name: &str) -> String {
    ann.get("/secrets/new").await;
    let fields = [("name", name), ("value", VALUE), ("hosts", "https://10.0.0.5")];
    assert_eq!(ann.post("/secrets", &fields).await.location(), "/secrets");
    ann.get("/secrets").await.attribute("td.name a", "href").unwrap()
}

/// Inserts a webhook that refers to a secret by its name.
async fn add_user(app: &TestApp, webhook: &str, secret: &str) -> String {
    let yaml = format!(
        "webhooks: [{{name: {webhook}, type: {{http_request: {{url: 'https://10.0.0.5/x'}}}}, triggers: [Granted]}}]"
    );
    let id = app.webhooks(&yaml).await.remove(0);
    sqlx::query("update webhooks set secret_names = array[$2] where id = $1::uuid")
        .bind(&id)
        .bind(secret)
        .execute(app.database.pool())
        .await
        .unwrap();
    id
}

/// Returns the encrypted value, which changes with the value.
async fn sealed(app: &TestApp) -> Vec<u8> {
    sqlx::query_scalar("select sealed from secrets").fetch_one(app.database.pool()).await.unwrap()
}

#[tokio::test]
async fn a_secret_is_added_changed_and_deleted() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let empty = ann.get("/secrets").await;
    assert_eq!(empty.text(".empty h2"), "No secrets yet");
    assert_eq!(empty.attribute(".empty a.button", "href").unwrap(), "/secrets/new");

    let path = create(&mut ann, "logpoint_key").await;
    let list = ann.get("/secrets").await;
    assert_eq!(list.text(".secrets td.name"), "logpoint_key");
    let cells = list.texts(".secrets td");
    assert_eq!(cells[1..4], ["Shared", "https://10.0.0.5", "Not used"]);
    assert!(cells[4].contains(&format!("by {EMAIL}")), "{cells:?}");

    let shown = ann.get(&path).await;
    assert_eq!(shown.text("h1"), "logpoint_key");
    assert_eq!(shown.typed("hosts").trim(), "https://10.0.0.5");
    assert_eq!(shown.attribute("#value", "value"), None);
    assert_eq!(shown.text("dd.mono"), "{{secrets.logpoint_key}}");

    // Without a new value, the stored one is kept.
    let before = sealed(&app).await;
    let fields = [
        ("value", ""),
        ("hosts", "logs.example.com, https://*.example.com:8443"),
        ("scopes", "read write"),
        ("token_hosts", "https://api.example.com"),
        ("description", "Issued by Logpoint"),
    ];
    let saved = ann.post(&path, &fields).await;
    assert_eq!(saved.location(), "/secrets");
    let list = ann.get("/secrets").await;
    assert_eq!(list.text(".toast p"), "Saved “logpoint_key”.");
    assert_eq!(list.texts(".secrets td")[2], "https://logs.example.com +1");
    assert_eq!(sealed(&app).await, before);
    let shown = ann.get(&path).await;
    assert_eq!(shown.typed("hosts").trim(), "https://logs.example.com\nhttps://*.example.com:8443");
    assert_eq!(shown.typed("token_hosts").trim(), "https://api.example.com");
    assert_eq!(shown.attribute("#scopes", "value").unwrap(), "read write");
    assert!(shown.attribute("details.fold", "open").is_some());
    assert_eq!(shown.typed("description").trim(), "Issued by Logpoint");

    let fields = [("value", "another"), ("hosts", "")];
    assert_eq!(ann.post(&path, &fields).await.location(), "/secrets");
    assert_ne!(sealed(&app).await, before);
    assert_eq!(ann.get("/secrets").await.text(".secrets .badge"), "No hosts");

    let confirm = ann.get(&format!("{path}/delete")).await;
    assert_eq!(confirm.text("h1"), "Delete logpoint_key?");
    assert_eq!(ann.post(&format!("{path}/delete"), &[]).await.location(), "/secrets");
    let list = ann.get("/secrets").await;
    assert_eq!(list.text(".toast p"), "Deleted “logpoint_key”.");
    assert_eq!(list.text(".empty h2"), "No secrets yet");
    for gone in [path.clone(), format!("{path}/delete"), "/secrets/x".to_owned()] {
        assert_eq!(ann.get(&gone).await.status, 404, "{gone}");
    }
    app.finish().await;
}

#[tokio::test]
async fn errors_are_shown_at_their_fields_and_keep_the_input_except_the_value() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    ann.get("/secrets/new").await;
    let fields = [
        ("name", "Logpoint Key"),
        ("value", VALUE),
        ("hosts", "https://10.0.0.5/path"),
        ("scopes", "read"),
        ("description", "For <Logpoint>"),
    ];
    for part in [false, true] {
        let seen = if part {
            ann.post_part("/secrets", &fields).await
        } else {
            ann.post("/secrets", &fields).await
        };
        assert_eq!(seen.status, 422);
        assert_eq!(seen.text("[role=alert]"), "Fix 3 errors before saving.");
        assert!(seen.text("#name-error").contains("\"Logpoint Key\" is not a name"));
        assert!(seen.text("#hosts-error").contains("more than a host"));
        assert!(seen.text("#token_hosts-error").contains("Enter the hosts"));
        assert!(seen.text("#value-error").contains("Enter the value again"));
        assert_eq!(seen.attribute("[autofocus]", "id").unwrap(), "name");
        assert_eq!(seen.attribute("#name", "value").unwrap(), "Logpoint Key");
        assert_eq!(seen.typed("hosts").trim(), "https://10.0.0.5/path");
        assert_eq!(seen.attribute("#scopes", "value").unwrap(), "read");
        assert_eq!(seen.typed("description").trim(), "For <Logpoint>");
        assert!(seen.attribute("form[data-dirty]", "id").is_some());
        assert!(seen.attribute("details.fold", "open").is_some());
        assert!(!seen.body.contains(VALUE));
    }
    let path = create(&mut ann, "logpoint_key").await;
    let again = ann.post("/secrets", &[("name", "logpoint_key"), ("value", VALUE)]).await;
    assert_eq!(again.status, 422);
    assert_eq!(again.text("[role=alert]"), "Fix 1 error before saving.");
    assert!(again.text("#name-error").contains("Another secret has this name"));

    let wrong = ann.post(&path, &[("value", VALUE), ("hosts", "http://10.0.0.5")]).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text("#hosts-error").contains("not encrypted"));
    assert!(wrong.text("#value-error").contains("Enter the value again"));
    assert!(!wrong.body.contains(VALUE));
    let saved = ann.post_part(&path, &[("hosts", "https://10.0.0.6")]).await;
    assert_eq!(saved.headers["hx-redirect"], "/secrets");
    app.finish().await;
}

#[tokio::test]
async fn a_secret_in_use_names_its_webhooks_and_cannot_be_deleted() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let path = create(&mut ann, "logpoint_key").await;
    let webhook = add_user(&app, "Reopen", "logpoint_key").await;
    assert_eq!(ann.get("/secrets").await.texts(".secrets td")[3], "1 webhook");
    let shown = ann.get(&path).await;
    assert_eq!(shown.texts(".users a"), ["Reopen"]);
    assert_eq!(shown.attribute(".users a", "href").unwrap(), format!("/webhooks/{webhook}/edit"));
    let delete = format!("{path}/delete");
    assert_eq!(ann.get(&delete).await.text("h1"), "logpoint_key cannot be deleted");
    let refused = ann.post(&delete, &[]).await;
    assert_eq!((refused.status, refused.texts(".plain a")), (409, vec!["Reopen".to_owned()]));
    assert_eq!(ann.get(&path).await.status, 200);

    // A private secret of the same name takes precedence, so the shared one is not used any more.
    let private = "insert into secrets select gen_random_uuid(), $1::uuid, name, sealed, hosts, token_scopes, \
                   token_hosts, description, created_at, updated_at, who_kind, who_name from secrets";
    sqlx::query(private).bind(&webhook).execute(app.database.pool()).await.unwrap();
    let list = ann.get("/secrets").await;
    let mut cells = list.texts(".secrets td:nth-child(2)");
    cells.sort();
    assert_eq!(cells, ["Private to Reopen", "Shared"]);
    assert_eq!(ann.post(&delete, &[]).await.location(), "/secrets");
    assert_eq!(ann.get("/secrets").await.texts(".secrets tbody tr").len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn the_list_is_searched_and_has_pages() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    create(&mut ann, "a_first_key").await;
    let more = "insert into secrets select gen_random_uuid(), null, 'key_' || n, sealed, hosts, token_scopes, token_hosts, \
                'number ' || n, created_at, updated_at, who_kind, who_name from secrets, generate_series(100, 219) n";
    sqlx::query(more).execute(app.database.pool()).await.unwrap();
    let mut seen = Vec::new();
    let mut href = "/secrets".to_owned();
    let mut pages = 0;
    loop {
        let page = ann.get(&href).await;
        seen.extend(page.texts("td.name"));
        pages += 1;
        match page.attribute(".pager [rel=next]", "href") {
            Some(next) => href = next,
            None => break,
        }
    }
    assert_eq!((pages, seen.len()), (3, 121));
    assert!(seen.is_sorted() && seen[0] == "a_first_key", "{seen:?}");
    assert!(ann.get(&href).await.texts(".pager a").contains(&"First".to_owned()));

    assert_eq!(ann.get("/secrets?q=KEY_11").await.texts("td.name").len(), 10);
    assert_eq!(ann.get("/secrets?q=number%20107").await.texts("td.name"), ["key_107"]);
    let part = ann.get_part("/secrets?q=nothing").await;
    assert_eq!(part.text(".none"), "No matching secrets. Clear filters");
    assert!(part.texts("h1").is_empty());
    // Invalid positions count as none.
    for after in ["x", "a:b", ":", "%00:019ac3f2-7e41-7c1b-9a20-5c1f8f7f4e11"] {
        let page = ann.get(&format!("/secrets?q=%00&after={after}")).await;
        assert_eq!(page.status, 200, "{after}");
    }
    app.finish().await;
}

#[tokio::test]
async fn only_administrators_change_secrets_and_all_users_see_the_list() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let path = create(&mut ann, "logpoint_key").await;
    for role in ["editor", "viewer"] {
        sqlx::query("update users set role = $1")
            .bind(role)
            .execute(app.database.pool())
            .await
            .unwrap();
        let list = ann.get("/secrets").await;
        assert_eq!((list.status, list.text("td.name")), (200, "logpoint_key".to_owned()));
        assert!(list.texts("td.name a, .button.primary").is_empty(), "{}", list.body);
        let delete = format!("{path}/delete");
        for seen in [
            ann.get("/secrets/new").await,
            ann.get(&path).await,
            ann.get(&delete).await,
            ann.post("/secrets", &[("name", "b"), ("value", VALUE)]).await,
            ann.post(&path, &[("hosts", "https://evil.example.com")]).await,
            ann.post(&delete, &[]).await,
        ] {
            assert_eq!(seen.status, 403, "{}", seen.body);
            assert_eq!(seen.text("h1"), "Only administrators can do this");
        }
    }
    let hosts: Vec<String> = sqlx::query_scalar("select hosts from secrets")
        .fetch_one(app.database.pool())
        .await
        .unwrap();
    assert_eq!(hosts, ["https://10.0.0.5"]);
    app.finish().await;
}

#[tokio::test]
async fn forms_of_other_sites_are_rejected() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let path = create(&mut ann, "logpoint_key").await;
    for path in ["/secrets".to_owned(), path.clone(), format!("{path}/delete")] {
        let fields = [("csrf", "wrong"), ("name", "b"), ("value", VALUE), ("hosts", "")];
        assert_eq!(ann.post(&path, &fields).await.status, 403, "{path}");
    }
    let count: i64 = sqlx::query_scalar("select count(*) from secrets where hosts <> '{}'")
        .fetch_one(app.database.pool())
        .await
        .unwrap();
    assert_eq!(count, 1);
    app.finish().await;
}
