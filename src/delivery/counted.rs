//! Events in memory, counted: an event that goes to many webhooks is there once.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::model::event::Event;

/// Counts the events that are kept.
#[derive(Debug, Default)]
pub(super) struct Memory(Arc<AtomicUsize>);

impl Memory {
    /// Keeps one, for as long as somebody has it.
    pub(super) fn keep(&self, event: Event) -> Arc<Counted> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Arc::new(Counted { event, count: Arc::clone(&self.0) })
    }

    /// How many there are.
    pub(super) fn events(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// An event that is counted.
#[derive(Debug)]
pub(super) struct Counted {
    event: Event,
    count: Arc<AtomicUsize>,
}

impl Deref for Counted {
    type Target = Event;

    fn deref(&self) -> &Event {
        &self.event
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}
