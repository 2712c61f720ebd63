//! Live updates: the stream of changes that open pages receive.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Response;
use reqwest::header::COOKIE;
use serde_json::{Value, json};
use sqlx::postgres::PgListener;

use crate::support::app::PASSWORD;
use crate::support::scenario::Scenario;
use crate::support::user::TestUser;
use crate::support::{TestApp, event, http};

/// How soon a change must be reported.
const MAX_DELAY: Duration = Duration::from_secs(2);
/// The limit in `src/web/live.rs`.
const MAX_STREAMS_PER_SESSION: usize = 16;

const NEW: &str = "purple kayak on a quiet lake";

/// An open stream.
struct Stream {
    response: Response,
    text: String,
}

async fn request(app: &TestApp, user: &TestUser) -> Response {
    let request = http().get(app.url("/live")).header("accept", "text/event-stream");
    let request = request.header("accept-encoding", "gzip, br");
    request.header(COOKIE, user.cookie_header()).send().await.unwrap()
}

impl Stream {
    /// Opens a stream, and reads the first report.
    async fn open(app: &TestApp, user: &TestUser) -> Self {
        let response = request(app, user).await;
        assert_eq!(response.status(), 200);
        let mut stream = Self { response, text: String::new() };
        assert_eq!(stream.next().await.unwrap(), everything());
        stream
    }

    /// Waits for the next report. `None` if the stream has ended.
    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let message: String = self.text.drain(..end + 2).collect();
                let data = message.lines().find_map(|line| line.strip_prefix("data: "));
                if let Some(data) = data {
                    return serde_json::from_str(data).unwrap();
                }
                continue;
            }
            let chunk = self.response.chunk().await.unwrap()?;
            self.text += std::str::from_utf8(&chunk).unwrap();
        }
    }

    /// Waits for a report about deliveries of a webhook. Fails if it takes too long.
    async fn wait_for(&mut self, webhook: &str) {
        let waiting = async {
            while self.next().await.expect("the stream has ended")["webhooks"] != json!([webhook]) {
            }
        };
        tokio::time::timeout(MAX_DELAY, waiting).await.expect("the change was not reported");
    }

    /// Waits until the stream ends.
    async fn wait_for_end(&mut self) {
        while self.next().await.is_some() {}
    }
}

fn everything() -> Value {
    json!({"events": true, "deliveries": true, "webhooks": "all"})
}

#[tokio::test]
async fn a_stream_goes_on_when_its_session_gets_a_new_token() {
    let Scenario { app, logpoint: _logpoint, webhook, token } = Scenario::start().await;
    let mut ann = app.admin().await;
    let mut stream = Stream::open(&app, &ann).await;
    let before = ann.session().to_owned();
    ann.get("/account").await;
    let fields = [("current_password", PASSWORD), ("password", NEW), ("password_again", NEW)];
    assert_eq!(ann.post("/account/password", &fields).await.location(), "/account");
    assert_ne!(ann.session(), before);
    app.send(&token, &event("Granted", "1")).await;
    stream.wait_for(&webhook).await;
    app.finish().await;
}

#[tokio::test]
async fn an_event_is_reported_to_the_pages_of_every_instance() {
    let Scenario { app, logpoint: _logpoint, webhook, token } = Scenario::start().await;
    let other = app.beside(&app.clock).await;
    let (ann, bo) = (app.admin().await, other.admin().await);
    let (mut near, mut far) = tokio::join!(Stream::open(&app, &ann), Stream::open(&other, &bo));
    assert_eq!(near.response.headers()["content-type"], "text/event-stream");
    // Neither compression nor nginx delays a report.
    assert!(!near.response.headers().contains_key("content-encoding"));
    assert_eq!(near.response.headers()["x-accel-buffering"], "no");
    app.send(&token, &event("Granted", "1")).await;
    tokio::join!(near.wait_for(&webhook), far.wait_for(&webhook));
    app.wait_for("delivered", 1).await;
    other.leave().await;
    app.finish().await;
}

#[tokio::test]
async fn many_pages_share_one_listening_connection() {
    let Scenario { app, logpoint: _logpoint, webhook, token } = Scenario::start().await;
    let mut streams = Vec::new();
    for count in [16, 16, 16, 2] {
        let ann = app.admin().await;
        streams.extend(join_all((0..count).map(|_| Stream::open(&app, &ann))).await);
    }
    let listening: i64 = sqlx::query_scalar(
        "select count(*) from pg_stat_activity
         where datname = current_database() and application_name = 'gatepost listener'",
    )
    .fetch_one(app.database.pool())
    .await
    .unwrap();
    assert_eq!((streams.len(), listening), (50, 1));
    app.send(&token, &event("Granted", "1")).await;
    join_all(streams.iter_mut().map(|stream| stream.wait_for(&webhook))).await;
    app.wait_for("delivered", 1).await;
    app.finish().await;
}

