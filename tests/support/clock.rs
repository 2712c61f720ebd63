//! A clock that tests can move.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use gatepost::app::system_sources;
use gatepost::model::{Clock, Sources, Timestamp};

/// The system's time plus an offset.
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
    /// Moves the clock forward.
    pub(crate) fn advance(&self, by: Duration) {
        self.offset_ms.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// Sets the clock back.
    pub(crate) fn step_back(&self, by: Duration) {
        self.offset_ms.fetch_sub(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// Returns this clock with the system's entropy.
    pub(crate) fn sources(&self) -> Sources {
        Sources::new(Arc::new(self.clone()), Arc::clone(&self.system.entropy))
    }
}

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        self.system.now() + TimeDelta::milliseconds(self.offset_ms.load(Ordering::SeqCst))
    }
}
