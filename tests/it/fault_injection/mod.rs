//! Guarantees under real faults: killed processes, cut connections, a full disk.

mod bad_target;
mod clock;
mod connection_cut;
mod crash;
mod disk_full;
mod environment;
mod load;
mod odd;
mod postgres_killed;
mod rotation_killed;
mod server_killed;
mod states;
mod stop;
mod three_servers;

use std::collections::{HashMap, HashSet};

use crate::support::builders::WebhookBuilder;
use crate::support::logpoint::{FakeLogpoint, RecordedRequest};

/// A webhook with a long timeout.
fn patient_webhook(logpoint: &FakeLogpoint) -> WebhookBuilder {
    WebhookBuilder::reopen(logpoint).with("timeout_in_sec", 60)
}

fn message_id(request: &RecordedRequest) -> String {
    request.header("webhook-id").unwrap().to_owned()
}

fn request_id(request: &RecordedRequest) -> String {
    request.json()["request"].as_str().unwrap().to_owned()
}

/// Returns the message ids of each event.
fn ids_of_events(requests: &[RecordedRequest]) -> HashMap<String, HashSet<String>> {
    let mut ids: HashMap<String, HashSet<String>> = HashMap::new();
    for request in requests {
        ids.entry(request_id(request)).or_default().insert(message_id(request));
    }
    ids
}

/// Returns how often each message was sent.
fn times_sent(requests: &[RecordedRequest]) -> HashMap<String, usize> {
    let mut times = HashMap::new();
    for request in requests {
        *times.entry(message_id(request)).or_default() += 1;
    }
    times
}

/// Asserts that every accepted event was sent, each under a single id.
fn assert_nothing_lost_or_renamed(accepted: &HashSet<String>, requests: &[RecordedRequest]) {
    let ids = ids_of_events(requests);
    let lost: Vec<_> = accepted.iter().filter(|request| !ids.contains_key(*request)).collect();
    assert!(lost.is_empty(), "{} of {} are lost: {lost:?}", lost.len(), accepted.len());
    let renamed: Vec<_> = ids.iter().filter(|(_, ids)| ids.len() > 1).collect();
    assert!(renamed.is_empty(), "sent under several ids: {renamed:?}");
}

/// Returns a random number below a limit.
fn random(below: u16) -> usize {
    rand::random_range(0..usize::from(below))
}
