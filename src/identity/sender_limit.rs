//! Limits the events that each sender may send.

use std::num::NonZeroU32;
use std::time::Duration;

use super::rate_limit::RateLimit;
use crate::model::{Timestamp, TokenId};

/// Limits the events of each token or key. Every instance counts on its own.
#[derive(Debug)]
pub struct SenderLimit {
    per_minute: NonZeroU32,
    events: RateLimit<TokenId>,
    /// Limits the reports of each sender.
    reports: RateLimit<TokenId>,
}

/// Why events must not be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SenderLimitError {
    /// More events at once than are allowed per minute.
    TooManyAtOnce,
    /// The sender has used up its events.
    UsedUp {
        /// When the same events can be sent.
        wait: Duration,
        /// Whether to log it: once a minute for each sender.
        is_reported: bool,
    },
}

impl SenderLimit {
    /// Creates a limit of this number of events per minute.
    pub fn new(per_minute: NonZeroU32) -> Self {
        Self { per_minute, events: RateLimit::default(), reports: RateLimit::default() }
    }

    /// Returns how many events a sender may send per minute.
    pub fn per_minute(&self) -> NonZeroU32 {
        self.per_minute
    }

    /// Counts the events of a request.
    ///
    /// # Errors
    /// Why they must not be stored. None of them is counted then.
    pub fn take(
        &self,
        sender: TokenId,
        events: usize,
        now: Timestamp,
    ) -> Result<(), SenderLimitError> {
        let events = u32::try_from(events).unwrap_or(u32::MAX);
        if events > self.per_minute.get() {
            return Err(SenderLimitError::TooManyAtOnce);
        }
        self.events.take(sender, events, self.per_minute, now).map_err(|wait| {
            let is_reported = self.reports.take(sender, 1, NonZeroU32::MIN, now).is_ok();
            SenderLimitError::UsedUp { wait, is_reported }
        })
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn each_sender_is_limited_and_reported_once_a_minute() {
        let limit = SenderLimit::new(NonZeroU32::new(10).unwrap());
        let start = DateTime::from_timestamp_secs(1_800_000_000).unwrap();
        let (apono, other) = (Uuid::from_u128(1).into(), Uuid::from_u128(2).into());
        let rejected =
            |events, seconds| limit.take(apono, events, start + TimeDelta::seconds(seconds)).err();
        let used_up = |seconds, is_reported| {
            Some(SenderLimitError::UsedUp { wait: Duration::from_secs(seconds), is_reported })
        };
        assert_eq!(rejected(11, 0), Some(SenderLimitError::TooManyAtOnce));
        assert_eq!(rejected(10, 0), None);
        assert_eq!(rejected(1, 0), used_up(6, true));
        assert_eq!(rejected(3, 0), used_up(18, false));
        assert_eq!(rejected(1, 6), None);
        assert_eq!(rejected(1, 59), None);
        assert_eq!(rejected(10, 60), used_up(12, true));
        assert_eq!(limit.take(other, 10, start), Ok(()));
    }
}
