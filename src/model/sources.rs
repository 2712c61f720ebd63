//! Time and randomness as dependencies, so that tests control both.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

/// Bits of an id that count ids within a millisecond.
const COUNTER_BITS: u32 = 12;

/// A point in time, in UTC.
pub type Timestamp = chrono::DateTime<chrono::Utc>;

/// Source of the current time.
pub trait Clock: Debug + Send + Sync {
    /// Returns the current time.
    fn now(&self) -> Timestamp;
}

/// Source of unpredictable bytes.
pub trait Entropy: Debug + Send + Sync {
    /// Fills the buffer with unpredictable bytes.
    fn fill(&self, buffer: &mut [u8]);
}

/// The clock and the entropy used throughout the program.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The entropy.
    pub entropy: Arc<dyn Entropy>,
    /// Milliseconds and counter of the newest id.
    newest: Arc<AtomicU64>,
}

impl Sources {
    /// Combines a clock and an entropy source.
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { clock, entropy, newest: Arc::default() }
    }

    /// Returns the current time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns `N` unpredictable bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut buffer = [0; N];
        self.entropy.fill(&mut buffer);
        buffer
    }

    /// Returns a number in `0.0..1.0`, for jitter.
    pub fn fraction(&self) -> f64 {
        f64::from(u32::from_be_bytes(self.bytes())) / (f64::from(u32::MAX) + 1.0)
    }

    /// Returns a `UUIDv7` of the current time that is greater than all before it. Twelve bits count within a
    /// millisecond (RFC 9562, section 6.2, method 1); if the clock steps back, the counter continues.
    ///
    /// The `uuid` crate's `ContextV7` would do the same, but takes its random bits from a generator that
    /// tests cannot control.
    pub fn uuid(&self) -> Uuid {
        let millis = u64::try_from(self.now().timestamp_millis()).unwrap_or_default();
        let earliest = millis << COUNTER_BITS;
        let next = |newest: u64| Some(earliest.max(newest + 1));
        let before = self.newest.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        let counted = earliest.max(before.unwrap_or_default() + 1);
        let mut bytes: [u8; 10] = self.bytes();
        let [.., high, low] = counted.to_be_bytes();
        let [first, second, ..] = &mut bytes;
        (*first, *second) = (high & 0x0f, low);
        uuid::Builder::from_unix_timestamp_millis(counted >> COUNTER_BITS, &bytes).into_uuid()
    }
}
