//! Time and randomness, passed in: a test decides both.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

/// Bits of an id that count within one millisecond.
const COUNTER_BITS: u32 = 12;

/// A moment, in UTC.
pub type Timestamp = chrono::DateTime<chrono::Utc>;

/// Where the time comes from.
pub trait Clock: Debug + Send + Sync {
    /// The moment it is now.
    fn now(&self) -> Timestamp;
}

/// Where unpredictable bytes come from.
pub trait Entropy: Debug + Send + Sync {
    /// Fills the buffer.
    fn fill(&self, buffer: &mut [u8]);
}

/// The clock and the entropy that everything uses.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The entropy.
    pub entropy: Arc<dyn Entropy>,
    /// The newest id's milliseconds and number within them.
    newest: Arc<AtomicU64>,
}

impl Sources {
    /// From these.
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { clock, entropy, newest: Arc::default() }
    }

    /// The moment it is now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// `N` unpredictable bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut buffer = [0; N];
        self.entropy.fill(&mut buffer);
        buffer
    }

    /// A number in `0.0..1.0`, for jitter.
    pub fn fraction(&self) -> f64 {
        f64::from(u32::from_be_bytes(self.bytes())) / (f64::from(u32::MAX) + 1.0)
    }

    /// A `UUIDv7` of this moment, larger than all before it: twelve bits count within a millisecond
    /// (RFC 9562, section 6.2, method 1), and where the clock steps back the count goes on.
    pub fn uuid(&self) -> Uuid {
        let millis = u64::try_from(self.now().timestamp_millis()).unwrap_or_default();
        let earliest = millis << COUNTER_BITS;
        let next = |newest: u64| Some(earliest.max(newest + 1));
        let before = self.newest.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        let position = earliest.max(before.unwrap_or_default() + 1);
        let mut bytes: [u8; 10] = self.bytes();
        let [.., high, low] = position.to_be_bytes();
        let [first, second, ..] = &mut bytes;
        (*first, *second) = (high & 0x0f, low);
        uuid::Builder::from_unix_timestamp_millis(position >> COUNTER_BITS, &bytes).into_uuid()
    }
}
