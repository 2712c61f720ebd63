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
        // Linux and macOS do not fail here once they have booted; going on without would hand out
        // keys that can be guessed.
        #[expect(clippy::expect_used, reason = "without entropy nothing here is safe")]
        getrandom::fill(buffer).expect("the system's entropy");
    }
}

/// The system's clock and entropy.
pub fn system_sources() -> Sources {
    Sources::new(Arc::new(SystemClock), Arc::new(SystemEntropy))
}
