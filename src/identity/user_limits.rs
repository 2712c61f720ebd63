//! Limits what each user may ask for that takes work or connects to other servers. The limits are far above what a person
//! does.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::rate_limit::RateLimit;
use crate::model::{Timestamp, UserId};

/// Work that a user asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Work {
    /// Send a test of a webhook.
    Test,
    /// Render a preview. The form asks for it after every change.
    Preview,
    /// Check credentials at their target.
    CheckCredentials,
    /// Fetch the certificate of a server.
    FetchCertificate,
}

impl Work {
    /// Returns how often a user may ask for it per minute.
    pub fn per_minute(self) -> NonZeroU32 {
        const FEW: NonZeroU32 = NonZeroU32::new(60).unwrap();
        const MANY: NonZeroU32 = NonZeroU32::new(600).unwrap();
        match self {
            Self::Test | Self::CheckCredentials | Self::FetchCertificate => FEW,
            Self::Preview => MANY,
        }
    }
}

/// Counts the work of each user. Every instance counts on its own.
#[derive(Debug, Clone, Default)]
pub struct UserLimits(Arc<RateLimit<(UserId, Work)>>);

impl UserLimits {
    /// Counts a request of a user.
    ///
    /// # Errors
    /// How long the user must wait.
    pub fn take(&self, user: UserId, work: Work, now: Timestamp) -> Result<(), Duration> {
        self.0.take((user, work), 1, work.per_minute(), now)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn each_user_has_a_limit_for_each_kind_of_work() {
        let limits = UserLimits::default();
        let now = DateTime::from_timestamp_secs(1_800_000_000).unwrap();
        let (ann, ben) = (Uuid::from_u128(1).into(), Uuid::from_u128(2).into());
        let count = |user, work| (0..1000).filter(|_| limits.take(user, work, now).is_ok()).count();
        assert_eq!(count(ann, Work::Test), 60);
        assert_eq!(limits.take(ann, Work::Test, now), Err(Duration::from_secs(1)));
        assert_eq!(count(ann, Work::Preview), 600);
        assert_eq!(count(ann, Work::FetchCertificate), 60);
        assert_eq!(count(ben, Work::Test), 60);
    }
}
