//! Tests of the simulator, with an independent HTTP client.
#![expect(clippy::disallowed_methods, reason = "address rules are not needed here")]

use reqwest::{Certificate as Trusted, Client, Method, StatusCode};
use serde_json::{Value, json};

use super::*;

async fn start() -> (FakeLogpoint, Client) {
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let client = client(&logpoint);
    (logpoint, client)
}

fn client(logpoint: &FakeLogpoint) -> Client {
    let trusted = Trusted::from_pem(logpoint.ca_pem().as_bytes()).unwrap();
    let policy = reqwest::redirect::Policy::none();
    Client::builder().tls_certs_only([trusted]).redirect(policy).build().unwrap()
}

fn body(data: &Value) -> Value {
    json!({"username": "svc-gatepost", "secret_key": "demo-key", "requestData": data})
}

fn one(id: &str) -> Value {
    json!({"version": "0.1", "incident_ids": [id]})
}

async fn call(logpoint: &FakeLogpoint, method: Method, path: &str, data: &Value) -> Value {
    let request = client(logpoint).request(method, logpoint.url(path)).json(&body(data));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    response.json().await.unwrap()
}

async fn post(logpoint: &FakeLogpoint, path: &str, data: &Value) -> String {
    let response = call(logpoint, Method::POST, path, data).await;
    format!("{} {}", response["success"], response["message"].as_str().unwrap())
}

#[tokio::test]
async fn reopening_changes_the_state_and_is_recorded() {
    let (logpoint, _) = start().await;
    let id = INCIDENTS[0];
    assert_eq!(logpoint.incident(id).unwrap().state, State::Closed);
    assert_eq!(post(&logpoint, "/reopen_incident", &one(id)).await, "true Incidents reopened");
    assert_eq!(logpoint.incident(id).unwrap().state, State::Open);
    let requests = logpoint.wait_for_requests(1).await;
    assert_eq!(
        (requests[0].method.as_str(), requests[0].path.as_str()),
        ("POST", "/reopen_incident")
    );
    assert_eq!(requests[0].header("content-type"), Some("application/json"));
    assert_eq!(requests[0].json(), body(&one(id)));
    assert!(requests[0].text().contains("demo-key"));
    assert!(requests[0].at.elapsed().unwrap() < WAIT_TIMEOUT);
}

#[tokio::test]
async fn a_wrong_key_is_rejected_with_status_200() {
    let (logpoint, client) = start().await;
    for (user, key) in [("svc-gatepost", "other"), ("other", "demo-key")] {
        let body = json!({"username": user, "secret_key": key, "requestData": one(INCIDENTS[0])});
        let response =
            client.post(logpoint.url("/reopen_incident")).json(&body).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let expected = json!({"success": false, "message": "Authentication Failed"});
        assert_eq!(response.json::<Value>().await.unwrap(), expected);
    }
    assert_eq!(logpoint.incident(INCIDENTS[0]).unwrap().state, State::Closed);
}

#[tokio::test]
async fn incidents_are_assigned_then_resolved_then_closed() {
    let (logpoint, _) = start().await;
    let id = INCIDENTS[0];
    let data = one(id);
    let assign = |user: &str| json!({"version": "0.1", "incident_ids": [id], "new_assignee": user});
    post(&logpoint, "/reopen_incident", &data).await;
    assert_eq!(logpoint.incident(id).unwrap().assignee, ANALYST);
    let not_assigned = format!("false Incident is not assigned to the user: {id}");
    assert_eq!(post(&logpoint, "/resolve_incident", &data).await, not_assigned);
    assert_eq!(post(&logpoint, "/close_incident", &data).await, not_assigned);
    let assigned = post(&logpoint, "/assign_incident", &assign(API_USER)).await;
    assert_eq!(assigned, "true Incidents re-assigned");
    let unresolved = format!("false Incident is not resolved: {id}");
    assert_eq!(post(&logpoint, "/close_incident", &data).await, unresolved);
    assert_eq!(post(&logpoint, "/resolve_incident", &data).await, "true Incidents resolved");
    assert_eq!(post(&logpoint, "/close_incident", &data).await, "true Incidents closed");
    let unknown = post(&logpoint, "/assign_incident", &assign("58c26fd3d8aaa40dd8a2e1ff")).await;
    assert_eq!(unknown, "false User not found");
    assert_eq!(logpoint.incident(id).unwrap().assignee, API_USER);
}

