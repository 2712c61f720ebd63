//! Time and randomness, passed in: a test decides both.

use std::fmt::Debug;
use std::sync::Arc;

use uuid::Uuid;

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
}

impl Sources {
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

    /// A `UUIDv7` of this moment.
    pub fn uuid(&self) -> Uuid {
        let millis = u64::try_from(self.now().timestamp_millis()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &self.bytes()).into_uuid()
    }
}
