//! How much memory the bodies of requests may use together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Maximum size of all forms that are received or processed at the same time, in bytes. Anyone can send a form; events are
/// accepted only with a token.
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// The memory that is in use.
#[derive(Debug, Default)]
pub(super) struct Budget(AtomicUsize);

/// The memory that one request uses, released when dropped.
#[derive(Debug)]
pub(super) struct Reservation {
    budget: Arc<Budget>,
    bytes: AtomicUsize,
}

impl Budget {
    pub(super) fn reserve(self: &Arc<Self>) -> Arc<Reservation> {
        Arc::new(Reservation { budget: Arc::clone(self), bytes: AtomicUsize::new(0) })
    }
}

impl Reservation {
    /// Adds to the reservation. Returns whether the budget allows it.
    pub(super) fn add(&self, bytes: usize) -> bool {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.budget.0.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) <= MAX_BYTES
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.0.fetch_sub(*self.bytes.get_mut(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_released_at_the_end_of_a_request() {
        let budget = Arc::new(Budget::default());
        let (first, second) = (budget.reserve(), budget.reserve());
        assert!(first.add(MAX_BYTES - 1) && second.add(1));
        assert!(!second.add(1));
        drop(first);
        assert!(second.add(1));
        drop(second);
        assert_eq!(budget.0.load(Ordering::Relaxed), 0);
    }
}
