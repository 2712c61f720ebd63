//! The floor: a minimal program with the same libraries and the same rows. It accepts events by HTTP, commits their rows
//! with the server's own statements, sends a constant body, and commits the results. It has no JSON, templates, filters,
//! redaction, lease renewal or retries.

use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use gatepost::egress::{AddressRules, Client, OutgoingRequest};
use gatepost::model::delivery::DeliveryState;
use gatepost::model::event::Event;
use gatepost::model::exchange::RecordedParts;
use gatepost::model::webhook::{Tls, Trust};
use gatepost::model::{DeliveryId, EventId, InvocationId, WebhookId};
use gatepost::store::deliveries::complete::{Completion, complete};
use gatepost::store::deliveries::intake::{NewDelivery, NewEvent, store_events};
use gatepost::store::{
    Error, PgConnectOptions, PgConnection, PgPool, StickyConnection, connect_dispatcher,
};
use tokio::sync::{Semaphore, mpsc, oneshot};
use url::Url;
use uuid::Uuid;

use crate::load::Api;
use crate::server::Server;
use crate::target::{digits, find};

/// Limits and delays of the server's intake and completion.
const MAX_EVENTS: usize = 1000;
const MAX_RESULTS: usize = 256;
const LINGER: Duration = Duration::from_millis(8);
const COMMIT_TIMEOUT: Duration = Duration::from_secs(2);
/// The text before an event's number in a request.
const TICKET: &[u8] = b"\"ticket\": \"";
/// The body to send, as long as the one that the server's webhook renders.
const BODY: &str = r#"{"username": "svc", "secret_key": "a-key-of-the-siem", "number": "@N",
      "requestData": {"version": "0.1", "states": [{"_id": "5a62bd8cce983de89085429c", "comments":
      ["AR-@N AccessRequestGranted: ann.ngo@example.com (On call: the orders table grows \"too fast\") [019ac3f2-7e41-7c1b-9a20-5c1f8f7f4e11]"]}]}}"#;

/// The running program.
pub(crate) struct Floor {
    child: Child,
    pub(crate) api: Api,
}

