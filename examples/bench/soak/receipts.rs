//! What a target has received, by event and by delivery.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Instant;

use uuid::Uuid;

use crate::target::{Recorder, find, number_in};

const ID_HEADER: &[u8] = b"webhook-id: ";
const ID_BYTES: usize = 36;

/// The requests that a target has received.
#[derive(Debug, Default)]
pub(super) struct Receipts(Mutex<Received>);

/// The requests of each event, by its number.
pub(super) type Received = HashMap<usize, Receipt>;

/// The requests of one event.
#[derive(Debug)]
pub(super) struct Receipt {
    /// When the first one arrived.
    pub(super) first: Instant,
    /// The number of requests of each delivery. An event has only one delivery to a webhook.
    pub(super) deliveries: HashMap<Uuid, usize>,
}

impl Recorder for Receipts {
    fn record(&self, request: &[u8]) {
        let now = Instant::now();
        let number = number_in(request).expect("the number of an event");
        let id = find(request, ID_HEADER).expect("the header webhook-id") + ID_HEADER.len();
        let id = Uuid::try_parse_ascii(&request[id..id + ID_BYTES]).expect("the id of a delivery");
        let mut received = self.0.lock().unwrap();
        let receipt = received
            .entry(number)
            .or_insert_with(|| Receipt { first: now, deliveries: HashMap::new() });
        *receipt.deliveries.entry(id).or_default() += 1;
    }
}

impl Receipts {
    /// Returns the events that have not arrived.
    pub(super) fn missing(&self, accepted: impl Iterator<Item = usize>) -> Vec<usize> {
        let received = self.0.lock().unwrap();
        accepted.filter(|number| !received.contains_key(number)).collect()
    }

    /// Removes and returns everything.
    pub(super) fn take(&self) -> Received {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}
