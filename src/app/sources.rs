//! The system's clock and entropy.

use std::sync::Arc;

use crate::model::{Clock, Entropy, Sources, Timestamp};

#[derive(Debug)]
struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "the only place that reads the clock")]
        chrono::Utc::now()
    }
}

#[derive(Debug)]
struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        // A ChaCha generator per thread, seeded by the system, avoids a system call each time. It panics if it cannot
        // be seeded, because the keys would be predictable.
        rand::fill(buffer);
    }
}

/// Returns the system's clock and entropy.
pub fn system_sources() -> Sources {
    Sources::new(Arc::new(SystemClock), Arc::new(SystemEntropy))
}
