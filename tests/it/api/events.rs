//! `POST /api/v1/events`.

use gatepost::identity::Scope;
use serde_json::{Value, json};

use crate::support::compress::gzip;
use crate::support::{self, TestApp, event};

const WEBHOOK: &str = "
webhooks:
  - name: Archive
    type: { http_request: { url: 'https://127.0.0.1:9/x' } }
    triggers: [Granted]
";

/// Sends a raw body. Returns status, media type and body of the response.
async fn post(app: &TestApp, token: &str, kind: &str, body: String) -> (u16, String, Value) {
    let request = support::http()
        .post(app.url("/api/v1/events"))
        .header("content-type", kind)
        .bearer_auth(token)
        .body(body);
    let response = request.send().await.unwrap();
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    (response.status().as_u16(), kind, response.json().await.unwrap())
}

async fn count(app: &TestApp, table: &str) -> i64 {
    let sql = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
    sqlx::query_scalar(sql).fetch_one(app.database.pool()).await.unwrap()
}

#[tokio::test]
async fn stores_an_event_unchanged_before_it_responds() {
    let app = TestApp::start().await;
    app.webhooks(WEBHOOK).await;
    let token = app.token(Scope::Events).await;
    let raw = r#"{ "event_time":1696263265.851898000, "event_type":"RequestGranted", "own":[1.50],
        "data":{"id":"7"} }"#;
    let (status, _, response) = post(&app, &token, "application/json", raw.to_owned()).await;
    assert_eq!(status, 202, "{response}");
    assert_eq!(response["events"][0]["duplicate"], false);
    assert_eq!(response["events"][0]["deliveries"], 1);
    let stored: String = sqlx::query_scalar("select payload from events")
        .fetch_one(app.database.pool())
        .await
        .unwrap();
    assert_eq!(stored, raw);
    assert_eq!(count(&app, "deliveries").await, 1);
    app.finish_with_leftovers().await;
}

#[tokio::test]
async fn accepts_both_spellings_of_every_trigger() {
    let app = TestApp::start().await;
    let token = app.token(Scope::Events).await;
    for trigger in ["Created", "Approved", "Rejected", "Granted", "Expired", "Failed"] {
        for prefix in ["AccessRequest", "Request"] {
            let mut event = event(trigger, "1");
            event["event_type"] = format!("{prefix}{trigger}").into();
            let (status, response) = app.send(&token, &event).await;
            assert_eq!(
                (status, &response["events"][0]["duplicate"]),
                (202, &json!(false)),
                "{response}"
            );
        }
    }
    assert_eq!(count(&app, "events").await, 12);
    app.finish().await;
}

#[tokio::test]
async fn reports_a_duplicate_and_does_not_send_it_again() {
    let app = TestApp::start().await;
    app.webhooks(WEBHOOK).await;
    let token = app.token(Scope::Events).await;
    let (_, first) = app.send(&token, &event("Granted", "1")).await;
    let (status, again) = app.send(&token, &event("Granted", "1")).await;
    assert_eq!(status, 202);
    assert_eq!(again["events"][0]["duplicate"], true);
    assert_eq!(again["events"][0]["id"], first["events"][0]["id"]);
    assert_eq!(again["events"][0]["deliveries"], 0);
    // Also within one array. Another request id is another event.
    let batch = json!([event("Granted", "1"), event("Granted", "2"), event("Granted", "2")]);
    let (_, response) = app.send(&token, &batch).await;
    let duplicates: Vec<_> =
        response["events"].as_array().unwrap().iter().map(|one| one["duplicate"].clone()).collect();
    assert_eq!(duplicates, [json!(true), json!(false), json!(true)]);
    assert_eq!(count(&app, "events").await, 2);
    // After a week it is a new event.
    app.clock.advance(std::time::Duration::from_hours(24 * 7 + 1));
    let (_, later) = app.send(&token, &event("Granted", "1")).await;
    assert_eq!(later["events"][0]["duplicate"], false);
    app.finish_with_leftovers().await;
}