impl Floor {
    /// Starts the program on the database and webhooks of an idle server.
    pub(crate) fn start(server: &Server, target: &str, in_flight: usize) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg("--floor")
            .arg(server.data_dir.join("postgres/socket"))
            .args([target, &in_flight.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = std::io::BufReader::new(child.stdout.take().unwrap());
        let mut address = String::new();
        std::io::BufRead::read_line(&mut output, &mut address).unwrap();
        Self { child, api: Api { address: address.trim().to_owned(), token: String::new() } }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// The state shared by the tasks.
struct Work {
    db: PgPool,
    lease: Uuid,
    client: Client,
    url: Url,
    tls: Tls,
    webhooks: Vec<WebhookId>,
    event: Event,
    /// An invocation recorded by the server.
    record: String,
    permits: Arc<Semaphore>,
    done: mpsc::Sender<Completion>,
}

/// The numbers of the events of a request.
type Request = (Vec<usize>, oneshot::Sender<()>);

/// Runs the program. Arguments: PostgreSQL's socket, the target, and the number of requests in flight.
pub(crate) async fn run(mut arguments: impl Iterator<Item = String>) {
    let mut next = || arguments.next().expect("an argument");
    let options = PgConnectOptions::from_str("postgres://gatepost@localhost/gatepost").unwrap();
    let db = connect_dispatcher(options.socket(next()), 4).await.unwrap();
    let url = format!("{}/add_incident_comment", next());
    let permits = Arc::new(Semaphore::new(next().parse().unwrap()));
    let ids: Vec<Uuid> =
        sqlx::query_scalar("select id from webhooks").fetch_all(&db).await.unwrap();
    let record = sqlx::query_scalar("select record from invocations limit 1").fetch_one(&db);
    let (done, results) = mpsc::channel(1024);
    let work = Arc::new(Work {
        record: record.await.unwrap(),
        db,
        lease: Uuid::now_v7(),
        client: Client::new(AddressRules::new(vec!["127.0.0.0/8".parse().unwrap()], Vec::new())),
        url: url.parse().unwrap(),
        tls: Tls::from(Trust::Public),
        webhooks: ids.into_iter().map(WebhookId::from).collect(),
        event: Event::parse(crate::load::EVENT).unwrap(),
        permits,
        done,
    });
    let (sender, requests) = mpsc::channel(1024);
    tokio::spawn(run_intake(Arc::clone(&work), requests));
    tokio::spawn(record_results(work, results));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    let routes = axum::Router::new()
        .route("/api/v1/events", axum::routing::post(accept))
        .layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(sender);
    axum::serve(listener, routes).await.unwrap();
}

async fn accept(State(intake): State<mpsc::Sender<Request>>, body: Bytes) -> impl IntoResponse {
    let (reply, committed) = oneshot::channel();
    intake.send((numbers(&body), reply)).await.unwrap();
    committed.await.unwrap();
    let response = r#"{"events":[{"id":"019ac3f2-7e41-7c1b-9a20-5c1f8f7f4e11","duplicate":false,"deliveries":1}]}"#;
    (StatusCode::ACCEPTED, [(header::CONTENT_TYPE, "application/json")], response)
}

fn numbers(mut body: &[u8]) -> Vec<usize> {
    let mut numbers = Vec::new();
    while let Some(at) = find(body, TICKET) {
        body = &body[at + TICKET.len()..];
        numbers.push(digits(body));
    }
    numbers
}

/// Commits the events of all waiting requests in one transaction.
async fn run_intake(work: Arc<Work>, mut requests: mpsc::Receiver<Request>) {
    let mut connection = StickyConnection::default();
    while let Some(first) = requests.recv().await {
        let mut count = first.0.len();
        let mut batch = vec![first];
        while count < MAX_EVENTS
            && let Ok(next) = requests.try_recv()
        {
            count += next.0.len();
            batch.push(next);
        }
        let numbers = batch.iter().flat_map(|(numbers, _)| numbers);
        let committing = async |db: &mut PgConnection| commit(db, &work, numbers).await;
        let jobs = connection.within(&work.db, COMMIT_TIMEOUT, committing).await.unwrap();
        for (_, reply) in batch {
            reply.send(()).unwrap();
        }
        for (delivery, number) in jobs {
            tokio::spawn(send(Arc::clone(&work), delivery, number));
        }
    }
}

async fn commit(
    db: &mut PgConnection,
    work: &Work,
    numbers: impl Iterator<Item = &usize>,
) -> Result<Vec<(NewDelivery, usize)>, Error> {
    let mut keys = Vec::new();
    let mut jobs = Vec::new();
    for number in numbers {
        let event_id = EventId::from(Uuid::now_v7());
        // Real keys are hashes, spread over their index, so the random part of an id comes first.
        let mut key = [event_id.uuid().into_bytes(), Uuid::now_v7().into_bytes()].concat();
        key.reverse();
        keys.push((event_id, key));
        for webhook_id in &work.webhooks {
            let id = Uuid::now_v7();
            let lane = Some(i64::from_be_bytes(id.as_bytes()[8..].try_into().unwrap()));
            let id = DeliveryId::from(id);
            let webhook_id = *webhook_id;
            let new = NewDelivery { id, event_id, webhook_id, lane, leased: true, behind: false };
            jobs.push((new, *number));
        }
    }
    let event = &work.event;
    let events: Vec<NewEvent<'_>> =
        keys.iter().map(|(id, key)| NewEvent { id: *id, event, key }).collect();
    let deliveries: Vec<NewDelivery> = jobs.iter().map(|(delivery, _)| *delivery).collect();
    store_events(db, &events, &deliveries, work.lease, chrono::Utc::now()).await?;
    Ok(jobs)
}

async fn send(work: Arc<Work>, delivery: NewDelivery, number: usize) {
    let permit = work.permits.acquire().await.unwrap();
    let body = BODY.replace("@N", &number.to_string());
    let outgoing = OutgoingRequest {
        method: "POST",
        url: &work.url,
        headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
        body: Some(body),
        timeout: Duration::from_secs(10),
        tls: &work.tls,
        recorded: RecordedParts::default(),
    };
    let response = work.client.exchange(outgoing).await.exchange.response.unwrap();
    let status = i32::from(response.status);
    assert!(!response.body.is_empty());
    drop(permit);
    let completion = Completion {
        id: delivery.id,
        webhook_id: delivery.webhook_id,
        attempt: 1,
        state: DeliveryState::Delivered,
        due_at: None,
        status: Some(status),
        error: None,
        counts: true,
        duration: None,
        invocation: Some((InvocationId::from(Uuid::now_v7()), work.record.clone())),
    };
    work.done.send(completion).await.unwrap();
}

async fn record_results(work: Arc<Work>, mut results: mpsc::Receiver<Completion>) {
    let mut batch = Vec::new();
    let mut connection = StickyConnection::default();
    while results.recv_many(&mut batch, MAX_RESULTS).await > 0 {
        let until = tokio::time::Instant::now() + LINGER;
        while batch.len() < MAX_RESULTS {
            let left = MAX_RESULTS - batch.len();
            let more = results.recv_many(&mut batch, left);
            if tokio::time::timeout_at(until, more).await.is_err() {
                break;
            }
        }
        let writing = async |db: &mut PgConnection| {
            complete(db, work.lease, chrono::Utc::now(), &batch).await
        };
        connection.within(&work.db, COMMIT_TIMEOUT, writing).await.unwrap();
        batch.clear();
    }
}
