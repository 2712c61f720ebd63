//! The system's clock, moved on when a test says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use gatepost::app::system_sources;
use gatepost::model::{Clock, Sources, Timestamp};

/// The system's time and an offset.
#[derive(Debug, Clone)]
pub(crate) struct MovedClock {
    system: Sources,
    offset_ms: Arc<AtomicI64>,
}

impl Default for MovedClock {
    fn default() -> Self {
        Self { system: system_sources(), offset_ms: Arc::default() }
    }
}

impl MovedClock {
    /// Moves on.
    pub(crate) fn advance(&self, by: Duration) {
        self.offset_ms.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// Steps back.
    pub(crate) fn step_back(&self, by: Duration) {
        self.offset_ms.fetch_sub(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// This clock and the system's entropy.
    pub(crate) fn sources(&self) -> Sources {
        Sources::new(Arc::new(self.clone()), Arc::clone(&self.system.entropy))
    }
}

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        self.system.now() + TimeDelta::milliseconds(self.offset_ms.load(Ordering::SeqCst))
    }
}
