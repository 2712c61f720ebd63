//! Counts the events held in memory. An event that goes to several webhooks is held once.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::model::event::Event;

/// Counts the events held in memory.
#[derive(Debug, Default)]
pub(super) struct EventBudget(Arc<AtomicUsize>);

impl EventBudget {
    /// Counts an event until the last reference to it is dropped.
    pub(super) fn track(&self, event: Event) -> Arc<TrackedEvent> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Arc::new(TrackedEvent { event, count: Arc::clone(&self.0) })
    }

    /// Returns the number of events held.
    pub(super) fn used(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// An event that is counted in an [`EventBudget`].
#[derive(Debug)]
pub(super) struct TrackedEvent {
    event: Event,
    count: Arc<AtomicUsize>,
}

impl Deref for TrackedEvent {
    type Target = Event;

    fn deref(&self) -> &Event {
        &self.event
    }
}

impl Drop for TrackedEvent {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}