#[tokio::test]
async fn comments_are_added_to_all_incidents_or_none() {
    let (logpoint, _) = start().await;
    let comment = |ids: &[&str]| {
        let states: Vec<_> =
            ids.iter().map(|id| json!({"_id": id, "comments": ["hello"]})).collect();
        json!({"version": "0.1", "states": states})
    };
    let unknown = "5a62bd8cce983de890854200";
    let refused =
        post(&logpoint, "/add_incident_comment", &comment(&[INCIDENTS[1], unknown])).await;
    assert_eq!(refused, format!("false Incident not found: {unknown}"));
    assert!(logpoint.incident(INCIDENTS[1]).unwrap().comments.is_empty());
    let added = post(&logpoint, "/add_incident_comment", &comment(&[INCIDENTS[1]])).await;
    assert_eq!(added, "true Comments added");
    assert_eq!(logpoint.incident(INCIDENTS[1]).unwrap().comments, ["hello"]);
}

#[tokio::test]
async fn lists_are_requested_with_a_body() {
    let (logpoint, client) = start().await;
    let all = json!({"version": "0.1", "ts_from": 0, "ts_to": 2_000_000_000});
    let incidents = call(&logpoint, Method::GET, "/incidents", &all).await;
    assert_eq!(incidents["incidents"].as_array().unwrap().len(), 3);
    assert_eq!(incidents["incidents"][0]["detection_timestamp"], 1_516_420_492);
    let states = call(&logpoint, Method::GET, "/incident_states", &all).await;
    assert_eq!(states["states"][2]["status"], "resolved");
    let of_first = json!({"incident_obj_id": INCIDENTS[0], "date": 1_516_420_492,
        "incident_id": incidents["incidents"][0]["incident_id"]});
    let rows = call(&logpoint, Method::GET, "/get_data_from_incident", &of_first).await;
    assert_eq!(rows["rows"].as_array().unwrap().len(), 1);
    let users = call(&logpoint, Method::GET, "/get_users", &Value::Null).await;
    assert_eq!(users["users"][0]["id"], API_USER);

    let form = "username=svc-gatepost&secret_key=demo-key&type=user_preference";
    let response = client.post(logpoint.url("/getalloweddata")).body(form).send().await.unwrap();
    assert_eq!(response.json::<Value>().await.unwrap()["timezone"], "UTC");
}

#[tokio::test]
async fn invalid_calls_get_an_error_page() {
    let (logpoint, client) = start().await;
    let status = async |path: &str, body: &'static str| {
        client.post(logpoint.url(path)).body(body).send().await.unwrap().status().as_u16()
    };
    assert_eq!(status("/create_incident", "{}").await, 404);
    assert_eq!(status("/incidents", "{}").await, 405);
    assert_eq!(status("/reopen_incident", "incident=1").await, 400);
    let other_id = "5a62bd8cce983de89085429c00000000";
    let refused = post(&logpoint, "/reopen_incident", &one(other_id)).await;
    assert_eq!(refused, format!("false Invalid incident id: {other_id}"));
}

#[tokio::test]
async fn scripted_behaviours_apply_once() {
    let (logpoint, client) = start().await;
    logpoint.behave([
        Behaviour::Status(502, "Bad Gateway".to_owned()),
        Behaviour::RetryAfter(429, 7),
        Behaviour::Redirect("https://127.0.0.1:1/".to_owned()),
        Behaviour::RejectWithStatus200,
        Behaviour::NotJson,
        Behaviour::Accept,
        Behaviour::Delay(Duration::from_millis(20)),
    ]);
    let mut seen = Vec::new();
    for _ in 0..8 {
        let response = client.post(logpoint.url("/any")).body("x").send().await.unwrap();
        let header =
            |name: &str| response.headers().get(name).map(|v| v.to_str().unwrap().to_owned());
        let extra = header("retry-after").or(header("location")).unwrap_or_default();
        let status = response.status().as_u16();
        let success = response.text().await.unwrap().contains("\"success\":true");
        seen.push(format!("{status} {extra} {success}"));
    }
    let expected = [
        "502  false",
        "429 7 false",
        "307 https://127.0.0.1:1/ false",
        "200  false",
        "200  false",
        "200  true",
        "404  false",
        "404  false",
    ];
    assert_eq!(seen, expected);
    logpoint.always(Behaviour::Accept);
    let response = client.post(logpoint.url("/any")).body("x").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(logpoint.wait_for_requests(9).await.len(), 9);
}

