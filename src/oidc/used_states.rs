//! The sign-ins that have been finished, so that none is finished twice.

use std::collections::HashMap;

use chrono::TimeDelta;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use crate::model::Timestamp;

/// Maximum number of states that are remembered. One takes about 60 bytes.
const MAX_STATES: usize = 10_000;

/// Remembers the states of finished sign-ins as long as their cookies are valid.
#[derive(Debug, Default)]
pub(super) struct UsedStates(Mutex<HashMap<[u8; 32], Timestamp>>);

impl UsedStates {
    /// Remembers a state. Returns false if it was used before.
    pub(super) fn add(&self, state: &str, now: Timestamp, validity: TimeDelta) -> bool {
        let mut states = self.0.lock();
        if states.len() >= MAX_STATES {
            states.retain(|_, used_at| now - *used_at <= validity);
        }
        if states.len() >= MAX_STATES {
            let oldest = states.iter().min_by_key(|(_, used_at)| **used_at);
            if let Some(oldest) = oldest.map(|(key, _)| *key) {
                states.remove(&oldest);
            }
        }
        states.insert(Sha256::digest(state.as_bytes()).into(), now).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_used_once_and_the_number_is_limited() {
        let (states, now, validity) =
            (UsedStates::default(), Timestamp::UNIX_EPOCH, TimeDelta::minutes(10));
        assert!(states.add("a", now, validity));
        assert!(!states.add("a", now, validity));
        for number in 0..MAX_STATES + 10 {
            assert!(states.add(&format!("state {number}"), now + TimeDelta::seconds(1), validity));
        }
        assert!(states.0.lock().len() <= MAX_STATES);
        assert!(!states.add("state 9000", now, validity));
    }
}
