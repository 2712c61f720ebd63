//! What was sent, and what is to be done about what comes next.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use serde_json::Value;
use tokio::sync::watch;

use super::behaviour::Behaviour;
use super::http::{self, Request};

/// A request as it came, secrets and all.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    /// When it had come to its end.
    pub(crate) at: SystemTime,
    pub(crate) method: String,
    /// With its query.
    pub(crate) path: String,
    /// In their order, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Recorded {
    /// A header's value, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        http::find(&self.headers, name)
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; null where it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// The requests, and the script.
pub(super) struct Record {
    keep: usize,
    inner: Mutex<Inner>,
    arrived: watch::Sender<usize>,
}

struct Inner {
    requests: VecDeque<Recorded>,
    script: VecDeque<Behaviour>,
    otherwise: Behaviour,
}

impl Record {
    pub(super) fn new(keep: usize) -> Self {
        let inner = Inner {
            requests: VecDeque::new(),
            script: VecDeque::new(),
            otherwise: Behaviour::Normal,
        };
        Self { keep, inner: Mutex::new(inner), arrived: watch::Sender::new(0) }
    }

    /// Notes a request, and tells how to behave.
    pub(super) fn add(&self, request: &Request) -> Behaviour {
        let mut inner = self.inner();
        if self.keep > 0 {
            if inner.requests.len() == self.keep {
                inner.requests.pop_front();
            }
            inner.requests.push_back(Recorded {
                at: SystemTime::now(),
                method: request.method.clone(),
                path: request.path.clone(),
                headers: request.headers.clone(),
                body: request.body.clone(),
            });
        }
        let scripted = inner.script.pop_front();
        let behaviour = scripted.unwrap_or_else(|| inner.otherwise.clone());
        drop(inner);
        self.arrived.send_modify(|count| *count += 1);
        behaviour
    }

    /// Whether a new connection is not even read from: a scripted refusal is used up by it.
    pub(super) fn leaves_unread(&self) -> bool {
        let mut inner = self.inner();
        match inner.script.front() {
            Some(Behaviour::NeverRead) => inner.script.pop_front().is_some(),
            Some(_) => false,
            None => inner.otherwise == Behaviour::NeverRead,
        }
    }

    pub(super) fn script(&self, script: impl IntoIterator<Item = Behaviour>) {
        self.inner().script.extend(script);
    }

    pub(super) fn always(&self, behaviour: Behaviour) {
        self.inner().otherwise = behaviour;
    }

    pub(super) fn requests(&self) -> Vec<Recorded> {
        self.inner().requests.iter().cloned().collect()
    }

    pub(super) fn arrived(&self) -> watch::Receiver<usize> {
        self.arrived.subscribe()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