#[tokio::test]
async fn changes_by_users_are_reported() {
    let Scenario { app, logpoint: _logpoint, webhook, token } = Scenario::start().await;
    app.send(&token, &event("Granted", "1")).await;
    app.wait_for("delivered", 1).await;
    let mut ann = app.admin().await;
    let mut stream = Stream::open(&app, &ann).await;
    let delivery: String = sqlx::query_scalar("select id::text from deliveries")
        .fetch_one(app.database.pool())
        .await
        .unwrap();
    for (page, path, fields) in [
        (format!("/deliveries/{delivery}"), "redeliver", vec![]),
        (format!("/webhooks/{webhook}"), "active", vec![("active", "false")]),
    ] {
        ann.get(&page).await;
        // Earlier changes are reported first.
        while tokio::time::timeout(MAX_DELAY, stream.next()).await.is_ok() {}
        assert_eq!(ann.post(&format!("{page}/{path}"), &fields).await.status, 303);
        let reported = tokio::time::timeout(MAX_DELAY, stream.next()).await;
        assert_eq!(reported.expect("the change was not reported").unwrap()["deliveries"], true);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_stream_ends_with_its_session() {
    let Scenario { app, logpoint: _logpoint, webhook, token } = Scenario::start().await;
    let (mut ann, other) = (app.admin().await, app.admin().await);
    let (mut stream, mut remaining) =
        (Stream::open(&app, &ann).await, Stream::open(&app, &other).await);
    ann.get("/webhooks").await;
    assert_eq!(ann.post("/logout", &[]).await.status, 303);
    app.send(&token, &event("Granted", "1")).await;
    tokio::time::timeout(MAX_DELAY, stream.wait_for_end()).await.expect("the stream is open");
    remaining.wait_for(&webhook).await;
    assert_eq!(request(&app, &ann).await.status(), 401);
    assert_eq!(request(&app, &app.anonymous()).await.status(), 401);
    app.wait_for("delivered", 1).await;
    app.finish().await;
}

#[tokio::test]
async fn the_streams_of_a_session_are_limited() {
    let app = TestApp::start().await;
    let (ann, other) = (app.admin().await, app.admin().await);
    let open = (0..MAX_STREAMS_PER_SESSION).map(|_| Stream::open(&app, &ann));
    let mut streams = join_all(open).await;
    assert_eq!(request(&app, &ann).await.status(), 429);
    drop(Stream::open(&app, &other).await);
    drop(streams.pop());
    app.wait_until("a closed stream not to count", async || {
        request(&app, &ann).await.status() == 200
    })
    .await;
    app.finish().await;
}

#[tokio::test]
async fn a_stop_ends_streams_at_once() {
    let app = TestApp::start().await;
    let ann = app.admin().await;
    let mut streams = join_all((0..8).map(|_| Stream::open(&app, &ann))).await;
    let started = Instant::now();
    app.finish().await;
    // The server waits three seconds for other requests.
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    for stream in &mut streams {
        stream.wait_for_end().await;
    }
}

#[tokio::test]
async fn nothing_is_notified_while_nothing_changes() {
    let Scenario { app, logpoint: _logpoint, token, .. } = Scenario::start().await;
    let mut listener = PgListener::connect(app.database.url()).await.unwrap();
    listener.listen("gatepost_live").await.unwrap();
    let ann = app.admin().await;
    let _stream = Stream::open(&app, &ann).await;
    let mut notified = async || {
        let mut count = 0;
        while tokio::time::timeout(2 * MAX_DELAY, listener.recv()).await.is_ok() {
            count += 1;
        }
        count
    };
    assert_eq!(notified().await, 0);
    for n in 0..100 {
        app.send(&token, &event("Granted", &n.to_string())).await;
    }
    app.wait_for("delivered", 100).await;
    // At most one per second.
    let count = notified().await;
    assert!((1..20).contains(&count), "{count}");
    app.finish().await;
}

#[tokio::test]
async fn a_page_that_updates_itself_neither_extends_the_session_nor_takes_messages() {
    let Scenario { app, logpoint: _logpoint, webhook, .. } = Scenario::start().await;
    let mut ann = app.admin().await;
    let expiry = async || -> String {
        let sql = "select max(expires_at)::text from sessions";
        sqlx::query_scalar(sql).fetch_one(app.database.pool()).await.unwrap()
    };
    let before = expiry().await;
    app.clock.advance(Duration::from_hours(3));
    ann.get_part("/webhooks").await;
    let used = expiry().await;
    assert_ne!(before, used);
    ann.post(&format!("/webhooks/{webhook}/active"), &[("active", "true"), ("back", "page")]).await;
    app.clock.advance(Duration::from_hours(3));
    let request = http().get(app.url("/webhooks")).header("gatepost-live", "true");
    let live = ann.send(request).await;
    assert_eq!((live.status, live.texts(".toast").len()), (200, 0));
    drop(Stream::open(&app, &ann).await);
    assert_eq!(expiry().await, used);
    assert_eq!(ann.get("/webhooks").await.texts(".toast").len(), 1);
    app.finish().await;
}
