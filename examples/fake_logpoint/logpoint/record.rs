//! The received requests, and the behaviours for the next ones.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use serde_json::Value;
use tokio::sync::watch;

use super::behaviour::Behaviour;
use super::http::{self, Request};

/// A received request, including its secrets.
#[derive(Debug, Clone)]
pub(crate) struct RecordedRequest {
    /// When its last byte was received.
    pub(crate) at: SystemTime,
    pub(crate) method: String,
    /// Path and query.
    pub(crate) path: String,
    /// In order, with lower-case names.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl RecordedRequest {
    /// Finds the value of a header by its lower-case name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        http::find(&self.headers, name)
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; null if it is not JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// The requests and the script.
pub(super) struct Record {
    max_recorded: usize,
    inner: Mutex<Inner>,
    arrived: watch::Sender<usize>,
}

struct Inner {
    requests: VecDeque<RecordedRequest>,
    script: VecDeque<Behaviour>,
    default: Behaviour,
}

impl Record {
    pub(super) fn new(max_recorded: usize) -> Self {
        let inner = Inner {
            requests: VecDeque::new(),
            script: VecDeque::new(),
            default: Behaviour::Normal,
        };
        Self { max_recorded, inner: Mutex::new(inner), arrived: watch::Sender::new(0) }
    }

    /// Records a request, and returns how to handle it.
    pub(super) fn add(&self, request: &Request) -> Behaviour {
        let mut inner = self.inner();
        if self.max_recorded > 0 {
            if inner.requests.len() == self.max_recorded {
                inner.requests.pop_front();
            }
            inner.requests.push_back(RecordedRequest {
                at: SystemTime::now(),
                method: request.method.clone(),
                path: request.path.clone(),
                headers: request.headers.clone(),
                body: request.body.clone(),
            });
        }
        let scripted = inner.script.pop_front();
        let behaviour = scripted.unwrap_or_else(|| inner.default.clone());
        drop(inner);
        self.arrived.send_modify(|count| *count += 1);
        behaviour
    }

    /// Whether a new connection is not read. Removes a scripted `NeverRead`.
    pub(super) fn leaves_unread(&self) -> bool {
        let mut inner = self.inner();
        match inner.script.front() {
            Some(Behaviour::NeverRead) => inner.script.pop_front().is_some(),
            Some(_) => false,
            None => inner.default == Behaviour::NeverRead,
        }
    }

    pub(super) fn script(&self, script: impl IntoIterator<Item = Behaviour>) {
        self.inner().script.extend(script);
    }

    pub(super) fn always(&self, behaviour: Behaviour) {
        self.inner().default = behaviour;
    }

    pub(super) fn requests(&self) -> Vec<RecordedRequest> {
        self.inner().requests.iter().cloned().collect()
    }

    pub(super) fn arrived(&self) -> watch::Receiver<usize> {
        self.arrived.subscribe()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
