//! The real clock and the real entropy.

use std::sync::Arc;

use crate::model::{Clock, Entropy, Sources, Timestamp};

#[derive(Debug)]
struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "the one place where the clock is read")]
        chrono::Utc::now()
    }
}

#[derive(Debug)]
struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        // A cipher (ChaCha) for each thread, seeded by the system: asking that each time is a system call. Where it
        // cannot be seeded, this panics: going on without would hand out keys that can be guessed.
        rand::fill(buffer);
    }
}

/// The system's clock and entropy.
pub fn system_sources() -> Sources {
    Sources::new(Arc::new(SystemClock), Arc::new(SystemEntropy))
}