#[tokio::test]
async fn violations_of_http_are_simulated() {
    let (logpoint, client) = start().await;
    let post = || client.post(logpoint.url("/any")).body("x").timeout(Duration::from_millis(300));
    for behaviour in [Behaviour::Garbage, Behaviour::HangUp, Behaviour::HangBeforeResponse] {
        logpoint.behave([behaviour.clone()]);
        let error = post().send().await.unwrap_err();
        assert_eq!(error.is_timeout(), behaviour == Behaviour::HangBeforeResponse, "{behaviour:?}");
    }
    for behaviour in [Behaviour::CutBody, Behaviour::HangAfterHeaders] {
        logpoint.behave([behaviour.clone()]);
        let response = post().send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{behaviour:?}");
        let error = response.bytes().await.unwrap_err();
        assert_eq!(error.is_timeout(), behaviour == Behaviour::HangAfterHeaders, "{behaviour:?}");
    }
    logpoint.behave([Behaviour::Trickle]);
    let mut trickle = post().timeout(WAIT_TIMEOUT).send().await.unwrap();
    for _ in 0..2 {
        assert_eq!(trickle.chunk().await.unwrap().unwrap(), "x");
    }
    drop(trickle);
    logpoint.behave([Behaviour::NeverRead]);
    assert!(post().send().await.unwrap_err().is_timeout());
    logpoint.behave([Behaviour::HugeBody(1_000_000), Behaviour::EndlessBody]);
    let huge = client.post(logpoint.url("/any")).send().await.unwrap();
    assert_eq!(huge.bytes().await.unwrap().len(), 1_000_000);
    let mut endless = client.post(logpoint.url("/any")).send().await.unwrap();
    let mut length = 0;
    while length < 5_000_000 {
        length += endless.chunk().await.unwrap().unwrap().len();
    }
}

#[tokio::test]
async fn accepts_chunked_bodies() {
    let (logpoint, client) = start().await;
    let parts = ["{\"username\":", "\"x\"}"].map(Ok::<_, io::Error>);
    let body = reqwest::Body::wrap_stream(futures_util::stream::iter(parts));
    client.post(logpoint.url("/reopen_incident")).body(body).send().await.unwrap();
    assert_eq!(logpoint.requests()[0].text(), r#"{"username":"x"}"#);
}

#[tokio::test]
async fn each_certificate_has_only_its_fault() {
    let mut texts = Vec::new();
    for certificate in [
        Certificate::SignedByCa,
        Certificate::Expired,
        Certificate::NotYetValid,
        Certificate::WrongName,
        Certificate::PlainHttp,
    ] {
        let logpoint = FakeLogpoint::start(Options { certificate, ..Options::default() }).await;
        assert_eq!(logpoint.fingerprint().len(), logpoint.certificate_pem().len().min(95));
        let client = if logpoint.ca_pem().is_empty() { Client::new() } else { client(&logpoint) };
        texts.push(match client.get(logpoint.url("/")).send().await {
            Ok(response) => response.status().to_string(),
            Err(error) => format!("{error:?}"),
        });
    }
    for (text, expected) in
        texts.iter().zip(["404", "Expired", "NotValidYet", "NotValidForName", "404"])
    {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[tokio::test]
async fn a_stopped_server_can_be_restarted_with_the_same_certificate() {
    let pem = Pem::self_signed().unwrap();
    let certificate = Certificate::Given(pem);
    let options = Options { certificate: certificate.clone(), ..Options::default() };
    let first = FakeLogpoint::start(options).await;
    let (listen, fingerprint) = (first.address(), first.fingerprint().to_owned());
    let client = client(&first);
    client.get(first.url("/")).send().await.unwrap();
    first.stop().await;
    assert!(client.get(format!("https://{listen}/")).send().await.is_err());
    let second = FakeLogpoint::start(Options { listen, certificate, ..Options::default() }).await;
    assert_eq!(second.fingerprint(), fingerprint);
    client.get(second.url("/")).send().await.unwrap();
}
