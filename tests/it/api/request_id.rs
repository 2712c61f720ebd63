//! The header `x-request-id`.

use std::collections::HashSet;

use uuid::Uuid;

use crate::support::{TestApp, http};

#[tokio::test]
async fn every_response_has_an_id_that_clients_cannot_choose() {
    let app = TestApp::start().await;
    let mut ids = HashSet::new();
    let chosen = Uuid::max();
    for path in ["/healthz", "/login", "/api/v1/nothing", "/nothing", "/static/nothing"] {
        let request = http().get(app.url(path)).header("x-request-id", chosen.to_string());
        let response = request.send().await.unwrap();
        let id = response.headers()["x-request-id"].to_str().unwrap();
        ids.insert(id.parse::<Uuid>().unwrap());
    }
    assert_eq!(ids.len(), 5);
    assert!(!ids.contains(&chosen));
    app.finish().await;
}
