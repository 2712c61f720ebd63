//! Limits how many rejected sign-ins are recorded, so that an attacker cannot fill the audit log.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Maximum number of records per window and instance.
const MAX_RECORDS: u32 = 60;
const WINDOW: Duration = Duration::from_mins(1);

/// A limit for records. Those beyond it are counted, and the next record contains their number.
#[derive(Debug, Clone, Default)]
pub struct RecordLimit(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    window_start: Option<Instant>,
    recorded: u32,
    omitted: u64,
}

impl RecordLimit {
    /// Returns the number of records that were omitted since the last one. `None` if this one must be omitted too.
    pub fn admit(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock();
        let is_over = state.window_start.is_none_or(|start| now.duration_since(start) >= WINDOW);
        if is_over {
            state.window_start = Some(now);
            state.recorded = 0;
        }
        if state.recorded < MAX_RECORDS {
            state.recorded += 1;
            Some(std::mem::take(&mut state.omitted))
        } else {
            state.omitted += 1;
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn omitted_records_are_counted() {
        let (limit, start) = (RecordLimit::default(), Instant::now());
        let admitted: Vec<_> = (0..100).filter_map(|_| limit.admit(start)).collect();
        assert_eq!(admitted, [0; 60]);
        assert_eq!(limit.admit(start + WINDOW), Some(40));
        assert_eq!(limit.admit(start + WINDOW), Some(0));
    }
}