#[tokio::test]
async fn deduplicates_by_the_idempotency_key_if_given() {
    let app = TestApp::start().await;
    let token = app.token(Scope::Events).await;
    let send = async |key: &str, event: &Value| {
        let response = support::http()
            .post(app.url("/api/v1/events"))
            .header("content-type", "application/json")
            .header("idempotency-key", key)
            .bearer_auth(&token)
            .body(event.to_string())
            .send()
            .await
            .unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    let (_, first) = send("k1", &event("Granted", "1")).await;
    let (_, same_key) = send("k1", &event("Granted", "2")).await;
    let (_, other_key) = send("k2", &event("Granted", "1")).await;
    assert_eq!(first["events"][0]["duplicate"], false);
    assert_eq!(same_key["events"][0]["duplicate"], true);
    assert_eq!(other_key["events"][0]["duplicate"], false);
    let (status, problem) =
        send("k3", &json!([event("Granted", "3"), event("Granted", "4")])).await;
    assert_eq!(status, 422);
    assert!(problem["detail"].as_str().unwrap().contains("Idempotency-Key"), "{problem}");
    app.finish().await;
}

#[tokio::test]
async fn rejects_requests_without_a_valid_token() {
    let app = TestApp::start().await;
    let read = app.token(Scope::Read).await;
    for (token, expected) in [("gp_wrong", 401), (read.as_str(), 403)] {
        let (status, kind, problem) =
            post(&app, token, "application/json", event("Granted", "1").to_string()).await;
        assert_eq!(status, expected);
        assert_eq!(kind, "application/problem+json");
        assert_eq!(problem["status"], expected);
    }
    let bare = support::http().post(app.url("/api/v1/events")).send().await.unwrap();
    assert_eq!(bare.status(), 401);
    assert_eq!(bare.headers()["www-authenticate"], "Bearer");
    assert_eq!(count(&app, "events").await, 0);
    app.finish().await;
}

#[tokio::test]
async fn explains_invalid_input_and_stores_nothing() {
    let app = TestApp::start().await;
    let token = app.token(Scope::Events).await;
    let mut no_id = event("Granted", "1");
    no_id["data"].as_object_mut().unwrap().remove("id");
    let mut unknown = event("Granted", "1");
    unknown["event_type"] = "AccessRequestTeleported".into();
    let long = json!({"event_type": "RequestGranted", "event_time": 1, "data": {"id": "1"},
                      "x": "y".repeat(2 * 1024 * 1024)});
    let many = Value::from(vec![event("Granted", "1"); 1001]);
    let mut problems = Vec::new();
    for (kind, body, status, hint) in [
        ("application/json", "{oops".to_owned(), 400, "not JSON"),
        ("application/json", String::new(), 400, "not JSON"),
        ("application/json", "[]".to_owned(), 422, "1 to 1000"),
        ("application/json", "3".to_owned(), 422, "JSON object"),
        ("application/json", no_id.to_string(), 422, "/data/id is missing"),
        ("application/json", unknown.to_string(), 422, "AccessRequestTeleported"),
        ("application/json", long.to_string(), 413, "1 MiB"),
        ("application/json", many.to_string(), 422, "1001"),
        ("text/plain", event("Granted", "1").to_string(), 415, "application/json"),
        ("application/json", " ".repeat(17 * 1024 * 1024), 413, "16 MiB"),
    ] {
        let (found, media, problem) = post(&app, &token, kind, body).await;
        problems.push(problem.clone());
        assert_eq!((found, media.as_str()), (status, "application/problem+json"), "{problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(hint), "{hint}: {detail}");
        assert!(problem["type"].as_str().unwrap().starts_with("/problems/"));
    }
    insta::assert_snapshot!("problems", serde_json::to_string_pretty(&problems).unwrap());
    assert_eq!(count(&app, "events").await, 0);
    app.finish().await;
}

#[tokio::test]
async fn accepts_an_array_entirely_or_not_at_all() {
    let app = TestApp::start().await;
    let token = app.token(Scope::Events).await;
    let batch =
        json!([event("Granted", "1"), {"event_type": "RequestGranted"}, event("Failed", "2")]);
    let (status, problem) = app.send(&token, &batch).await;
    assert_eq!(status, 422);
    let pointers: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|one| one["pointer"].clone()).collect();
    assert_eq!(pointers, [json!("/1/event_time"), json!("/1/data")]);
    assert_eq!(count(&app, "events").await, 0);
    let whole =
        Value::from((0..1000).map(|n| event("Granted", &n.to_string())).collect::<Vec<_>>());
    let (status, response) = app.send(&token, &whole).await;
    assert_eq!((status, response["events"].as_array().unwrap().len()), (202, 1000));
    assert_eq!(count(&app, "events").await, 1000);
    app.finish().await;
}

#[tokio::test]
async fn accepts_many_concurrent_requests() {
    let app = TestApp::start().await;
    let token = app.token(Scope::Events).await;
    let sending = (0..60).map(|n| {
        let (app, token) = (&app, &token);
        async move { app.send(token, &event("Granted", &(n % 50).to_string())).await }
    });
    let answers = futures_util::future::join_all(sending).await;
    assert!(answers.iter().all(|(status, _)| *status == 202));
    let repeats =
        answers.iter().filter(|(_, response)| response["events"][0]["duplicate"] == true).count();
    assert_eq!(repeats, 10);
    assert_eq!(count(&app, "events").await, 50);
    app.finish().await;
}

#[tokio::test]
async fn responds_to_unknown_paths_and_methods_with_problems() {
    let app = TestApp::start().await;
    for (method, path, status) in
        [("GET", "/api/v1/events", 405), ("POST", "/api/v1/nothing", 404), ("GET", "/api/v2", 404)]
    {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let response = support::http().request(method, app.url(path)).send().await.unwrap();
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(response.headers()["content-type"], "application/problem+json");
    }
    app.finish().await;
}

/// Sends bytes with a content encoding. Returns the status and the response.
async fn post_encoded(app: &TestApp, token: &str, coding: &str, body: Vec<u8>) -> (u16, Value) {
    let request = support::http()
        .post(app.url("/api/v1/events"))
        .header("content-type", "application/json")
        .header("content-encoding", coding)
        .bearer_auth(token)
        .body(body);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn accepts_gzip_within_the_limits_and_no_other_encoding() {
    let app = TestApp::start().await;
    let token = app.token(Scope::Events).await;
    let body = event("Granted", "1").to_string().into_bytes();
    for (coding, body, status, words) in [
        ("gzip", gzip(&body), 202, ""),
        ("identity", body.clone(), 202, ""),
        ("br", body.clone(), 415, "gzip"),
        ("gzip", body.clone(), 400, "malformed"),
        ("gzip", gzip(&body)[..40].to_vec(), 400, "malformed"),
        ("gzip", gzip(&vec![b' '; 100 * 1024 * 1024]), 413, "16 MiB"),
    ] {
        let (found, response) = post_encoded(&app, &token, coding, body).await;
        assert_eq!(found, status, "{coding}: {response}");
        assert!(response.to_string().contains(words), "{response}");
    }
    assert_eq!(count(&app, "events").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn no_text_of_a_requester_keeps_an_event_out() {
    let app = TestApp::start().await;
    let token = app.token(Scope::Events).await;
    for (number, justification) in [
        r#""cut \ud83d""#,
        r#""nul \u0000""#,
        r#"{"$serde_json::private::RawValue": "not json"}"#,
        r#"{"$serde_json::private::Number": "abc"}"#,
        r#"{"\u0024serde_json::private::Number": 1}"#,
    ]
    .into_iter()
    .enumerate()
    {
        let raw = format!(
            r#"{{"event_type":"RequestGranted","event_time":1,"data":{{"id":"{number}","justification":{justification}}}}}"#
        );
        for body in [raw.clone(), format!("[{raw}]"), format!("\u{feff}{raw}")] {
            let (status, _, response) = post(&app, &token, "application/json", body).await;
            assert_eq!(status, 202, "{justification}: {response}");
        }
        let stored: String = sqlx::query_scalar("select payload from events where request_id = $1")
            .bind(number.to_string())
            .fetch_one(app.database.pool())
            .await
            .unwrap();
        assert_eq!(stored, raw);
    }
    app.finish().await;
}
