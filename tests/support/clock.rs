//! A clock that tests can move.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::TimeDelta;
use gatepost::app::system_sources;
use gatepost::model::{Clock, Sources, Timestamp};

/// The system's time plus an offset. It can be stopped.
#[derive(Debug, Clone)]
pub(crate) struct MovedClock {
    system: Sources,
    stopped_at: Arc<OnceLock<Timestamp>>,
    offset_ms: Arc<AtomicI64>,
}

impl Default for MovedClock {
    fn default() -> Self {
        Self { system: system_sources(), stopped_at: Arc::default(), offset_ms: Arc::default() }
    }
}

impl MovedClock {
    /// Stops the clock, which can still be moved.
    pub(crate) fn stop(&self) {
        self.stopped_at.get_or_init(|| self.system.now());
    }

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
        let time = self.stopped_at.get().copied().unwrap_or_else(|| self.system.now());
        time + TimeDelta::milliseconds(self.offset_ms.load(Ordering::SeqCst))
    }
}
